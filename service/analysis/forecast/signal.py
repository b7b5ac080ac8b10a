"""A signal as theory sees it: what all features have in common at each place, and for each two places.

Where there are many places they are not followed one by one: two stand for all, any of which is as good as another.
Features are alike: a moment is the mean over features, and over the weights that might have been drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import TypeAlias

import numpy as np

from service.analysis.forecast.largest import Largest
from service.analysis.forecast.normal import Array
from service.analysis.functions import Function

MOST_PLACES = 256  # that are followed one by one
ENOUGH = 1e300  # beyond it nothing is computed any more: it has overflowed
Places: TypeAlias = tuple[int, ...]
Lineage: TypeAlias = Mapping[str, Array]  # how much of each named signal is in another, place by place


def count_of(places: Places) -> int:
    """Return how many places are followed: each of them, or two that stand for all."""
    return prod(places) if prod(places) <= MOST_PLACES else 2


@dataclass(frozen=True, slots=True)
class Origin:
    """The normal values that a signal is a function of, feature by feature: its name, deviations and the function."""

    name: str
    mean: Array
    same: Array
    cross: Array
    function: Function


@dataclass(frozen=True, slots=True)
class Signal:
    """What goes from layer to layer, for `places` that each have so many `features`.

    `mean` is that at each place; `same` is E[x x'] at two places of one example, `cross` at places of two examples, of
    one feature; `levels` are the same two of different features, where that is not the product of means: what places
    were before they became features is in all of them.
    `growth` is the second moment of a small difference between two examples, over that of the inputs'. `lineage` says
    how much of earlier signals, less their means, is in this one; `origin` is there where it is a function of normal
    values.
    """

    places: Places
    features: int
    mean: Array
    same: Array
    cross: Array
    growth: float = 1.0
    lineage: Lineage = field(default_factory=dict)
    origin: Origin | None = None
    levels: tuple[Array, Array] | None = None

    @property
    def level(self) -> tuple[Array, Array]:
        """E[x y] of two features, at two places of one example and of two."""
        outer = np.outer(self.mean, self.mean)
        return (outer, outer) if self.levels is None else self.levels

    @property
    def own(self) -> Array:
        """The second moment at each place."""
        return np.diag(self.same)

    @property
    def second(self) -> float:
        return float(self.own.mean())

    @property
    def cosine(self) -> float:
        """E[x x'] of two examples, over E[x x]."""
        return float(np.diag(self.cross).mean() / self.second) if self.second > 0.0 else 1.0

    @property
    def common(self) -> float:
        """E[x x'] for any two places of two examples: what a feature's mean over all of them is, squared."""
        return mean_of_pairs(self.cross, self.places)

    @property
    def apart(self) -> float:
        """By how much examples and places differ, as an rms about what they share."""
        return float(np.sqrt(max(self.second - self.common, 0.0))) if self.second < ENOUGH else float("inf")

    @property
    def overflows(self) -> bool:
        return not (np.abs(self.same) < ENOUGH).all()

    def named(self, name: str) -> "Signal":
        """Return the same signal, part of which is new and has a name."""
        return replace(self, lineage={**self.lineage, name: np.ones(len(self.mean))})


@dataclass(frozen=True, slots=True)
class Gradient:
    """What comes back to a layer's outputs: E[g g'] at two places of one example, mean zero.

    `lineage` says how much of the gradients at later layers' outputs is in it. `window` is there where it comes to the
    largest of several values alone.
    """

    same: Array
    lineage: Lineage = field(default_factory=dict)
    window: Largest | None = None

    @property
    def second(self) -> float:
        return float(np.diag(self.same).mean())


def mean_of_pairs(matrix: Array, places: Places) -> float:
    """Return the mean over all pairs of places, a place with itself too."""
    if prod(places) == len(matrix):
        return float(matrix.mean())
    own, other = two_of(matrix, places)
    return own / prod(places) + other * (1.0 - 1.0 / prod(places))


def mean_of_rows(matrix: Array, places: Places) -> Array:
    """Return for each place the mean over all others and itself."""
    if prod(places) == len(matrix):
        rows: Array = matrix.mean(axis=1)
        return rows
    return np.full(len(matrix), mean_of_pairs(matrix, places))


def two_of(matrix: Array, places: Places) -> tuple[float, float]:
    """Return the mean over places, and over pairs of different places."""
    count = len(matrix)
    own = float(np.diag(matrix).mean())
    return own, float((matrix.sum() - own * count) / (count * (count - 1))) if count > 1 else own


def two_places(own: float, other: float) -> Array:
    return np.array([[own, other], [other, own]])


def spread(own: float, other: float, places: Places) -> Array:
    """Return the moments of places any of which is as good as another."""
    count = count_of(places)
    return np.where(np.eye(count, dtype=bool), own, other)


def plain(places: Places, features: int, mean: float = 0.0, second: float = 1.0, cosine: float = 0.0) -> Signal:
    """Return a signal whose places differ as much as examples do."""
    same, cross = spread(second, second * cosine, places), np.full((count_of(places),) * 2, second * cosine)
    return Signal(places, features, np.full(count_of(places), mean), same, cross)


def overflown(places: Places, features: int) -> Signal:
    count = count_of(places)
    return Signal(places, features, np.zeros(count), *(np.full((count, count), np.inf),) * 2, growth=float("inf"))


def taken_of(lineage: Lineage, factor: Array) -> dict[str, Array]:
    """Return a lineage after a factor at each place, or after a matrix over places."""
    if factor.ndim == 2:
        return {name: factor * part[None, :] if part.ndim == 1 else factor @ part for name, part in lineage.items()}
    return {name: part * (factor if part.ndim == 1 else factor[:, None]) for name, part in lineage.items()}


def between(left: Lineage, right: Lineage, known: Mapping[str, Array]) -> Array | float:
    """Return E[x y'] beyond means for two signals, or two gradients, by what of earlier ones is in both.

    `known` holds the moments of what each name adds to those before it, less means.
    """
    total: Array | float = 0.0
    for name in left.keys() & right.keys():
        a, b, moments = left[name], right[name], known[name]
        moments = a[:, None] * moments if a.ndim == 1 else a @ moments
        total = total + (moments * b[None, :] if b.ndim == 1 else moments @ b.T)
    return total
