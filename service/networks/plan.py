"""A spec's plan: every parameter's name, shape, bytes, scheme and address, before a number is drawn."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from service.networks.asked import Source
from service.networks.expectations import AsStored, as_stored, expect, extremes, on_diagonals
from service.networks.layouts import Arrangement, Layout, as_they_are, key_of
from service.networks.parts import expect_slice
from service.stream.drawing import BLOCK, Drawing
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES, DtypeName, Stored
from service.stream.views import Form, Shape, View, boxes
from service.stream.walked import Walked, in_any_order


@dataclass(frozen=True)
class PlannedParameter:
    """A parameter as it will be answered: `name` and `shape` are the layout's.

    `arrangement` says how it comes of canonical parameters, `form` where its elements stand in the arrays that are
    drawn: the canonical parameters themselves, or a framework's own arrays where its stream is replayed. `typed_by`
    leads to the member of the spec that says its dtype.
    """

    layer: str
    name: str
    form: Form
    dtype: DtypeName
    typed_by: str
    layout: Layout
    arrangement: Arrangement
    sources: Mapping[str, Source] = field(repr=False)
    arrays: Mapping[str, Draws] = field(repr=False)
    slice_of: "PlannedParameter | None" = field(default=None, repr=False)
    drawn: tuple[int, int] | None = None  # the first element that will be, and one past the last; None: all

    @property
    def shape(self) -> Shape:
        return self.form.shape

    @property
    def source(self) -> Source:
        """The canonical parameter that speaks for it: the first of those that it is made of."""
        return self.sources[self.arrangement.sources()[0]]

    @property
    def key(self) -> str:
        """Its name in a file of many parameters."""
        return key_of(self.layer, self.name, self.layout)

    @cached_property
    def expectation(self) -> AsStored:
        """What to expect of the values as they are stored."""
        if self.slice_of is not None:
            return expect_slice(self.form, self.arrays, self.slice_of.expectation, self.dtype)
        distributions = {name: source.distribution for name, source in self.sources.items()}
        canonical = as_they_are({name: source.stated.shape for name, source in self.sources.items()})
        part = on_diagonals(self.form, self.arrays)
        if part is not None:
            return as_stored(part, (part.low, part.high), self.dtype)
        ends = extremes(self.arrangement, distributions, self.dtype)
        return as_stored(expect(self.arrangement, distributions, canonical), ends, self.dtype)

    @cached_property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * DTYPES[self.dtype].size

    @cached_property
    def draws(self) -> dict[str, Draws]:
        """What draws the arrays that its elements stand in."""
        if not self.elements:
            return {}
        found = {}
        for name in self.form.names:
            array = self.arrays[name]
            if not (array.in_order or array.whole):
                found[name] = array
            elif views := self._views(name):
                kind = DTYPES[self.dtype].drawn
                found[name] = in_any_order(array, self.form, views, kind) if array.in_order else array
        return found

    def _views(self, name: str) -> tuple[View, ...]:
        """Return the views of an array that will be drawn."""
        first, after = self.drawn or (0, self.elements)
        parts = [self.form.box(*box) for box in boxes(self.shape, first, after - first)]
        return tuple(view for part in parts for view in part.views() if view.name == name)

    def within(self, first: int, after: int) -> "PlannedParameter":
        """Return the same array, of which no elements but those from `first` to before `after` will be drawn.

        Then nothing is made that none of them stands in, and of a stream that is walked in another order than the
        array's no more is kept than they.
        """
        arrays = (self.arrays[name] for name in self.form.names)
        if (first, after) == (0, self.elements) or not any(each.in_order or each.whole for each in arrays):
            return self
        return replace(self, drawn=(first, after))

    @property
    def whole(self) -> bool:
        """Whether something must be made as a whole before the first value is known."""
        return any(each.whole for each in self.draws.values())

    @property
    def operations(self) -> int:
        """Floating-point operations that come before its first value: matrix decompositions."""
        return sum(each.operations for each in self.draws.values())

    @property
    def walking(self) -> int:
        """Those of its operations that it takes to walk to a part of it, and over that."""
        if self.slice_of is None and self.drawn in (None, (0, self.elements)):
            return 0
        return sum(each.walking for each in self.draws.values() if isinstance(each, Walked))

    @property
    def standing(self) -> int:
        """Bytes that must stand in memory at once to make it: none where every element can be made by itself."""
        return sum(each.standing for each in self.draws.values())

    def passing(self, first: int) -> int:
        """Return the operations, beside `operations`, that it takes to begin at element `first`, nothing being made."""
        if not self.elements:
            return 0
        start = self.form.address(first) if isinstance(self.form, View) else 0
        return sum(each.passing(start) for each in self.draws.values())

    def sliced(self, indices: Sequence[int | range | None]) -> "PlannedParameter":
        """Return the part that NumPy's basic slicing takes (Form.sliced)."""
        return replace(self, form=self.form.sliced(indices), slice_of=self)

    def open(self) -> Drawing:
        """Return what draws any of its elements; makes what must be made as a whole."""
        return Drawing(self.form, {name: each.open() for name, each in self.draws.items()}, DTYPES[self.dtype])

    def blocks(self) -> Iterator[Stored]:
        """Draw the values, block after block, in C order of the layout's shape; each is one-dimensional."""
        drawing = self.open()
        for first in range(0, self.elements, BLOCK):
            yield drawing.draw(first, min(BLOCK, self.elements - first))


@dataclass(frozen=True, slots=True)
class PlannedLayer:
    name: str
    type: str
    activation: str
    parameters: tuple[PlannedParameter, ...]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something legal that will bite; `remedy` is a change to the member that `pointer` leads to."""

    code: str
    pointer: str
    detail: str
    remedy: dict[str, Any]


class Cost(NamedTuple):
    """`operations` come before the first number of matrices, `standing` is bytes that must stand in memory at once.

    `walking` are those of the operations that it takes to come to a place of a stream that is walked.
    """

    elements: int
    bytes: int
    operations: int
    standing: int
    walking: int = 0


def cost_of(parameters: Iterable[PlannedParameter]) -> Cost:
    """Return what making them takes; of matrices that must stand in memory the largest, since one is made at a time."""
    elements = size = operations = standing = 0
    for parameter in parameters:
        elements += parameter.elements
        size += parameter.bytes
        operations += parameter.operations
        standing = max(standing, parameter.standing)
    return Cost(elements, size, operations, standing)


@dataclass(frozen=True)
class Plan:
    """What a spec comes to.

    `canonical` returns the one text of all specs that say the same, seed included; `written_out` a request that gives
    the same answer, to be changed and sent. `addressed` returns what stands for the text in the service's addresses,
    None where nothing does.
    """

    algorithm: str
    exact: bool  # whether every value is what the algorithm says, to the bit
    seed: int
    layout: Layout
    dtype: DtypeName
    layers: tuple[PlannedLayer, ...]
    warnings: tuple[Caution, ...]
    tied: Mapping[str, str]  # from the names of arrays that are another one of a published model to that one's
    partial: bool  # whether only some of the spec's arrays are asked for
    canonical: Callable[[], str] = field(repr=False)
    written_out: Callable[[], dict[str, Any]] = field(repr=False)
    addressed: Callable[[], str | None] = field(repr=False)

    @cached_property
    def parameters(self) -> tuple[PlannedParameter, ...]:
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @cached_property
    def cost(self) -> Cost:
        """All that making it takes; of a part of a stream that is walked, the way to it too."""
        cost = cost_of(self.parameters)
        way = max((each.passing(0) for each in self.parameters), default=0) if self.partial else 0
        return cost._replace(operations=cost.operations + way)

    elements = property(lambda self: self.cost.elements)
    bytes = property(lambda self: self.cost.bytes)

    def canonical_json(self) -> str:
        """Return the spec's canonical text (RFC 8785)."""
        return self.canonical()

    @cached_property
    def address(self) -> str | None:
        """What stands for the spec in addresses on this service; None where nothing does."""
        return self.addressed()

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()
