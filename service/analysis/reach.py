"""What can be said of a network by its graph alone: what lies behind a norm, and which weights are neighbours."""

from collections.abc import Iterator
from typing import NamedTuple

from service.analysis.layers import NORMS
from service.networks.graph.graph import Graph, Place


def is_norm(place: Place) -> bool:
    return isinstance(place.layer, NORMS)


def before_norms(graph: Graph) -> list[bool]:
    """Return of each place whether every way from it to the output passes through a norm, which takes any size."""
    open_ = [False] * len(graph.places)
    for number in reversed(range(len(graph.places))):
        last = number == len(graph.places) - 1
        open_[number] = last or any(open_[one] and not is_norm(graph.places[one]) for one in graph.consumers[number])
    return [not one for one in open_]


class Ahead(NamedTuple):
    """The next places with weights, but norms, along every way from a place, and the norms on these ways."""

    weighted: tuple[int, ...]
    norms: tuple[int, ...]


def ahead(graph: Graph, number: int) -> Ahead:
    seen: dict[int, None] = {}

    def walk() -> Iterator[int]:
        waiting = [*graph.consumers[number]]
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen[one] = None
                yield one
                if is_norm(graph.places[one]) or not graph.places[one].has_weights:
                    waiting.extend(graph.consumers[one])

    reached = sorted(walk())
    weighted = [one for one in reached if graph.places[one].has_weights or graph.places[one].tied is not None]
    return Ahead(
        tuple(one for one in weighted if not is_norm(graph.places[one])),
        tuple(one for one in weighted if is_norm(graph.places[one])),
    )
