"""What answers take of the processors, as it turns out: seconds of the threads that make them, by route."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from prometheus_client import Counter

from service.formats.payload import Finish, Piece

T = TypeVar("T")


@contextmanager
def counted(seconds: Counter) -> Iterator[None]:
    """Count what this thread does within the block."""
    began = time.thread_time()
    try:
        yield
    finally:
        seconds.inc(time.thread_time() - began)


def counting(work: Callable[[], T], seconds: Counter) -> Callable[[], T]:
    """Return work whose time is counted, on whatever thread it is done."""

    def do() -> T:
        with counted(seconds):
            return work()

    return do


def pieces_counted(pieces: Iterator[Piece], seconds: Counter) -> Iterator[Piece]:
    """Return pieces whose making and finishing is counted, and so is what it takes to come to them."""

    def counting_both(piece: Piece) -> Piece:
        make = counting(piece.make, seconds)

        def make_and_finish() -> Finish:
            return counting(make(), seconds)

        return piece._replace(make=make_and_finish)

    while True:
        with counted(seconds):
            piece = next(pieces, None)
        if piece is None:
            return
        yield counting_both(piece)
