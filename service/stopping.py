"""Work that nobody waits for any more: any thread says so, and the work ends at its next check.

Work that takes turns with other work (turns.py) gives way where it can rest.

Whoever starts long work runs it within `stoppable(stop)`; the work calls `check()` every few milliseconds, and hands
`flag()` to kernels that take longer than that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


class Stopped(BaseException):
    """Work has ended before it was done. Not an Exception: what tries one thing after another must not go on."""


Pause: TypeAlias = Callable[[], None]  # returns once the work that called it may go on


class Stop:
    """Whether work is to end. `flag` is one byte, not 0 from then on, that compiled code can read while it runs."""

    def __init__(self) -> None:
        self.flag: NDArray[np.uint8] = np.zeros(1, np.uint8)

    @property
    def asked(self) -> bool:
        return bool(self.flag[0])

    def ask(self) -> None:
        self.flag[0] = 1


_current: ContextVar[Stop] = ContextVar("stop", default=Stop())  # noqa: B039 - this one is never asked
_pause: ContextVar[Pause | None] = ContextVar("pause", default=None)


@contextmanager
def stoppable(stop: Stop, pause: Pause | None = None) -> Iterator[None]:
    """Let `stop` end what this thread does within the block, and `pause` be called where it can rest."""
    before, rested = _current.set(stop), _pause.set(pause)
    try:
        yield
    finally:
        _current.reset(before)
        _pause.reset(rested)


def check() -> None:
    """Raise Stopped where nobody waits for what this thread does."""
    if _current.get().flag[0]:
        raise Stopped


def give_way() -> None:
    """Check, and let others go on whose turn it is: where no lock is held, which one of them might wait for."""
    pause = _pause.get()
    if pause is not None:
        pause()
    check()


def flag() -> NDArray[np.uint8]:
    """Return the byte that a kernel is to read, and to leave as it is."""
    return _current.get().flag
