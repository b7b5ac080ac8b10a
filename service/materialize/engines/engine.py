"""Engine: numbers go in, what each comes to comes out, in whatever order; who dies over one is replaced."""

from collections.abc import Callable, Generator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")
Told = Callable[[int], None]  # told how many more bytes are made
Work = Callable[[int, Told], T]  # of a number; a module's function, or functools.partial of one, so that it can be sent

TRIES = 4  # of a number, whose worker died, in all


class EngineError(OSError):
    """Nobody does the work: a package is missing, no cluster answers, or its workers are not as they must be."""


class Outcome(NamedTuple, Generic[T]):
    """What a number came to, or why it came to nothing."""

    number: int
    result: T | None
    error: str | None = None


class Engine(Protocol):
    """Workers that are there from `__enter__` to `__exit__`."""

    workers: int  # at once, at the most
    tells: bool  # of bytes while they are made

    def __enter__(self) -> "Engine": ...
    def __exit__(self, *error: object) -> None: ...

    def threads(self, count: int) -> int:
        """Return how many threads each worker should draw with, where there are so many numbers."""
        ...

    def map(self, work: Work[T], numbers: Sequence[int], told: Told) -> Generator[Outcome[T], None, None]:
        """Yield what `work` makes of each number, as it comes.

        What `work` raises is an Outcome's error at once. A number whose worker died is given to another, TRIES times
        in all. `told` hears of bytes where the engine `tells`. Closed before its end, this gives up what is under way.
        """
        ...
