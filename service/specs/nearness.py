"""Nearness: the name that somebody may have meant by one that there is not, at a cost that is bounded."""

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import islice, pairwise

MOST_KINDS = 256  # kinds of names that are compared, and names of the nearest kind
WILD = re.compile(r"[*?]+")
DIGITS = re.compile(r"[0-9]+")


def pairs_of(text: str) -> set[tuple[str, str]]:
    return set(pairwise(text.lower()))


class Nearest:
    """Finds the nearest of many names: first among kinds, which differ by more than numbers, then within the kind."""

    def __init__(self, names: Iterable[str]) -> None:
        self.kinds: defaultdict[str, list[str]] = defaultdict(list)
        for name in names:
            self.kinds[DIGITS.sub("0", name)].append(name)

    def to(self, pattern: str) -> str | None:
        """Return the name that shares most pairs of neighbouring characters with a pattern; the shortest of equals."""
        if not self.kinds:
            return None
        kind = nearest(DIGITS.sub("0", pattern), islice(self.kinds, MOST_KINDS))
        return nearest(pattern, islice(self.kinds[kind], MOST_KINDS))


def nearest(pattern: str, names: Iterable[str]) -> str:
    wanted = set().union(*(pairs_of(piece) for piece in WILD.split(pattern)))
    return max(names, key=lambda name: (len(wanted & pairs_of(name)), -len(name)))
