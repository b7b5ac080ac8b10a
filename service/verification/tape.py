"""The bytes of a file as they come, in order: whoever reads them is a generator, which waits where it needs more."""

from collections import deque
from collections.abc import Generator
from typing import Protocol

from service.errors import InvalidFile


class Content(Protocol):
    """Bytes that are read from first to last."""

    def exactly(self, count: int) -> Generator[None, None, bytes]:
        """Return the next `count` bytes; yields while they have not come."""
        ...


class Tape:
    """Bytes that are not read yet. `place` is how many were read before them, `reading` what they belong to."""

    def __init__(self) -> None:
        self.waiting = 0
        self.place = 0
        self.ended = False
        self.reading = "the file"
        self._chunks: deque[memoryview] = deque()

    def add(self, chunk: bytes) -> None:
        if chunk:
            self._chunks.append(memoryview(chunk))
            self.waiting += len(chunk)

    def end(self) -> None:
        """Say that nothing more comes."""
        self.ended = True

    def exactly(self, count: int) -> Generator[None, None, bytes]:
        """Return the next `count` bytes; raises InvalidFile where the file ends before."""
        while self.waiting < count:
            if self.ended:
                end = self.place + self.waiting
                raise InvalidFile(f"it ends after {end:,} bytes, in the middle of {self.reading}")
            yield None
        return self.now(count)

    def some(self, most: int) -> Generator[None, None, bytes]:
        """Return at least one byte and at most `most`; none at the end."""
        while not (self.waiting or self.ended):
            yield None
        return self.now(min(most, len(self._chunks[0]))) if self.waiting else b""

    def peek(self, count: int) -> Generator[None, None, bytes]:
        """Return the next `count` bytes, or as many as there are, and leave them to be read."""
        while self.waiting < count and not self.ended:
            yield None
        found = self.now(min(count, self.waiting))
        self.give_back(found)
        return found

    def give_back(self, unread: bytes) -> None:
        """Put bytes that were read in front again."""
        if unread:
            self._chunks.appendleft(memoryview(unread))
            self.waiting += len(unread)
            self.place -= len(unread)

    def now(self, count: int) -> bytes:
        """Return bytes of which as many wait."""
        parts, left = [], count
        while left:
            chunk = self._chunks.popleft()
            if len(chunk) > left:
                self._chunks.appendleft(chunk[left:])
                chunk = chunk[:left]
            parts.append(chunk)
            left -= len(chunk)
        self.waiting -= count
        self.place += count
        return b"".join(parts)
