"""Writes an answer to a file or a pipe, without a server: made by all processors, in the memory of a few chunks."""

import os
import queue
import shutil
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO

from service.formats import Payload
from service.formats.payload import Chunk, Piece
from service.pipeline import Delivery, Workers
from service.progress import Progress


def made(pieces: Iterator[Piece], threads: int) -> Generator[Chunk, None, None]:
    """Yield what pieces come to, made by `threads` (0: one a processor) at once."""
    workers = Workers(threads)
    try:
        yield from made_by(workers, pieces)
    finally:
        workers.stop()


def made_by(workers: Workers, pieces: Iterator[Piece]) -> Generator[Chunk, None, None]:
    """Yield what pieces come to, made by threads that are there already."""
    inbox: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
    run = workers.start(pieces, inbox.put)
    try:
        while not (delivery := inbox.get()).last:
            yield delivery.chunk
            workers.taken(run, delivery.weight)
        if delivery.error is not None:
            raise delivery.error
    finally:
        workers.close(run, lambda: None)


def write(payload: Payload, out: BinaryIO, progress: Progress, threads: int = 0) -> None:
    """Write a payload while it is made."""
    with closing(made(payload.pieces(), threads)) as chunks:
        for chunk in chunks:
            out.write(chunk)
            progress(len(chunk))


def write_file(payload: Payload, path: Path, progress: Progress, threads: int = 0) -> None:
    """Write a payload to a file that has its name only when it is whole and on the disk.

    What is there and is no file (a device, a named pipe) is written into; a link stays, and what it leads to is new.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        with path.open("wb") as device:
            write(payload, device, progress, threads)
        return
    free = shutil.disk_usage(path.parent).free
    if free < payload.length:
        raise OSError(f"{path} takes {payload.length:,} bytes; {free:,} are free there")
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~current_umask()
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".initserve-")
    try:
        with os.fdopen(handle, "wb") as file:
            write(payload, file, progress, threads)
            file.flush()
            os.fsync(handle)
            os.fchmod(handle, mode)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextmanager
def terminated_as_by_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that what was begun is cleared away."""
    wanted = [signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__]
    before = {number: signal.signal(number, lambda got, _: sys.exit(128 + got)) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
