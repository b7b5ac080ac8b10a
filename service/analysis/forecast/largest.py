"""The largest of several normal values that are correlated alike, as a function of one: order statistics.

Values are a part that all share and parts of their own. The largest is the shared part and the largest of the others,
whose distribution is known (David & Nagaraja 2003, Order Statistics, 2.1 and 5.3). Two largest values, of windows whose
values are correlated in pairs, are taken as jointly normal but for their own distributions; their covariance is exact
where no window shares values with another (Hoeffding's formula over the joint distribution).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from service.analysis.forecast.normal import POINTS, WEIGHTS, Array
from service.analysis.functions import normal_below, normal_density

STEP = float(POINTS[1] - POINTS[0])
GRID = POINTS[::10]
CORRELATIONS = np.sin(np.linspace(0.0, 0.5 * np.pi, 17))  # denser where the covariance bends, near 1


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest of `count` standard normal values, each two of correlation `shared`."""

    count: int
    shared: float

    def at(self, z: Array) -> Array:
        """Return what it is where a standard normal value of the same rank is z."""
        return np.interp(z, POINTS, quantiles(self.count, round(min(max(self.shared, 0.0), 1.0), 4)))

    def moments(self) -> tuple[float, float]:
        """Return its mean and variance."""
        values = self.at(POINTS)
        mean = float(WEIGHTS @ values)
        return mean, float(WEIGHTS @ (values - mean) ** 2)

    def covariance(self, paired: Array, others: Array) -> Array:
        """Return that of two of them, given the correlation of values that are a pair, and of those that are none."""
        own = max(1.0 - self.shared, 0.0)
        share = np.clip((paired - others) / own, -1.0, 1.0) if own > 0.0 else np.zeros_like(paired)
        return others + own * np.sign(share) * np.interp(np.abs(share), CORRELATIONS, covariances(self.count))


@lru_cache(maxsize=1)
def ranks_of_points() -> Array:
    """Return the share of standard normal values below each of POINTS."""
    return normal_below(POINTS)


@lru_cache(maxsize=256)
def quantiles(count: int, shared: float) -> Array:
    """Return the largest of `count` values at the ranks of POINTS."""
    if count == 1 or shared > 0.9999:
        return POINTS
    own = np.sqrt(1.0 - shared)
    x = np.linspace(-9.0, 9.0, 1201)
    s = POINTS[::8]
    weights = WEIGHTS[::8] / WEIGHTS[::8].sum()
    inner = (x[:, None] - np.sqrt(shared) * s[None, :]) / own
    distribution = normal_below(inner) ** count @ weights if shared > 0.0 else normal_below(x) ** count
    rising = np.maximum.accumulate(distribution)
    found: Array = np.interp(ranks_of_points(), rising, x)
    return found


@lru_cache(maxsize=64)
def covariances(count: int) -> Array:
    """Return the covariance of the largest of `count` values and of as many more, for each of CORRELATIONS."""
    step = STEP * 10
    found = []
    for r in CORRELATIONS[:-1]:
        conditional = normal_below((GRID[None, :] - r * GRID[:, None]) / np.sqrt(1.0 - r * r))
        density = normal_density(GRID)[:, None] * conditional * step
        cumulated = np.cumsum(density, axis=0) - 0.5 * density  # up to the middle of the bin
        joint = np.clip(cumulated, 0.0, 1.0) ** count
        apart = joint[:, -1:] * joint[-1:, :]  # as the sum has it, so that both vanish alike far out
        found.append(float((joint - apart).sum()) * step * step)
    return np.array([*found, Largest(count, 0.0).moments()[1]])
