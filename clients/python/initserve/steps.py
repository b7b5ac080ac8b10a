"""What a client does, step by step, without doing it: generators yield steps, and a shell takes them.

One shell takes them as they come (`Client`), another awaits them (`AsyncClient`), so that what is asked, tried again
and checked is written once. A shell sends back what a step came to, or throws in what it raised: `Broken` where an
answer does not come.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

from initserve.errors import InitserveError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """Send a request and take the head of its answer, a `Head`. What was left of the answer before is dropped."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Callable[[], Iterator[bytes]] = b""


@dataclass(frozen=True, slots=True)
class Take:
    """Take the next bytes of the answer as they come; none at its end."""


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float


@dataclass(frozen=True, slots=True)
class Do:
    """Do what may take a while beside whatever else the program has to do: hashing, reading, writing."""

    work: Callable[[], Any]


Step: TypeAlias = Ask | Take | Pause | Do
Steps: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True, slots=True)
class Head:
    status: int
    headers: Mapping[str, str]  # whose names are found in any case


class Broken(Exception):
    """An answer did not come, or not whole, or not as it was made: it is asked for again.

    `error` is what is told if that does not help, `pause` the seconds that a service asked to wait before.
    """

    def __init__(self, error: InitserveError, pause: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.pause = error, pause


def broken(why: str) -> Broken:
    return Broken(InitserveError("broken-answer", why))
