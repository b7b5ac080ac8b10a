"""Statistics of one parameter: one pass over its blocks, merged in order, beside what its distribution promises."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.analysis.kernels import erf, survey
from service.networks.expectations import AsStored
from service.stream.distributions import Expectation, Normal, Uniform
from service.stream.dtypes import Values
from service.stream.gaussian import slice_between

BINS = 64
STEPS = np.arange(BINS + 1.0)
# The quantile of the least word is 6.34 deviations from the mean: with 6.4 no normal value lies outside.
REACH = 6.4


def histogram_edges(distribution: Expectation) -> NDArray[np.float64]:
    """Return the 65 edges of 64 equal bins over all that can come out; known before a value is drawn."""
    reach = REACH * distribution.deviation
    low, high = distribution.low, distribution.high
    start = distribution.mean - reach if low is None else max(low, distribution.mean - reach)
    end = distribution.mean + reach if high is None else min(high, distribution.mean + reach)
    if not start < end:  # a constant
        room = max(0.5, abs(start) / 2.0)
        start, end = start - room, end + room
    edges = STEPS * ((end - start) / BINS) + start
    edges[-1] = end
    return edges


def expected_counts(distribution: Expectation, edges: NDArray[np.float64], count: int) -> list[float] | None:
    """Return how many of `count` values to expect in each bin; None for what has no density."""
    match distribution.of if isinstance(distribution, AsStored) else distribution:
        case Uniform(low, high):
            below = np.clip((edges - low) / (high - low), 0.0, 1.0)
        case Normal(location, scale, lower, upper):
            cut = slice_between(lower, upper)
            central = 0.5 * erf((edges - location) / (scale * math.sqrt(2.0)))  # probability between 0 and the edge
            below = np.clip((central - cut.start) / cut.mass, 0.0, 1.0)
        case _:
            return None
    shares: list[float] = (count * np.diff(below)).tolist()
    return shares


@dataclass(frozen=True, slots=True)
class Part:
    """One block's share of the statistics; sums are of x - the expected mean."""

    count: int
    total: float
    squares: float
    least: float
    greatest: float
    counts: NDArray[np.int64]


@dataclass
class Statistics:
    """What has been seen so far of a parameter; standard deviation as of a whole population, in float64."""

    distribution: Expectation
    count: int = 0
    total: float = 0.0  # of x - the expected mean, so that nothing cancels
    squares: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf
    edges: NDArray[np.float64] = field(init=False)
    counts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.edges = histogram_edges(self.distribution)
        self.counts = np.zeros(BINS, np.int64)

    def survey(self, values: Values) -> Part:
        """Return what can be said of a block of values (contiguous) alone; several threads may ask at once."""
        counts = np.zeros(BINS, np.int64)
        total, squares, least, greatest = survey(values, self.distribution.mean, self.edges, counts)
        return Part(values.size, total, squares, least, greatest, counts)

    def merge(self, part: Part) -> None:
        """Take in a block; the same blocks in the same order give the same statistics to the last bit."""
        self.count += part.count
        self.total += part.total
        self.squares += part.squares
        self.least = min(self.least, part.least)
        self.greatest = max(self.greatest, part.greatest)
        self.counts += part.counts

    def summary(self) -> dict[str, object]:
        """Return the answer's `statistics`; `expected` min and max are null where a distribution has no bound.

        Of no values, which a slice may have, all that is measured is null.
        """
        away = self.total / max(self.count, 1)
        expected = self.distribution
        variance = 0.0 if self.least == self.greatest else self.squares / max(self.count, 1) - away * away
        measured = {
            "mean": min(max(expected.mean + away, self.least), self.greatest),  # it may be a rounding beyond
            "std": math.sqrt(max(variance, 0.0)),
            "min": self.least,
            "max": self.greatest,
        }
        return {
            "count": self.count,
            **(measured if self.count else dict.fromkeys(measured)),
            "expected": {"mean": expected.mean, "std": expected.deviation, "min": expected.low, "max": expected.high},
            "histogram": {"edges": self.edges.tolist(), "counts": self.counts.tolist()},
        }
