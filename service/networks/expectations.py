"""What to expect of a framework's array, which comes of several canonical parameters, and of its values as stored."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TypeAlias

from service.networks.layouts import Arrangement, Cut, Flip, Join, Move, Reshape, Sum, Take
from service.stream.distributions import Constant, Distribution, Expectation, Normal, Uniform
from service.stream.draws import Addressed, Draws
from service.stream.dtypes import DTYPES, DtypeName
from service.stream.matrices import Computed, Diagonal, GateConstants, GivenFirst, Orthogonal
from service.stream.stacks import Stack
from service.stream.views import Form, Joined, View

ROUNDING = 2.0**-46  # what float64 arithmetic may add to a bound, relative; as float32 the bound is the same again

Ends: TypeAlias = tuple[float | None, float | None]
Distributions: TypeAlias = Mapping[str, Distribution]


@dataclass(frozen=True)
class Summary:
    """What to expect of values that come of several distributions."""

    mean: float
    deviation: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class AsStored:
    """What to expect of values once they are rounded: `of` without that, `low` and `high` as the dtype has them."""

    of: Expectation
    low: float | None
    high: float | None

    @property
    def mean(self) -> float:
        return self.low if self.low is not None and self.low == self.high else self.of.mean

    @property
    def deviation(self) -> float:
        return self.of.deviation


def expect(arrangement: Arrangement, distributions: Distributions, canonical: Mapping[str, Form]) -> Expectation:
    """Return what to expect of an arrangement's values; `canonical` tells the parameters' shapes."""
    match arrangement:
        case Take(name):
            return distributions[name]
        case Cut(of, _, part, count):
            inner = expect(of, distributions, canonical)
            return inner.gate(part) if isinstance(inner, GateConstants) and len(inner.values) == count else inner
        case Sum(parts):
            each = [expect(part, distributions, canonical) for part in parts]
            deviation = math.sqrt(sum(one.deviation**2 for one in each))
            return Summary(sum(one.mean for one in each), deviation, *summed([(one.low, one.high) for one in each]))
        case Join(parts):
            return mixture(
                [(prod(part.form(canonical).shape), expect(part, distributions, canonical)) for part in parts]
            )
        case _:
            return expect(arrangement.of, distributions, canonical)  # type: ignore[attr-defined]


def mixture(parts: list[tuple[int, Expectation]]) -> Expectation:
    """Return what to expect of so many values of each of several distributions."""
    if all(one == parts[0][1] for _, one in parts):
        return parts[0][1]
    total = sum(count for count, _ in parts)
    mean = sum(count * one.mean for count, one in parts) / total
    variance = sum(count * (one.deviation**2 + (one.mean - mean) ** 2) for count, one in parts) / total
    return Summary(mean, math.sqrt(variance), *widest([(one.low, one.high) for _, one in parts]))


def summed(ends: list[Ends]) -> Ends:
    lows, highs = [low for low, _ in ends], [high for _, high in ends]
    return (
        None if None in lows else sum(low for low in lows if low is not None),
        None if None in highs else sum(high for high in highs if high is not None),
    )


def widest(ends: list[Ends]) -> Ends:
    lows, highs = [low for low, _ in ends], [high for _, high in ends]
    return (
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )


def without_zeros(arrangement: Arrangement, distributions: Distributions) -> Arrangement:
    """Return the same array without summands that are 0 throughout, so that a lone bias stays addressable."""
    match arrangement:
        case Sum(parts):
            kept = tuple(part for part in parts if expect(part, distributions, {}) != Constant(0.0))
            if not kept:
                return parts[0]
            return Sum(kept) if len(kept) > 1 else kept[0]
        case Cut(of, axis, part, count):
            return Cut(without_zeros(of, distributions), axis, part, count)
        case Join(parts, axis):
            return Join(tuple(without_zeros(part, distributions) for part in parts), axis)
        case Move() | Reshape() | Flip():
            return replace(arrangement, of=without_zeros(arrangement.of, distributions))
        case _:
            return arrangement


def as_stored(expected: Expectation, ends: Ends, dtype: DtypeName) -> AsStored:
    """Return what to expect of values whose least and greatest are drawn as `ends`, once they are rounded."""
    low, high = ends
    kind = DTYPES[dtype]
    if kind.as_drawn:
        return AsStored(expected, low, high)
    return AsStored(expected, None if low is None else kind.nearest(low), None if high is None else kind.nearest(high))


def extremes(arrangement: Arrangement, distributions: Distributions, dtype: DtypeName) -> Ends:
    """Return the least and the greatest value that can be made, before rounding to a half type."""
    match arrangement:
        case Take(name):
            return as_drawn(distributions[name], dtype)
        case Cut(of, _, part, count):
            inner = expect(of, distributions, {}) if isinstance(of, Take) else None
            if isinstance(inner, GateConstants) and len(inner.values) == count:
                return as_drawn(inner.gate(part), dtype)
            return extremes(of, distributions, dtype)
        case Sum(parts):
            low, high = summed([extremes(part, distributions, dtype) for part in parts])
            drawn = DTYPES[dtype].drawn
            return (None if low is None else float(drawn(low)), None if high is None else float(drawn(high)))
        case Join(parts):
            return widest([extremes(part, distributions, dtype) for part in parts])
        case _:
            return extremes(arrangement.of, distributions, dtype)  # type: ignore[attr-defined]


def as_drawn(distribution: Distribution, dtype: DtypeName) -> Ends:
    """Return a distribution's bounds, rounded as drawn values are; those that are clipped never pass the exact ones."""
    drawn = DTYPES[dtype].drawn
    low, high = distribution.low, distribution.high
    if isinstance(distribution, Uniform | Normal):
        return low, high
    if isinstance(distribution, GivenFirst):
        return widest([as_drawn(distribution.given, dtype), as_drawn(distribution.inner, dtype)])
    if isinstance(distribution, Orthogonal | Computed) and not distribution.deterministic:
        # Of matrices that are computed, which no clipping holds to the last bit of float64.
        low, high = (low and low - abs(low) * ROUNDING), (high and high + abs(high) * ROUNDING)
    return (None if low is None else float(drawn(low)), None if high is None else float(drawn(high)))


def on_diagonals(form: Form, arrays: Mapping[str, Draws]) -> Summary | None:
    """Return what to expect of parts of identity matrices, which are not alike: gates, or queries of one with keys.

    None where the elements stand in other arrays too, or in stacks of matrices, whose parts are alike.
    """
    views = form.parts if isinstance(form, Joined) else (form,)
    ones = elements = 0
    gain = 0.0
    for view in views:
        array = arrays[view.name] if isinstance(view, View) else None
        if not isinstance(array, Addressed) or not isinstance(array.distribution, Diagonal):
            return None
        assert isinstance(view, View)
        gain, stack = array.distribution.gain, array.distribution.stack
        if not stack.as_it_stands:
            stack = stack.turned
        if not stack.as_it_stands:
            return None
        ones += on_diagonal(view, stack)
        elements += prod(view.shape)
    if not elements:
        return None
    share = ones / elements
    deviation = abs(gain) * math.sqrt(share * (1.0 - share))
    return Summary(gain * share, deviation, min(gain, 0.0) if ones else 0.0, max(gain, 0.0) if ones else 0.0)


def on_diagonal(view: View, stack: Stack) -> int:
    """Return how many elements of a box of a matrix stand where row and column agree."""
    row, column = divmod(view.offset, stack.columns)
    rows = columns = 1
    for size, stride in zip(view.shape, view.strides, strict=True):
        if stride % stack.columns:
            columns += (size - 1) * stride
        else:
            rows += (size - 1) * (stride // stack.columns)
    return max(0, min(row + rows, column + columns) - max(row, column))
