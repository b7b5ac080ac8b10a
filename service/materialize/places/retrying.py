"""Trying again what a place did not do and may do another time: with growing pauses, by chance, until a deadline."""

import random
import time
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from service.materialize.places.place import PlaceError

TRIES = 6  # where there is no deadline; each of a store's own requests has been tried for half a minute before it fails
FIRST, LONGEST = 1.0, 30.0  # seconds between two tries, before chance takes up to half of them

T = TypeVar("T")


def retried(attempt: Callable[[], T], deadline: float | None = None) -> T:
    """Return what an attempt comes to, after as many tries as it takes: at most TRIES, or until a deadline.

    `deadline` is in seconds since 1970. Raises PlaceError: at once one that does not pass, the last one that does.
    """
    for tries in count(1):
        try:
            return attempt()
        except PlaceError as error:
            pause = min(LONGEST, FIRST * 2 ** (tries - 1)) * random.uniform(0.5, 1.0)
            over = tries == TRIES if deadline is None else time.time() + pause > deadline
            if over or not error.passing:
                raise
        time.sleep(pause)
    raise AssertionError  # count never ends
