"""Work that nobody waits for any more: any thread says so, and the work ends at its next check.

Work that takes turns with other work (turns.py) gives way where it can rest.

Whoever starts long work runs it within `stoppable(stop)`; the work calls `check()` every few milliseconds, and hands
`flag()` to kernels that take longer than that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np
from numpy.typing import NDArray


class Stopped(BaseException):
    """Work has ended before it was done. Not an Exception: what tries one thing after another must not go on."""


class Stop:
    """Whether work is to end. `flag` is one byte, not 0 from then on, that compiled code can read while it runs.

    `pause` returns once the work may go on.
    """

    def __init__(self) -> None:
        self.flag: NDArray[np.uint8] = np.zeros(1, np.uint8)
        self.pause: Callable[[], None] | None = None

    @property
    def asked(self) -> bool:
        return bool(self.flag[0])

    def ask(self) -> None:
        self.flag[0] = 1


_current: ContextVar[Stop] = ContextVar("stop", default=Stop())  # noqa: B039 - this one is never asked


@contextmanager
def stoppable(stop: Stop) -> Iterator[None]:
    """Let `stop` end what this thread does within the block."""
    before = _current.set(stop)
    try:
        yield
    finally:
        _current.reset(before)


def check() -> None:
    """Raise Stopped where nobody waits for what this thread does."""
    if _current.get().flag[0]:
        raise Stopped


def give_way() -> None:
    """Check, and let others go on whose turn it is: where no lock is held, which one of them might wait for."""
    stop = _current.get()
    if stop.pause is not None:
        stop.pause()
    if stop.flag[0]:
        raise Stopped


def flag() -> NDArray[np.uint8]:
    """Return the byte that a kernel is to read, and to leave as it is."""
    return _current.get().flag
