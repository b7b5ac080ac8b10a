"""A spec's plan: every parameter's name, shape, bytes, scheme and address, before a number is drawn."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.networks.arrays import Cost, PlannedArray
from service.networks.asked import Source
from service.networks.expectations import AsStored
from service.networks.layers.listed import Taken
from service.networks.layouts import Layout, key_of
from service.once import once
from service.stream.drawing import BLOCK, Drawing
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES, DtypeName, Stored
from service.stream.streams import Streams
from service.stream.views import Form, Shape, View


@dataclass(frozen=True)
class PlannedParameter:
    """A layer's array as it will be answered; `pointer` is the layer's.

    `algorithm` names the stream, `streams` are those of it that the array draws from.
    """

    layer: str
    pointer: str
    algorithm: str
    streams: Streams
    array: PlannedArray
    drawn: tuple[int, int] | None = None  # the first element that will be, and one past the last; None: all

    @property
    def name(self) -> str:
        return self.array.name

    @property
    def dtype(self) -> DtypeName:
        return self.array.dtype

    @property
    def taken_for(self) -> Taken | None:
        """What the tensor was told to be, where it is a listing's."""
        return self.array.taken_for

    @property
    def typed_by(self) -> str:
        """The pointer to the member of the spec that says the dtype."""
        return self.array.typed_by.under(self.pointer)

    @property
    def form(self) -> Form:
        return self.array.form

    @property
    def shape(self) -> Shape:
        return self.array.form.shape

    @property
    def elements(self) -> int:
        return self.array.elements

    @property
    def bytes(self) -> int:
        return self.array.bytes

    @property
    def source(self) -> Source:
        """The canonical parameter that speaks for it: the first of those that it is made of."""
        return self.array.source

    @property
    def expectation(self) -> AsStored:
        """What to expect of the values as they are stored."""
        return self.array.expectation

    @property
    def key(self) -> str:
        """Its name in a file of many parameters."""
        return key_of(self.layer, self.array.name, self.array.layout)

    @once
    def draws(self) -> dict[str, Draws]:
        """What draws the arrays that its elements stand in."""
        return self.array.draws(self.streams, self.drawn)

    @property
    def cost(self) -> Cost:
        """What making it takes, or those of its elements that will be drawn."""
        return self.array.cost if self.drawn is None else self._cost_of_some

    @once
    def _cost_of_some(self) -> Cost:
        return self.array.cost_of(self.draws, self.drawn)

    @property
    def operations(self) -> int:
        """Floating-point operations that come before its first value: matrix decompositions."""
        return self.cost.operations

    @property
    def walking(self) -> int:
        """Those of its operations that it takes to walk to a part of it, and over that."""
        return self.cost.walking

    @property
    def standing(self) -> int:
        """Bytes that must stand in memory at once to make it: none where every element can be made by itself."""
        return self.cost.standing

    def passing(self, first: int) -> int:
        """Return the operations, beside `operations`, that it takes to begin at element `first`, nothing being made."""
        if not self.elements:
            return 0
        start = self.form.address(first) if isinstance(self.form, View) else 0
        draws = self.array.draws_anywhere if self.drawn is None else self.draws
        return sum(each.passing(start) for each in draws.values())

    def within(self, first: int, after: int) -> "PlannedParameter":
        """Return the same array, of which no elements but those from `first` to before `after` will be drawn.

        Then nothing is made that none of them stands in, and of a stream that is walked in another order than the
        array's no more is kept than they.
        """
        if (first, after) == (0, self.elements) or self.array.addressable:
            return self
        return replace(self, drawn=(first, after))

    def sliced(self, indices: Sequence[int | range | None]) -> "PlannedParameter":
        """Return the part that NumPy's basic slicing takes (Form.sliced)."""
        return replace(self, array=replace(self.array, form=self.form.sliced(indices), slice_of=self.array))

    def moved(self, axes: tuple[int, ...]) -> "PlannedParameter":
        """Return the array in which axis `axes[i]` stands at place i."""
        return replace(self, array=replace(self.array, form=self.form.moved(axes)))

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


def cost_of(parameters: Iterable[PlannedParameter]) -> Cost:
    """Return what making them takes; of matrices that must stand in memory the largest, since one is made at a time."""
    elements = size = operations = standing = arrays = 0
    for parameter in parameters:
        cost = parameter.cost
        elements += cost.elements
        size += cost.bytes
        operations += cost.operations
        arrays += 1
        standing = max(standing, cost.standing)
    return Cost(elements, size, operations, standing, arrays=arrays)


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
    left_alone: Mapping[str, Taken]  # tensors of a listing that are none of the answer's, and why
    tied: Mapping[str, str]  # from the names of arrays that are another one of a published model to that one's
    partial: bool  # whether only some of the spec's arrays are asked for
    canonical: Callable[[], str] = field(repr=False)
    written_out: Callable[[], dict[str, Any]] = field(repr=False)
    addressed: Callable[[], str | None] = field(repr=False)

    @once
    def parameters(self) -> tuple[PlannedParameter, ...]:
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @once
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

    @once
    def address(self) -> str | None:
        """What stands for the spec in addresses on this service; None where nothing does."""
        return self.addressed()

    @once
    def digest(self) -> str:
        """The SHA-256 of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()
