"""Parameters whose values depend on each other: identity, orthogonal and computed arrays, constants by gate."""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.stream.addresses import Runs
from service.stream.chance import Chance, Own
from service.stream.distributions import Constant, Distribution, Fill, Independent
from service.stream.dtypes import Values
from service.stream.householder import orthonormal_columns
from service.stream.stacks import Doubles, Stack
from service.stream.streams import Stream


@dataclass(frozen=True)
class Diagonal(Independent):
    """`gain` where row and column agree, 0 elsewhere, in every matrix of a stack; they need not be square."""

    stack: Stack
    gain: float

    @property
    def low(self) -> float:
        return min(self.gain, 0.0)

    @property
    def high(self) -> float:
        return max(self.gain, 0.0)

    @property
    def deterministic(self) -> bool:
        return True

    @property
    def share(self) -> float:
        """The share of elements that are not 0."""
        return min(self.stack.rows, self.stack.columns) / (self.stack.rows * self.stack.columns)

    @property
    def mean(self) -> float:
        return self.gain * self.share

    @property
    def deviation(self) -> float:
        return abs(self.gain) * math.sqrt(self.share * (1.0 - self.share))

    def fill(self, stream: Stream, runs: Runs, out: Values) -> None:
        rows, columns = self.stack.row_and_column(runs.addresses())
        out.fill(0.0)
        out[rows == columns] = self.gain


@dataclass(frozen=True)
class GateConstants(Independent):
    """One value for each of the equal parts of the last axis: the gates of a recurrent layer's bias."""

    values: tuple[float, ...]
    width: int  # of one gate

    @property
    def low(self) -> float | None:
        return min(self.values)

    @property
    def high(self) -> float | None:
        return max(self.values)

    @property
    def deterministic(self) -> bool:
        return True

    @property
    def mean(self) -> float:
        return sum(self.values) / len(self.values)

    @property
    def deviation(self) -> float:
        return math.sqrt(sum((value - self.mean) ** 2 for value in self.values) / len(self.values))

    def gate(self, part: int) -> Constant:
        return Constant(self.values[part])

    def fill(self, stream: Stream, runs: Runs, out: Values) -> None:
        out[:] = np.array(self.values)[runs.addresses() // self.width % len(self.values)]


class MadeAsWhole(Distribution):
    """Values that depend on each other, so that all are made before the first is known."""

    @abstractmethod
    def make(self, chance: Chance) -> Doubles:
        """Return the array's values, made of its elements' chance."""

    def open(self, stream: Stream) -> Fill:
        return partial(take, self.make(Own(stream)).ravel())


@dataclass(frozen=True)
class Orthogonal(MadeAsWhole):
    """`gain` times matrices with orthonormal columns, or rows where there are fewer of them; uniform among all such.

    Each is the Q, with R's diagonal positive, of a standard normal matrix: that of the same stream's `random_normal`,
    transposed where it has more columns than rows (Mezzadri 2007; Saxe et al. 2014).
    """

    stack: Stack
    gain: float

    @property
    def rows(self) -> int:
        return self.stack.rows

    @property
    def columns(self) -> int:
        return self.stack.columns

    @property
    def mean(self) -> float:
        return 0.0

    @property
    def low(self) -> float:
        return -abs(self.gain)

    @property
    def high(self) -> float:
        return abs(self.gain)

    @property
    def deviation(self) -> float:
        return abs(self.gain) / math.sqrt(max(self.rows, self.columns))

    @property
    def operations(self) -> int:
        long, short = max(self.rows, self.columns), min(self.rows, self.columns)
        return 8 * long * short * short * self.stack.count

    def make(self, chance: Chance) -> Doubles:
        gaussian = self.stack.matrices(chance.normals(self.stack.elements))
        found = np.empty(gaussian.shape)
        for number, matrix in enumerate(gaussian):
            found[number] = np.float64(self.gain) * orthonormal(matrix)
        return self.stack.array(found)


def take(values: Values, runs: Runs, out: Values) -> None:
    """Put the elements in `runs` of values that stand in memory into `out`."""
    if runs.starts.size == 1:
        out[:] = values[runs.first : runs.end]
    else:
        out[:] = values[runs.addresses()]


def orthonormal(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Q of the matrix, or of its transpose, transposed, where it has more columns than rows."""
    wide = matrix.shape[1] > matrix.shape[0]
    tall = np.ascontiguousarray(matrix.T if wide else matrix)
    columns = np.empty_like(tall)
    orthonormal_columns(tall, columns, stopping.flag())
    stopping.check()
    return columns.T if wide else columns


@dataclass(frozen=True)
class WithZeroRow(Distribution):
    """Another distribution, but for one row of (rows, columns) that is 0: the padding token's."""

    inner: Distribution
    row: int
    rows: int
    columns: int

    @property
    def mean(self) -> float:
        return self.inner.mean * (1.0 - 1.0 / self.rows)

    @property
    def low(self) -> float | None:
        return None if self.inner.low is None else min(self.inner.low, 0.0)

    @property
    def high(self) -> float | None:
        return None if self.inner.high is None else max(self.inner.high, 0.0)

    @property
    def operations(self) -> int:
        return self.inner.operations

    @property
    def whole(self) -> bool:
        return self.inner.whole

    @property
    def deterministic(self) -> bool:
        return self.inner.deterministic

    @property
    def deviation(self) -> float:
        kept = 1.0 - 1.0 / self.rows
        return math.sqrt(kept * (self.inner.deviation**2 + self.inner.mean**2) - self.mean**2)

    def open(self, stream: Stream) -> Fill:
        return with_zeros(self.inner.open(stream), self.row * self.columns, (self.row + 1) * self.columns)


def with_zeros(inner: Fill, start: int, end: int) -> Fill:
    """Return what fills as `inner` does, but with 0 at addresses from `start` to before `end`."""

    def fill(runs: Runs, out: Values) -> None:
        inner(runs, out)
        if runs.first < end and start < runs.end:
            places = runs.addresses()
            out[(start <= places) & (places < end)] = 0.0

    return fill


@dataclass(frozen=True)
class GivenFirst(Distribution):
    """Another distribution, but for given values where an axis begins.

    Of every `period` elements of its array, the places of that axis and all within each, the first `block` are given,
    those of all periods one after the other.
    """

    given: "Computed"
    values: Doubles = field(compare=False, repr=False)
    inner: Distribution
    block: int
    period: int

    @property
    def share(self) -> float:
        """The share of elements that are given."""
        return self.block / self.period

    @property
    def mean(self) -> float:
        return self.share * self.given.mean + (1.0 - self.share) * self.inner.mean

    @property
    def deviation(self) -> float:
        parts = ((self.share, self.given), (1.0 - self.share, self.inner))
        return math.sqrt(sum(share * (of.deviation**2 + (of.mean - self.mean) ** 2) for share, of in parts))

    @property
    def low(self) -> float | None:
        least = self.given.low
        return None if self.inner.low is None or least is None else min(self.inner.low, least)

    @property
    def high(self) -> float | None:
        greatest = self.given.high
        return None if self.inner.high is None or greatest is None else max(self.inner.high, greatest)

    @property
    def operations(self) -> int:
        return self.inner.operations

    @property
    def whole(self) -> bool:
        return self.inner.whole

    @property
    def deterministic(self) -> bool:
        return self.inner.deterministic

    def places(self, addresses: NDArray[np.int64]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Return which elements are given, and where those stand among the given values."""
        periods, within = np.divmod(addresses, self.period)
        known = within < self.block
        return known, (periods * self.block + within)[known]

    def open(self, stream: Stream) -> Fill:
        inner = self.inner.open(stream)

        def fill(runs: Runs, out: Values) -> None:
            inner(runs, out)
            known, places = self.places(runs.addresses())
            out[known] = self.values[places]

        return fill


@dataclass(frozen=True)
class Computed(MadeAsWhole):
    """An array that is made as a whole, of a stream or of none; what to expect of it is known before.

    `moments` are mean, deviation, least and greatest value; `identity` tells two arrays apart (what they were made
    of); `work` is how many operations making one takes.
    """

    moments: tuple[float, float, float | None, float | None]
    identity: tuple[Any, ...]
    work: int
    compute: Callable[[Chance], Doubles] = field(compare=False, repr=False)
    by_chance: bool = False

    @property
    def mean(self) -> float:
        return self.moments[0]

    @property
    def deviation(self) -> float:
        return self.moments[1]

    @property
    def low(self) -> float | None:
        return self.moments[2]

    @property
    def high(self) -> float | None:
        return self.moments[3]

    @property
    def deterministic(self) -> bool:
        return not self.by_chance

    @property
    def operations(self) -> int:
        return self.work

    def make(self, chance: Chance) -> Doubles:
        return self.compute(chance)
