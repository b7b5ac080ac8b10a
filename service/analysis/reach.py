"""What can be said of a network by its graph alone: what lies behind a norm, and which weights are neighbours."""

from collections.abc import Iterator
from typing import NamedTuple

from service.analysis.layers import NORMS
from service.networks.graph.graph import POSITIONS, Graph, Place
from service.networks.layers.structure import ActivationLayer, Add, Multiply


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
    """The next places with weights, but norms, along every way from a place; norms and sums that lie on these ways."""

    weighted: tuple[int, ...]
    norms: tuple[int, ...]
    mixed: tuple[int, ...]  # where something else is added, or a factor


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
        tuple(one for one in reached if isinstance(graph.places[one].layer, Add | Multiply)),
    )


def is_last(graph: Graph, number: int) -> bool:
    """Whether nothing with weights comes after a place."""
    next_ = ahead(graph, number)
    return not next_.weighted and not next_.norms


def shown_at(graph: Graph, number: int) -> int:
    """Return the place whose activation follows a layer's weights: its own, or that of a layer for this alone."""
    after = graph.consumers[number]
    alone = len(after) == 1 and isinstance(graph.places[after[0]].layer, ActivationLayer)
    return after[0] if alone and getattr(graph.places[number].layer, "activation", "linear") == "linear" else number


def trunk(graph: Graph) -> list[int]:
    """Return the places that every way from the inputs to the output passes through, in order.

    What nothing of an example goes into is on no such way.
    """
    shared = is_shared(graph)
    furthest = max((number for name in graph.inputs for number in takers(graph, name)), default=0)
    found = []
    for number in range(len(graph.places)):
        if shared[number]:
            continue
        if furthest <= number:
            found.append(number)
        furthest = max(furthest, *graph.consumers[number], number)
    return found


def takers(graph: Graph, name: str) -> Iterator[int]:
    """Yield the places that take an input, but for positions, by their numbers."""
    for number, place in enumerate(graph.places):
        if name != POSITIONS and any(one.place is None and one.name == name for one in place.takes):
            yield number


def is_shared(graph: Graph) -> list[bool]:
    """Return of each place whether nothing of an example goes into it: only arrays, and positions."""
    found: list[bool] = []
    for place in graph.places:
        found.append(all(one.name == POSITIONS if one.place is None else found[one.place] for one in place.takes))
    return found
