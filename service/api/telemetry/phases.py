"""What a request goes through, and how long each phase takes: told in Server-Timing, logs and traces."""

import time
from collections.abc import Iterable
from types import TracebackType
from typing import NamedTuple

# Every phase that there is. "wait" lies within others.
PHASES = {
    "read": "the body was received",
    "kernels": "compiled for the first time",
    "wait": "in a line for a thread",
    "plan": "the spec was read and planned",
    "draw": "values were drawn, up to the first byte",
    "study": "the network was run",
    "compare": "the file was received and compared",
}


class Phase(NamedTuple):
    """When something went on, in seconds of the monotonic clock."""

    name: str
    began: float
    ended: float


class During:
    """Makes a phase of what is done within the block, and puts it into a list at its end, however it ends."""

    __slots__ = ("_began", "_into", "_name")

    def __init__(self, name: str, into: list[Phase]) -> None:
        self._name, self._into = name, into

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._into.append(Phase(self._name, self._began, time.monotonic()))


def seconds_of(phases: Iterable[Phase]) -> dict[str, float]:
    """Return the seconds that went to each phase, in the order in which they first ended."""
    found: dict[str, float] = {}
    for phase in phases:
        found[phase.name] = found.get(phase.name, 0.0) + phase.ended - phase.began
    return found


def server_timing(phases: Iterable[Phase]) -> bytes:
    """Return the header Server-Timing (W3C): milliseconds."""
    return ", ".join([f"{name};dur={1000 * took:.3f}" for name, took in seconds_of(phases).items()]).encode()
