"""Parameters whose values depend on each other: identity and orthogonal matrices."""

import math
from dataclasses import dataclass

import numpy as np

from service.weights.distributions import Distribution, Fill, Independent, Normal
from service.weights.dtypes import Values
from service.weights.householder import orthonormal_columns
from service.weights.streams import Stream


@dataclass(frozen=True)
class Diagonal(Independent):
    """`gain` where row and column agree, 0 elsewhere; (rows, columns) need not be square."""

    rows: int
    columns: int
    gain: float

    low = property(lambda self: min(self.gain, 0.0))
    high = property(lambda self: max(self.gain, 0.0))

    @property
    def share(self) -> float:
        """The share of elements that are not 0."""
        return min(self.rows, self.columns) / (self.rows * self.columns)

    @property
    def mean(self) -> float:
        return self.gain * self.share

    @property
    def deviation(self) -> float:
        return abs(self.gain) * math.sqrt(self.share * (1.0 - self.share))

    def fill(self, stream: Stream, first: int, out: Values) -> None:
        out.fill(0.0)
        pitch = self.columns + 1
        end = min(self.rows, self.columns) * pitch  # no diagonal element stands here or after
        out[-first % pitch : max(end - first, 0) : pitch] = self.gain


@dataclass(frozen=True)
class Orthogonal(Distribution):
    """`gain` times a matrix with orthonormal columns, or rows where there are fewer of them; uniform among all such.

    It is the Q, with R's diagonal positive, of a standard normal matrix: that of the same stream's `random_normal`,
    transposed where it has more columns than rows (Mezzadri 2007; Saxe et al. 2014).
    """

    rows: int
    columns: int
    gain: float

    mean = property(lambda self: 0.0)
    low = property(lambda self: -abs(self.gain))
    high = property(lambda self: abs(self.gain))

    @property
    def deviation(self) -> float:
        return abs(self.gain) / math.sqrt(max(self.rows, self.columns))

    @property
    def operations(self) -> int:
        """How many floating-point operations the decomposition takes."""
        long, short = max(self.rows, self.columns), min(self.rows, self.columns)
        return 8 * long * short * short

    def open(self, stream: Stream) -> Fill:
        gaussian = np.empty(self.rows * self.columns, np.float64)
        Normal(0.0, 1.0).fill(stream, 0, gaussian)
        matrix = gaussian.reshape(self.rows, self.columns)
        wide = self.columns > self.rows
        tall = np.ascontiguousarray(matrix.T) if wide else matrix
        columns = np.empty_like(tall)
        orthonormal_columns(tall, columns)
        values = (np.float64(self.gain) * (columns.T if wide else columns)).ravel()

        def fill(first: int, out: Values) -> None:
            out[:] = values[first : first + out.size]

        return fill
