"""An array of an answer before a number is drawn, as all layers have it that are alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from service.networks.asked import Draw, Member, Source
from service.networks.expectations import AsStored, as_stored, expect, extremes, on_diagonals
from service.networks.layers.listed import Taken
from service.networks.layouts import Arrangement, Layout, as_they_are
from service.networks.parts import expect_slice
from service.once import once
from service.stream.draws import Draws
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.streams import Streams
from service.stream.views import Form, View, boxes
from service.stream.walked import Walked, in_any_order

ANY = Streams("", 0)  # for what does not depend on where an array is drawn from


class Cost(NamedTuple):
    """`operations` come before the first number of matrices, `standing` is bytes that must stand in memory at once.

    `walking` are those of the operations that it takes to come to a place of a stream that is walked, `arrays` how
    many are drawn, each of which takes some microseconds however small it is.
    """

    elements: int
    bytes: int
    operations: int
    standing: int
    walking: int = 0
    arrays: int = 1


@dataclass(frozen=True, eq=False)
class PlannedArray:
    """`name` and `shape` are the layout's.

    `arrangement` says how it comes of canonical parameters, `form` where its elements stand in the arrays that are
    drawn: the canonical parameters themselves, or a framework's own arrays where its stream is replayed. `arrays`
    returns what draws these, in the streams of one of the layers. `typed_by` is the member of the spec that says the
    dtype.
    """

    name: str
    form: Form
    dtype: DtypeName
    typed_by: Member
    layout: Layout
    arrangement: Arrangement
    sources: Mapping[str, Source] = field(repr=False)
    arrays: Mapping[str, Draw] = field(repr=False)
    slice_of: "PlannedArray | None" = field(default=None, repr=False)
    taken_for: Taken | None = None  # what a listing's tensor was told to be
    elements: int = field(init=False)
    bytes: int = field(init=False)

    def __post_init__(self) -> None:
        elements = prod(self.form.shape)
        object.__setattr__(self, "elements", elements)
        object.__setattr__(self, "bytes", elements * DTYPES[self.dtype].size)

    @property
    def source(self) -> Source:
        """The canonical parameter that speaks for it: the first of those that it is made of."""
        return self.sources[self.arrangement.sources()[0]]

    @once
    def expectation(self) -> AsStored:
        """What to expect of the values as they are stored."""
        if self.slice_of is not None:
            return expect_slice(self.form, self.anywhere, self.slice_of.expectation, self.dtype)
        part = on_diagonals(self.form, self.anywhere)
        if part is not None:
            return as_stored(part, (part.low, part.high), self.dtype)
        distributions = {name: source.distribution for name, source in self.sources.items()}
        canonical = as_they_are({name: source.stated.shape for name, source in self.sources.items()})
        ends = extremes(self.arrangement, distributions, self.dtype)
        return as_stored(expect(self.arrangement, distributions, canonical), ends, self.dtype)

    def arrays_in(self, streams: Streams) -> dict[str, Draws]:
        """Return what draws the arrays that its elements stand in, each from its first element to its last."""
        return {name: self.arrays[name](streams) for name in self.form.names}

    @once
    def anywhere(self) -> dict[str, Draws]:
        """The same in no layer's streams: to be asked what it takes and what to expect, and not to be opened."""
        return self.arrays_in(ANY)

    @once
    def addressable(self) -> bool:
        """Whether each of its elements is made by itself."""
        return not any(array.in_order or array.whole for array in self.anywhere.values())

    @once
    def draws_anywhere(self) -> dict[str, Draws]:
        """What draws it, in no layer's streams."""
        return self.draws_of(self.anywhere)

    @once
    def cost(self) -> Cost:
        """What it takes to make all of it."""
        return self.cost_of(self.draws_anywhere)

    def cost_of(self, draws: Mapping[str, Draws], drawn: tuple[int, int] | None = None) -> Cost:
        """Return what it takes to make the elements from the first drawn to before the last, by what draws them."""
        operations = sum(each.operations for each in draws.values())
        standing = sum(each.standing for each in draws.values())
        walking = 0
        if self.slice_of is not None or drawn not in (None, (0, self.elements)):
            walking = sum(each.walking for each in draws.values() if isinstance(each, Walked))
        return Cost(self.elements, self.bytes, operations, standing, walking)

    def draws(self, streams: Streams, drawn: tuple[int, int] | None = None) -> dict[str, Draws]:
        """Return what draws it, or its elements from the first drawn to before the last."""
        return self.draws_of(self.arrays_in(streams), drawn)

    def draws_of(self, arrays: Mapping[str, Draws], drawn: tuple[int, int] | None = None) -> dict[str, Draws]:
        """Return what draws those of its elements of what draws all of the arrays that they stand in."""
        if not self.elements:
            return {}
        found = {}
        for name, array in arrays.items():
            if not (array.in_order or array.whole):
                found[name] = array
            elif views := self._views(name, *(drawn or (0, self.elements))):
                kind = DTYPES[self.dtype].drawn
                found[name] = in_any_order(array, self.form, views, kind) if array.in_order else array
        return found

    def _views(self, name: str, first: int, after: int) -> tuple[View, ...]:
        """Return the views of an array that will be drawn."""
        parts = [self.form.box(*box) for box in boxes(self.form.shape, first, after - first)]
        return tuple(view for part in parts for view in part.views() if view.name == name)
