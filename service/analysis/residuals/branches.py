"""Where a network's graph adds a branch to what passes by it.

Found in the graph itself, whatever its layers are called. A sum has a shortcut where one of what it adds is what
another one came of, or where both came of one place and one way there has no more than a projection on it (He et al.
2016, "Deep residual learning for image recognition"). A concatenation has one where it takes what another one came of,
cropped or pooled at the most: so the levels of a U-Net are found, and the parallel ways of an Inception are not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from service.analysis.residuals.ways import Ways, ascending

MOST_TAKEN = 8  # what adds up more than that is no shortcut's sum
PARTINGS = 4  # places where two ways may part: the last one, but for what comes in beside them


@dataclass(frozen=True, slots=True)
class Branch:
    """A way beside a shortcut: from `origin` by `places` (the origin is none of them) to `at`, which takes both in.

    `shortcut` is the place by which the stream itself comes to `at`: the origin, or a projection of it. The branch
    comes by the last of `places`.
    """

    at: int
    origin: int
    shortcut: int
    places: tuple[int, ...]

    @property
    def end(self) -> int:
        return self.places[-1]


class Sums:
    """The sums of a graph and their branches, found one after the other."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        self.found: list[list[Branch]] = []
        self._beside: dict[int, tuple[int, int]] = {}

    def take(self, at: int) -> None:
        """Look at a sum or a concatenation; those before it have been looked at."""
        taken = sorted(set(self.ways.sites[at].takes))
        if len(taken) > MOST_TAKEN:
            return
        if here := self._beside_itself(at, taken) or self._beside_a_projection(at, taken):
            self.found.append(here)

    def _beside_itself(self, at: int, taken: Sequence[int]) -> list[Branch]:
        for shortcut in taken:
            ends = [end for end in taken if end != shortcut and self.ways.is_passed(shortcut, end)]
            found = [self._branch(at, shortcut, shortcut, end) for end in ends if self._is_whole(shortcut, end)]
            if found:
                return found
        return []

    def _beside_a_projection(self, at: int, taken: Sequence[int]) -> list[Branch]:
        if len(taken) != 2 or self.ways.before[taken[1]] >> taken[0] & 1:
            return []
        most = 1 if self.ways.sites[at].kind == "sum" else 0
        for origin in islice(self.ways.partings(*taken), PARTINGS):
            lengths = [self.ways.matrices(origin, end) for end in taken]
            shortcut, end = taken if lengths[0] < lengths[1] else taken[::-1]
            plain = is_plain(self.ways, origin, shortcut, most)
            if lengths[0] != lengths[1] and plain and self._is_whole(origin, end):
                return [self._branch(at, origin, shortcut, end)]
        return []

    def _branch(self, at: int, origin: int, shortcut: int, end: int) -> Branch:
        return Branch(at, origin, shortcut, ascending(self.ways.between(origin, end)))

    def _is_whole(self, origin: int, end: int) -> bool:
        """Whether all sums within a branch add to what came of its origin.

        What is added on the way again and again (positions before every attention, the time in a diffusion network)
        has whole blocks between one sum and the next; they are no branch of it, for their own stream came in beside it.
        """
        known, beside = self._beside.get(origin, (0, 0))
        own = self.ways.after[origin] | 1 << origin
        for here in self.found[known:]:
            if not all(own >> branch.origin & 1 for branch in here):
                beside |= 1 << here[0].at
        self._beside[origin] = (len(self.found), beside)
        return not beside & self.ways.between(origin, end)


def branches_of(ways: Ways) -> list[list[Branch]]:
    """Return the branches of a graph, those that one place takes in together, in the order of these places."""
    sums = Sums(ways)
    for at, site in enumerate(ways.sites):
        if site.kind in ("sum", "join"):
            sums.take(at)
    return sums.found


def is_plain(ways: Ways, origin: int, shortcut: int, most: int) -> bool:
    """Whether a way is a shortcut's: without a matrix, or with so many projections at the most and nothing beside."""
    if not ways.matrices(origin, shortcut)[0]:
        return True
    kinds = {ways.sites[place].kind for place in ascending(ways.between(origin, shortcut))}
    return ways.matrices(origin, shortcut)[0] <= most and not {"attends", "mixes", "sum", "join"} & kinds
