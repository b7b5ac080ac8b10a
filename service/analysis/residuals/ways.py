"""What comes of what in a graph: which places lie between two others, and which of them every way passes."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypeAlias

from service.once import once

# What a place does to a stream. `passes`: nothing, or something to each number alone (an activation, dropout, a scale);
# `moves`: it changes which numbers there are, without weights (pooling, padding, reshaping); `projects`: a matrix at
# each place (a dense layer, a convolution); `attends` and `mixes` have weights and are no projection (a recurrent
# layer, an embedding).
Kind: TypeAlias = Literal["input", "sum", "join", "norm", "passes", "moves", "projects", "attends", "mixes"]
MATRICES = frozenset({"projects", "attends", "mixes"})


class Site(NamedTuple):
    """A place of a graph: its name, what it does, and the numbers of the places that it takes."""

    name: str
    kind: Kind
    takes: tuple[int, ...] = ()


class Ways:
    """The ways through a graph, whose sites stand in an order in which each takes earlier ones only.

    Sets of places are whole numbers here, a bit a place.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        self.sites = sites
        self.before: list[int] = []  # each place with all that it came of
        self.after = [0] * len(sites)  # all that came of each place
        self.takers: list[list[int]] = [[] for _ in sites]
        for index, site in enumerate(sites):
            own = 1 << index
            for taken in sorted(set(site.takes)):
                own |= self.before[taken]
                self.takers[taken].append(index)
            self.before.append(own)
        for index in reversed(range(len(sites))):
            for taker in self.takers[index]:
                self.after[index] |= self.after[taker] | 1 << taker

    @once
    def gates(self) -> list[list[int]]:
        """For each source and place, the places that all ways from one to the other pass; 0 where there is no way."""
        return [self._gates_from(index) for index, site in enumerate(self.sites) if not site.takes]

    def _gates_from(self, source: int) -> list[int]:
        gates = [0] * len(self.sites)
        gates[source] = 1 << source
        for index in range(source + 1, len(self.sites)):
            ways = [gates[taken] for taken in self.sites[index].takes if gates[taken]]
            if ways:
                common = ways[0]
                for way in ways[1:]:
                    common &= way
                gates[index] = common | 1 << index
        return gates

    def came_of(self, place: int, earlier: int) -> bool:
        return place != earlier and bool(self.before[place] >> earlier & 1)

    def is_passed(self, place: int, end: int) -> bool:
        """Whether all ways from some source to `end` pass a place."""
        return any(gates[end] >> place & 1 for gates in self.gates)

    def partings(self, one: int, other: int) -> Iterator[int]:
        """Yield the places that all ways from some source to both pass, the last one first."""
        found = 0
        for gates in self.gates:
            found |= gates[one] & gates[other]
        return descending(found)

    def between(self, origin: int, end: int) -> int:
        """Return the places after `origin` on the ways to `end`, and `end` itself."""
        return self.after[origin] & self.before[end]

    def has_matrices(self, origin: int, end: int) -> bool:
        """Whether some way from `origin` to `end` passes a place with a matrix."""
        return bool(self.between(origin, end) & self._with_matrices)

    @once
    def _with_matrices(self) -> int:
        return sum(1 << index for index, site in enumerate(self.sites) if site.kind in MATRICES)

    def matrices(self, origin: int, end: int) -> tuple[int, int]:
        """Return how many places with a matrix the longest way from `origin` to `end` passes, and the shortest."""
        found = {origin: (0, 0)}
        for place in ascending(self.between(origin, end)):
            own = int(self.sites[place].kind in MATRICES)
            ways = [found[taken] for taken in self.sites[place].takes if taken in found]
            found[place] = (own + max(most for most, _ in ways), own + min(least for _, least in ways))
        return found[end]

    def tail(self, at: int) -> tuple[int, ...]:
        """Return what follows a place, one by one, without weights or with a norm's alone, until its stream parts."""
        found: list[int] = []
        while len(self.takers[at]) == 1 and self.sites[self.takers[at][0]].kind in ("norm", "passes"):
            at = self.takers[at][0]
            found.append(at)
        return tuple(found)


def descending(places: int) -> Iterator[int]:
    """Yield the places of a set, the last one first."""
    while places:
        last = places.bit_length() - 1
        yield last
        places ^= 1 << last


def ascending(places: int) -> tuple[int, ...]:
    """Return the places of a set in order."""
    return tuple(descending(places))[::-1]
