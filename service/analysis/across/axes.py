"""Which sizes of a network hang together: at each place the axes of what it gives, until now and in another width."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any, NamedTuple, TypeAlias

from service.networks.graph.graph import Graph, Place
from service.networks.graph.shapes import Shapes
from service.stream.views import Shape

Document: TypeAlias = dict[str, Any]
FIXED = -1  # who chose a size that stays


class Axis(NamedTuple):
    """An axis after the batch: its size until now, and now; who chose it, None where it follows from others.

    `made_of` are all that it follows from.
    """

    before: int
    now: int
    chosen: int | None
    made_of: frozenset[int] = frozenset()


Axes: TypeAlias = tuple[Axis, ...]


class Equals:
    """Sizes that must be equal, by the places that chose them."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def of(self, one: int) -> int:
        while self._above.get(one, one) != one:
            one = self._above[one]
        return one

    def join(self, axes: Sequence[Axis]) -> Axis:
        """Return one axis of several that meet: sizes of 1 are repeated, all others are one size."""
        wide = [axis for axis in axes if axis.before > 1] or list(axes[:1])
        known = [axis for axis in wide if axis.chosen is not None]
        for axis in known[1:]:
            low, high = sorted((self.of(known[0].chosen or 0), self.of(axis.chosen or 0)))
            self._above[high] = low  # FIXED is the lowest
        return (known or wide)[0]


@dataclass
class Going:
    """One way through a network: what places may choose is put into `chosen`, what they are by then into `written`.

    `choose` says how wide a place is that may choose, by its index and its size until now; `heads` the same of heads.
    """

    graph: Graph
    written: list[Document]
    choose: Callable[[int, int], int]
    heads: Callable[[int], int]
    equals: Equals = field(default_factory=Equals)
    chosen: dict[int, int] = field(default_factory=dict)
    of_heads: set[int] = field(default_factory=set)
    given: list[tuple[Axes, ...]] = field(default_factory=list)

    def chosen_by(self, place: Place, size: int) -> Axis:
        self.chosen[place.index] = size
        return Axis(size, self.choose(place.index, size), place.index, frozenset({place.index}))

    def write(self, place: Place, **members: Any) -> None:
        self.written[place.index] = {**self.written[place.index], **members}

    def came_to(self, place: Place, inputs: Mapping[str, Shape]) -> list[Axes]:
        return [
            fixed(inputs[one.name][1:]) if one.place is None else self.given[one.place][one.part] for one in place.takes
        ]


Way: TypeAlias = Callable[[Going, Place, Sequence[Axes], Sequence[Shape]], tuple[Axes, ...]]


def fixed(shape: Shape) -> Axes:
    return tuple(Axis(size, size, FIXED) for size in shape)


def resized(value: int, axis: Axis) -> int:
    """Return a size that is a multiple or a part of an axis, as it is now."""
    return value * axis.now // axis.before


def product(axes: Axes) -> Axis:
    """Return all axes as one."""
    return Axis(prod(axis.before for axis in axes), prod(axis.now for axis in axes), None, makers(axes))


def makers(axes: Axes) -> frozenset[int]:
    return frozenset().union(*(axis.made_of for axis in axes))


def go(
    going: Going, ways: Mapping[type, Way], inputs: Mapping[str, Shape], shapes: Sequence[tuple[Shapes, Shapes]]
) -> None:
    """Go through all places; `shapes` are those of what each takes and gives until now, the batch first."""
    for place, (_, gives) in zip(going.graph.places, shapes, strict=True):
        came, given = going.came_to(place, inputs), [one[1:] for one in gives]
        way = next((ways[kind] for kind in type(place.layer).__mro__ if kind in ways), None)
        going.given.append(tuple(map(fixed, given)) if way is None else way(going, place, came, given))
