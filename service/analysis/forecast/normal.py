"""What functions make of jointly normal values: means, second moments, products of two, all by quadrature.

A function's values at standard normal z are written as a sum over Hermite polynomials, whose product for two values of
correlation c is the sum of the coefficients' products times c^k (Mehler's formula; Daniely et al. 2016 call it the
dual activation). So one table of coefficients serves every pair of places and of examples.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.analysis.functions import Map

Array = NDArray[np.float64]

# Points of a standard normal value: the middles of bins from -8 to 8, so fine that kinks and steep slopes are met; none
# is on the kink that many functions have at 0.
POINTS: Array = np.linspace(-7.995, 7.995, 1600)
WEIGHTS = np.exp(-0.5 * POINTS**2) / np.exp(-0.5 * POINTS**2).sum()
TERMS = 64  # of the sum over Hermite polynomials
TAIL = 96  # what is left of the sum is taken as one term of this power, so that it is whole at correlation 1


@lru_cache(maxsize=1)
def hermite() -> Array:
    """Return normalised Hermite polynomials at the points, times the weights: (points, terms)."""
    table = np.empty((len(POINTS), TERMS))
    table[:, 0], table[:, 1] = 1.0, POINTS
    for k in range(2, TERMS):
        table[:, k] = (POINTS * table[:, k - 1] - np.sqrt(k - 1.0) * table[:, k - 2]) / np.sqrt(k)
    weighted: Array = table * WEIGHTS[:, None]
    return weighted


@dataclass(frozen=True, slots=True)
class Expansion:
    """A function of normal values, place by place: its mean, second moment, and coefficients (places, terms)."""

    second: Array
    terms: Array

    @property
    def mean(self) -> Array:
        return self.terms[:, 0]

    @property
    def linear(self) -> Array:
        """The covariance with the standard normal value that it is a function of."""
        return self.terms[:, 1]

    def pairs(self, correlation: Array) -> Array:
        """Return E[f(x) f(y)] for each pair of places, given the correlations (places, places) of x and y."""
        return self.with_other(self, correlation)

    def with_other(self, other: "Expansion", correlation: Array) -> Array:
        """Return E[f(x) g(y)] for each pair of places, `other` being of g."""
        c = np.clip(correlation, -1.0, 1.0)
        left = self.second - (self.terms**2).sum(axis=1)
        right = other.second - (other.terms**2).sum(axis=1)
        rest = np.sqrt(np.maximum(left, 0.0)[:, None] * np.maximum(right, 0.0)[None, :])
        alike = len(self.terms) == 1 or bool(
            (self.terms == self.terms[:1]).all() and (other.terms == other.terms[:1]).all()
        )
        products = (self.terms[:1] * other.terms[:1]) if alike else None
        total = np.zeros_like(c)
        for k in reversed(range(TERMS)):
            term = products[:, k] if products is not None else np.outer(self.terms[:, k], other.terms[:, k])
            total = total * c + term
        whole: Array = total + rest * np.abs(c) ** TAIL
        return whole


def expand(function: Map, mean: Array, deviation: Array) -> Expansion:
    """Expand a function of normal values of these means and deviations, place by place; overflow becomes infinite."""
    states, index = np.unique(np.stack([mean, deviation], axis=1), axis=0, return_inverse=True)
    with np.errstate(all="ignore"):
        values = function(states[:, :1] + states[:, 1:] * POINTS[None, :])
        second, terms = (values * values) @ WEIGHTS, values @ hermite()
    index = index.reshape(-1)
    return Expansion(second[index], terms[index])
