"""Sorts what may be very much in steps: Python sorts a list in one, in which no other thread has its turn."""

import heapq
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, TypeVar

AT_ONCE = 2**13  # some milliseconds

T = TypeVar("T")


def in_order(values: Iterable[T], key: Callable[[T], Any]) -> list[T]:
    """Return the values as `sorted` does, equal ones in the order in which they came."""
    keyed = [(key(value), value) for value in values]
    steps = [sorted(keyed[start : start + AT_ONCE], key=itemgetter(0)) for start in range(0, len(keyed), AT_ONCE)]
    return [value for _, value in heapq.merge(*steps, key=itemgetter(0))]
