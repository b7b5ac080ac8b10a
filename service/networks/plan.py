"""A spec's plan: every parameter's name, shape, bytes, scheme and address, before a number is drawn."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from service.networks.fans import Fans
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Arrangement, Cut, Join, Layout, Placements, Sum, Take, as_they_are, key_of
from service.networks.parameters import Choice
from service.networks.parameters import Parameter as Stated
from service.stream.distributions import Constant, Distribution, Expectation, Normal, Uniform
from service.stream.drawing import BLOCK, Drawing
from service.stream.draws import AtOnce, Draws
from service.stream.dtypes import DTYPES, DtypeName, Stored
from service.stream.matrices import GateConstants
from service.stream.views import Form, Shape


@dataclass(frozen=True, slots=True)
class Decided:
    """A canonical parameter, the scheme that it gets, and the pointer to the member of the spec that says so."""

    stated: Stated
    choice: Choice
    pointer: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer of a spec, with what was decided for each of its canonical parameters, and each layout's arrays."""

    name: str
    spec: LayerSpec
    pointer: str
    choices: Mapping[str, Decided]
    placements: Placements

    @property
    def parameters(self) -> tuple[Stated, ...]:
        return tuple(each.stated for each in self.choices.values())


@dataclass(frozen=True)
class Source:
    """A canonical parameter, and what its values are."""

    stated: Stated
    choice: Choice
    fans: Fans  # those that the scheme counts by
    distribution: Distribution

    @property
    def formula(self) -> str:
        """What the scheme comes to here, in numbers where it is a distribution of independent values."""
        match self.distribution:
            case Constant(value):
                return f"{value:.9g}"
            case Uniform(low, high):
                return f"U[{low:.9g}, {high:.9g}]"
            case Normal() as normal:
                free = f"N({normal.location:.9g}, {normal.scale:.9g}²)"
                if normal.low is None and normal.high is None:
                    return free
                ends = (
                    "-∞" if normal.low is None else f"{normal.low:.9g}",
                    "∞" if normal.high is None else f"{normal.high:.9g}",
                )
                return f"{free} between {ends[0]} and {ends[1]}"
            case _:
                return self.choice.scheme.formula


@dataclass(frozen=True, slots=True)
class Made:
    """What a layer's values are: of each canonical parameter what it is, and where it stands in which arrays."""

    sources: Mapping[str, Source]
    forms: Mapping[str, Form]
    arrays: Mapping[str, Draws]


@dataclass(frozen=True)
class Summary:
    """What to expect of values that come of several distributions."""

    mean: float
    deviation: float
    low: float | None
    high: float | None


def expect(arrangement: Arrangement, sources: Mapping[str, Source]) -> Expectation:
    """Return what to expect of an arrangement's values."""
    match arrangement:
        case Take(name):
            return sources[name].distribution
        case Cut(of, _, part, count):
            inner = expect(of, sources)
            return inner.gate(part) if isinstance(inner, GateConstants) and len(inner.values) == count else inner
        case Sum(parts):
            each = [expect(part, sources) for part in parts]
            return Summary(
                sum(one.mean for one in each),
                math.sqrt(sum(one.deviation**2 for one in each)),
                None if any(one.low is None for one in each) else sum(one.low or 0.0 for one in each),
                None if any(one.high is None for one in each) else sum(one.high or 0.0 for one in each),
            )
        case Join(parts):
            forms = as_they_are({name: source.stated.shape for name, source in sources.items()})
            weighed = [(prod(part.form(forms).shape), expect(part, sources)) for part in parts]
            return mixture(weighed)
        case _:
            return expect(arrangement.of, sources)  # type: ignore[attr-defined]


def mixture(parts: list[tuple[int, Expectation]]) -> Expectation:
    if all(one == parts[0][1] for _, one in parts):
        return parts[0][1]
    total = sum(count for count, _ in parts)
    mean = sum(count * one.mean for count, one in parts) / total
    variance = sum(count * (one.deviation**2 + (one.mean - mean) ** 2) for count, one in parts) / total
    lows, highs = [one.low for _, one in parts], [one.high for _, one in parts]
    return Summary(
        mean,
        math.sqrt(variance),
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )


def without_zeros(arrangement: Arrangement, sources: Mapping[str, Source]) -> Arrangement:
    """Return the same array without summands that are 0 throughout, so that a lone bias stays addressable."""
    match arrangement:
        case Sum(parts):
            kept = tuple(part for part in parts if expect(part, sources) != Constant(0.0))
            return Sum(kept) if len(kept) > 1 else (*kept, parts[0])[0]
        case Cut(of, axis, part, count):
            return Cut(without_zeros(of, sources), axis, part, count)
        case _:
            return arrangement


@dataclass(frozen=True)
class PlannedParameter:
    """A parameter as it will be answered: `name` and `shape` are the layout's.

    `arrangement` says how it comes of canonical parameters, `form` where its elements stand in the arrays that are
    drawn: the canonical parameters themselves, or a framework's own arrays where its stream is replayed.
    """

    layer: str
    name: str
    form: Form
    dtype: DtypeName
    layout: Layout
    arrangement: Arrangement
    sources: Mapping[str, Source] = field(repr=False)
    arrays: Mapping[str, Draws] = field(repr=False)

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
    def expectation(self) -> Expectation:
        return expect(self.arrangement, self.sources)

    @cached_property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        return self.elements * DTYPES[self.dtype].size

    @cached_property
    def draws(self) -> dict[str, Draws]:
        """What draws the arrays that its elements stand in."""
        found = {name: self.arrays[name] for name in self.form.names}
        if self.form.contiguous:
            return found
        kind = DTYPES[self.dtype].drawn
        return {name: AtOnce(each, kind) if each.in_order else each for name, each in found.items()}

    @property
    def whole(self) -> bool:
        """Whether something must be made as a whole before the first value is known."""
        return any(each.whole for each in self.draws.values())

    @property
    def operations(self) -> int:
        """Floating-point operations that come before its first value: matrix decompositions."""
        return sum(each.operations for each in self.draws.values())

    @property
    def standing(self) -> int:
        """Bytes that must stand in memory at once to make it: none where every element can be made by itself."""
        return sum(each.standing for each in self.draws.values())

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
    """`operations` come before the first number of matrices, `standing` is bytes that must stand in memory at once."""

    elements: int
    bytes: int
    operations: int
    standing: int


@dataclass(frozen=True)
class Plan:
    """What a spec comes to. `canonical` returns the spec that gives the very same answer again, seed included."""

    algorithm: str
    exact: bool  # whether every value is what the algorithm says, to the bit
    seed: int
    layout: Layout
    dtype: DtypeName
    layers: tuple[PlannedLayer, ...]
    warnings: tuple[Caution, ...]
    canonical: Callable[[], dict[str, Any]]

    @cached_property
    def parameters(self) -> tuple[PlannedParameter, ...]:
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @cached_property
    def cost(self) -> Cost:
        """All that making it takes; of matrices that must stand in memory the largest, since one is made at a time."""
        elements = size = operations = standing = 0
        for parameter in self.parameters:
            elements += parameter.elements
            size += parameter.bytes
            operations += parameter.operations
            standing = max(standing, parameter.standing)
        return Cost(elements, size, operations, standing)

    elements = property(lambda self: self.cost.elements)
    bytes = property(lambda self: self.cost.bytes)

    def canonical_json(self) -> str:
        return json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))
