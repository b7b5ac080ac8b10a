"""Shares in a softmax of independent normal logits: means of their powers, exact for any number of them.

With w = exp(logit), a share is w / Z, and 1 / Z^m is the integral of u^(m-1) exp(-uZ) / (m-1)!, under which the logits
part: what is left are means over one logit at a time.
"""

from functools import lru_cache
from math import factorial

import numpy as np

from service.analysis.forecast.normal import POINTS, WEIGHTS, Array

DEVIATIONS: Array = np.linspace(0.0, 6.0, 49)  # of the logits, between which is interpolated in the variance
SCALES: Array = np.exp(np.linspace(-34.0, 14.0, 289))  # u, evenly in its logarithm
LEAST = -12.0  # of a negative variance: logits that are opposed in two softmaxes


@lru_cache(maxsize=1)
def decays() -> Array:
    """Return E[(uw)^m exp(-uw)] for m from 0 to 4, each deviation and each u."""
    z, weights = POINTS[::8], WEIGHTS[::8] / WEIGHTS[::8].sum()
    scaled = SCALES[None, :, None] * np.exp(DEVIATIONS[:, None] * z[None, :])[:, None, :]
    decay = np.exp(-scaled)
    return np.stack([(decay * scaled**m) @ weights for m in range(5)])


def integral(power: int, integrand: Array) -> Array:
    """Return that of an integrand times du / u, over (power - 1)!, for each deviation."""
    found: Array = np.asarray(np.trapezoid(integrand, np.log(SCALES), axis=1)) / factorial(power - 1)
    return found


@lru_cache(maxsize=1024)
def tables(count: float) -> tuple[Array, Array]:
    """Return E[sum p^2] and E[sum p^2 (1 - 2p + sum p^2)] of so many shares, for each deviation."""
    zeroth, _, second, third, fourth = decays()
    others = zeroth ** (count - 1.0)
    squares = count * integral(2, second * others)
    cubes = count * integral(3, third * others)
    both = count * integral(4, fourth * others)
    if count > 1.0:
        both = both + count * (count - 1.0) * integral(4, second**2 * zeroth ** (count - 2.0))
    squares[0], steep = 1.0 / count, squares - 2.0 * cubes + both
    steep[0] = (1.0 - 1.0 / count) / count
    return np.minimum(squares, 1.0), np.maximum(steep, 0.0)


def at(variance: Array, count: Array, which: int) -> Array:
    variance, count = np.broadcast_arrays(np.asarray(variance, np.float64), np.asarray(count, np.float64))
    found = np.empty(variance.shape)
    for n in np.unique(count):
        here = count == n
        found[here] = np.interp(variance[here], DEVIATIONS**2, tables(float(n))[which])
    return found


def shares(variance: Array, count: Array) -> Array:
    """Return the mean of the sum of squared shares of `count` logits of this variance.

    It is 1 / count where logits are equal, and 1 where one of them has all. For two softmaxes whose logits have this
    covariance, it is the mean of the sum of products, nearly.
    """
    positive = at(np.maximum(variance, 0.0), count, 0)
    found: Array = np.where(variance < 0.0, np.exp(np.maximum(variance, LEAST)) / count, positive)
    return found


def steepness(variance: Array, count: Array) -> Array:
    """Return the mean of the sum over shares of (p_i (e_i - p))^2: the gradient's squared length in the logits.

    It is for gradients at the shares that are independent and of variance 1.
    """
    return at(variance, count, 1)
