"""SHA-256 of what is on its way, on a thread of its own: neither drawing nor writing waits for it."""

import hashlib
from collections.abc import Generator, Iterable
from queue import Queue
from threading import Thread

from service.formats.payload import Chunk

AHEAD = 16  # chunks of at most 1.5 MB that wait to be hashed


class Hashing:
    """The digest of all chunks that pass, which is known once they have."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._waiting: Queue[Chunk | None] = Queue(AHEAD)

    def passing(self, chunks: Iterable[Chunk]) -> Generator[Chunk, None, None]:
        """Hand chunks on."""
        thread = Thread(target=self._work, name="hash", daemon=True)
        thread.start()
        try:
            for chunk in chunks:
                self._waiting.put(chunk)
                yield chunk
        finally:
            self._waiting.put(None)
            thread.join()

    def _work(self) -> None:
        while (chunk := self._waiting.get()) is not None:
            self._hash.update(chunk)

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
