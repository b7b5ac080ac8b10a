"""What a parameter's values are distributed as: constant, uniform, normal or truncated normal.

A distribution knows what to expect of its values and fills a buffer with any runs of a parameter's elements, in
float32, or in float64 from the same float32 draw. To add one, write its class; values that depend on each other
(a matrix with a property of its own) stand in matrices.py.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.errors import InvalidSpec
from service.stream import kernels
from service.stream.addresses import Runs
from service.stream.dtypes import Values
from service.stream.gaussian import slice_between
from service.stream.streams import Stream

f32 = np.float32

WORDS = 2.0**32
# The tail's rational function is fitted down to probabilities of 2^-84: 2^-33 of what lies beyond 8 deviations.
FARTHEST = 8.0
PART = 2**20  # elements that are filled at a time where all are wanted at once


Fill: TypeAlias = Callable[[Runs, Values], None]  # (runs, out): put the elements of the runs into out


class Expectation(Protocol):
    """What to expect of values; `low` and `high` are the extremes that can come out, None where there is no bound."""

    @property
    def mean(self) -> float: ...
    @property
    def deviation(self) -> float: ...
    @property
    def low(self) -> float | None: ...
    @property
    def high(self) -> float | None: ...


class Distribution(ABC):
    """What the values of one parameter are, before any is drawn."""

    @property
    def deterministic(self) -> bool:
        """Whether the values are the same whatever the stream."""
        return False

    @property
    @abstractmethod
    def mean(self) -> float: ...

    @property
    @abstractmethod
    def deviation(self) -> float: ...

    @property
    @abstractmethod
    def low(self) -> float | None: ...

    @property
    @abstractmethod
    def high(self) -> float | None: ...

    @property
    def operations(self) -> int:
        """How many operations must be done before the first value is known."""
        return 0

    @property
    def whole(self) -> bool:
        """Whether all values must be made, and stand in memory, before the first is known."""
        return True

    @abstractmethod
    def open(self, stream: Stream) -> Fill:
        """Return what fills contiguous float32 or float64 buffers with runs of the values in `stream`.

        What it returns may be called by several threads at once.
        """


class Independent(Distribution):
    """Values that do not depend on each other: each at its own address, any run at the cost of the run."""

    @property
    def whole(self) -> bool:
        return False

    def open(self, stream: Stream) -> Fill:
        return partial(self.fill, stream)

    @abstractmethod
    def fill(self, stream: Stream, runs: Runs, out: Values) -> None:
        """Fill `out` with the parameter's elements in `runs`."""


def filled(distribution: Independent, stream: Stream, count: int) -> NDArray[np.float64]:
    """Return the first `count` elements at once; raises Stopped soon where nobody waits for them any more."""
    out = np.empty(count, np.float64)
    fill_in_parts(partial(distribution.fill, stream), out)
    return out


def fill_in_parts(fill: Fill, out: Values) -> None:
    """Fill `out` with the elements from the first on, some milliseconds' worth at a time."""
    for start in range(0, out.size, PART):
        stopping.check()
        part = out[start : start + PART]
        fill(Runs.one(start, part.size), part)


@dataclass(frozen=True)
class Constant(Independent):
    value: float

    @property
    def mean(self) -> float:
        return self.value

    @property
    def deviation(self) -> float:
        return 0.0

    @property
    def low(self) -> float | None:
        return self.value

    @property
    def high(self) -> float | None:
        return self.value

    @property
    def deterministic(self) -> bool:
        return True

    def fill(self, stream: Stream, runs: Runs, out: Values) -> None:
        out.fill(self.value)


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval as the kernels walk it: the value at a word is anchor + (word + 1/2 - zero) step.

    `zero` is where the value crosses 0, in words, so that values near 0 keep all their digits; an interval that
    does not hold 0 is walked from its end nearer to 0, which is then the anchor.
    """

    zero: float
    step: float
    anchor: float

    @classmethod
    def between(cls, start: float, end: float, width: float) -> "Interval":
        """Return the interval from `start` to `end`, `width` wide (in float64; end - start may have lost digits)."""
        if start >= 0.0:
            return cls(zero=0.0, step=width / WORDS, anchor=start)
        if end <= 0.0:
            return cls(zero=WORDS, step=width / WORDS, anchor=end)
        return cls(zero=-start / width * WORDS, step=width / WORDS, anchor=0.0)

    def crossing(self) -> tuple[np.int32, np.int32]:
        whole = math.floor(self.zero)
        return np.int32(whole >> 16), np.int32(whole & 0xFFFF)

    def fraction(self) -> np.float32:
        return f32(0.5 - (self.zero - math.floor(self.zero)))


def inwards(low: float, high: float) -> tuple[np.float32, np.float32]:
    """Return the least and the greatest float32 that lie within [low, high]."""
    with np.errstate(over="ignore"):  # a bound beyond float32 becomes its last number
        least, greatest = f32(low), f32(high)
    if float(least) < low:
        least = np.nextafter(least, f32(np.inf))
    if float(greatest) > high:
        greatest = np.nextafter(greatest, f32(-np.inf))
    if least > greatest:
        raise InvalidSpec(f"no float32 number lies between {low!r} and {high!r}; move the bounds apart")
    return least, greatest


@dataclass(frozen=True)
class Uniform(Independent):
    """Uniform on [minimum, maximum]."""

    minimum: float
    maximum: float

    @property
    def low(self) -> float | None:
        return self.minimum

    @property
    def high(self) -> float | None:
        return self.maximum

    @property
    def mean(self) -> float:
        return self.minimum / 2 + self.maximum / 2

    @property
    def deviation(self) -> float:
        return (self.maximum - self.minimum) / math.sqrt(12.0)

    def fill(self, stream: Stream, runs: Runs, out: Values) -> None:
        walk = Interval.between(self.minimum, self.maximum, self.maximum - self.minimum)
        if out.dtype == np.float32:
            line, bounds = (walk.fraction(), f32(walk.step), f32(walk.anchor)), inwards(self.minimum, self.maximum)
            kernels.fill_uniform(stream.address(), runs.starts, runs.length, out, walk.crossing(), line, bounds)
            return
        drawn = np.empty(out.size, np.float32)
        line, anywhere = (walk.fraction(), f32(1.0), f32(0.0)), (f32(-np.inf), f32(np.inf))
        kernels.fill_uniform(stream.address(), runs.starts, runs.length, drawn, walk.crossing(), line, anywhere)
        scale_in_float64(drawn, walk.step, walk.anchor, self.minimum, self.maximum, out)


@dataclass(frozen=True)
class Normal(Independent):
    """Normal with `location` and `scale`, cut at `lower` and `upper` standard deviations (infinite: not cut)."""

    location: float
    scale: float
    lower: float = -math.inf
    upper: float = math.inf
    bounds: tuple[float, float] | None = None  # the same in values, where they are known better than by multiplying

    @property
    def mean(self) -> float:
        return self.location + self.scale * slice_between(self.lower, self.upper).mean

    @property
    def deviation(self) -> float:
        return self.scale * slice_between(self.lower, self.upper).deviation

    @property
    def low(self) -> float | None:
        if self.bounds is not None:
            return self.bounds[0]
        return self.location + self.lower * self.scale if math.isfinite(self.lower) else None

    @property
    def high(self) -> float | None:
        if self.bounds is not None:
            return self.bounds[1]
        return self.location + self.upper * self.scale if math.isfinite(self.upper) else None

    def fill(self, stream: Stream, runs: Runs, out: Values) -> None:
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if out.dtype == np.float32:
            self._draw(stream, runs, out, (f32(self.scale), f32(self.location)), inwards(low, high))
            return
        drawn = np.empty(out.size, np.float32)
        self._draw(stream, runs, drawn, (f32(1.0), f32(0.0)), (f32(-np.inf), f32(np.inf)))
        scale_in_float64(drawn, self.scale, self.location, low, high, out)

    def _draw(
        self,
        stream: Stream,
        runs: Runs,
        out: Values,
        scale: tuple[np.float32, np.float32],
        bounds: tuple[np.float32, np.float32],
    ) -> None:
        cut = slice_between(self.lower, self.upper)
        walk = Interval.between(cut.start, cut.end, cut.mass)
        line, tails = (walk.fraction(), f32(walk.step), f32(walk.anchor)), (f32(cut.below), f32(cut.above))
        kernels.fill_normal(
            stream.address(), runs.starts, runs.length, out, walk.crossing(), line, tails, scale, bounds
        )


def scale_in_float64(
    drawn: NDArray[np.float32], scale: float, shift: float, low: float, high: float, out: Values
) -> None:
    """Put shift + scale x drawn, within [low, high], into `out`; each operation rounded once, in float64."""
    np.multiply(drawn, np.float64(scale), out=out, dtype=np.float64)
    np.add(out, shift, out=out)
    np.clip(out, low, high, out=out)
