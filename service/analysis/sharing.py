"""Arrays that all examples share: what nothing of the network's inputs goes into, and what is made of it.

A gradient comes back to such a place summed over all the values that it was broadcast to. Added to what examples give,
it changes every answer alike; as a factor of it, or in attention, it tells examples apart.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from service.analysis.magnitudes import rms_of
from service.analysis.network import Stage
from service.analysis.reach import is_shared
from service.networks.graph.graph import Graph
from service.networks.layers.structure import Add, Concatenate


@dataclass(frozen=True, slots=True)
class Shared:
    """Over how many values each gradient of a shared place is summed, and whether examples are told apart by it.

    `summed` is the size that such a sum would have if nothing in it cancelled.
    """

    count: float
    tells: bool
    summed: float


def shared_places(graph: Graph, stages: Sequence[Stage]) -> Mapping[int, Shared]:
    """Return what is shared of the places with nothing of an example in them, by their numbers."""
    shared = is_shared(graph)
    return {
        number: shared_by(stages[number], [stages[use] for use in uses(graph, number, shared)])
        for number in range(len(stages))
        if shared[number]
    }


def shared_by(stage: Stage, uses: Sequence[Stage]) -> Shared:
    added = (Add, Concatenate)
    count = sum(prod(use.out.value.shape) for use in uses) / max(1, stage.fed.value.size)
    tells = any(not isinstance(use.layer, added) for use in uses)
    summed = max((rms_of(use.out.gradient) for use in uses if use.out.gradient is not None), default=0.0)
    return Shared(max(1.0, count), tells, summed * max(1.0, count))


def uses(graph: Graph, number: int, shared: Sequence[bool]) -> Iterator[int]:
    """Yield the first places, along every way from a shared one, into which something of an example goes."""
    seen, waiting = set(), [*graph.consumers[number]]
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        if shared[one]:
            waiting.extend(graph.consumers[one])
        else:
            yield one
