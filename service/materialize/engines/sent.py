"""What is sent to a cluster's workers: work, and beside it what sees to it that a worker has the same initserve."""

from __future__ import annotations  # a function that is sent takes its annotations along: as text, they need no module

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

from service import __version__
from service.materialize.engines.engine import EngineError, Outcome, T, Told, Work

Answer = tuple[Any, str | None, str | None]  # what it came to; why it came to nothing; why this worker cannot do it


class Sent(NamedTuple):
    """Work as it is sent: `text`, for `carry` with a number."""

    text: bytes
    carry: Callable[[bytes, int, Told], Answer]


def sent(work: Work[T], version: str = __version__) -> Sent:
    """Return work that is done where this version of initserve is installed, and refused elsewhere.

    Ray and Dask send a function by its name where it can be imported, by its code where it stands in another function.
    `carry` must run at any worker, with another initserve or none: it goes by its code, and names nothing of this one.
    """

    def carry(text: bytes, number: int, told: Told) -> Answer:
        import pickle
        import platform

        try:
            from service import __version__ as found
        except ImportError:
            found = "none"
        if found != version:
            return None, None, f"worker {platform.node()} has initserve {found}, and this is {version}"
        try:
            return pickle.loads(text)(number, told), None, None
        except Exception as error:  # whatever it is, this number came to nothing, and others may come to something
            return None, str(error) or type(error).__name__, None

    return Sent(pickle.dumps(work), carry)


def outcome(number: int, answer: Answer) -> Outcome[Any]:
    """Return what an answer says of a number. Raises EngineError where that worker can do nothing at all."""
    result, error, unfit = answer
    if unfit is not None:
        raise EngineError(f"{unfit}: install the same on every worker")
    return Outcome(number, result, error)
