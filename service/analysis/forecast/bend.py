"""Activations: what they make of normal values (Poole et al. 2016; Schoenholz et al. 2017), and of a gradient.

Values before an activation are sums of many, so they are normal; after it moments are integrals. A gradient takes the
slope at each place, whose products at two places are integrals of the same kind. A softmax over features is no function
of one value: its shares are those of normal logits.
"""

from dataclasses import dataclass

import numpy as np

from service.analysis.forecast.normal import Array, Expansion, expand
from service.analysis.forecast.shares import shares, steepness
from service.analysis.forecast.signal import ENOUGH, Gradient, Origin, Places, Signal, overflown, taken_of
from service.analysis.functions import FUNCTIONS, Function

IDENTITY = FUNCTIONS["linear"]


@dataclass(frozen=True, slots=True)
class Bend:
    """An activation at normal values: what comes out, and what becomes of a gradient.

    `slopes` are E[f'f'] at two places, `slope` is E[f'] at each, `linear` the share of what goes in that comes out.
    `steep` is E[f'f'] where the value is the largest of several.
    """

    out: Signal
    function: Function
    origin: Origin
    slopes: Array
    slope: Array
    linear: Array

    @property
    def steep(self) -> float:
        return float(np.diag(self.slopes).mean())

    def back(self, gradient: Gradient) -> Gradient:
        """Return the gradient before the activation."""
        same = gradient.same * self.slopes
        if gradient.window is not None and self.steep > 0.0:
            same = same * (self._steep_at(gradient) / self.steep)
        return Gradient(same, taken_of(gradient.lineage, self.slope))

    def _steep_at(self, gradient: Gradient) -> float:
        """Return the mean square of the slope where a value is the largest of several, to which the gradient comes."""
        assert gradient.window is not None
        window, mean, deviation = gradient.window, float(self.origin.mean.mean()), deviations(self.origin.same).mean()
        at = expand(lambda z: self.function.slope(mean + deviation * window.at(z)), np.zeros(1), np.ones(1))
        return float(at.second[0])


def deviations(same: Array) -> Array:
    return np.sqrt(np.maximum(np.diag(same), 0.0))


def correlations(moments: Array, deviation: Array) -> Array:
    """Return moments over deviations; 1 where nothing varies."""
    scale = np.outer(deviation, deviation)
    found: Array = np.divide(moments, scale, out=np.ones_like(moments), where=scale > 0.0)
    return found


def activated(name: str, places: Places, features: int, mean: Array, same: Array, cross: Array) -> Bend | None:
    """Return new normal values after an activation, `same` and `cross` about their mean; None for an unknown one."""
    origin = Origin("", mean, same, cross, IDENTITY)
    return after(name, origin, places, features)


def after(name: str, origin: Origin, places: Places, features: int) -> Bend | None:
    """Return a function of normal values after an activation; None for one that theory does not know."""
    if not (np.abs(origin.same) < ENOUGH).all():
        return overflowing(origin, places, features)
    if name == "softmax":
        return shared_out(origin, places, features)
    if name not in FUNCTIONS:
        return None
    return through(chained(FUNCTIONS[name], origin.function), FUNCTIONS[name], origin, places, features)


def chained(outer: Function, inner: Function) -> Function:
    """Return one function after another."""
    if inner is IDENTITY or outer is IDENTITY:
        return outer if inner is IDENTITY else inner
    return Function(lambda z: outer.value(inner.value(z)), lambda z: outer.slope(inner.value(z)) * inner.slope(z))


def through(whole: Function, last: Function, origin: Origin, places: Places, features: int) -> Bend:
    """Return what a function makes of normal values; a gradient meets the slope of its last part alone."""
    deviation = deviations(origin.same)
    mean, same, cross = origin.mean, origin.same, origin.cross
    if whole is IDENTITY:
        means = np.outer(mean, mean)
        ones = np.ones_like(mean)
        out = Signal(places, features, mean, same + means, cross + means, origin=origin)
        return Bend(out, last, origin, np.ones_like(same), ones, ones)
    value = expand(whole.value, mean, deviation)
    if not (np.abs(value.second) < ENOUGH).all():
        return overflowing(origin, places, features)
    alike, others = correlations(same, deviation), correlations(cross, deviation)
    moments = value.pairs(alike)
    np.fill_diagonal(moments, value.second)
    made = Origin(origin.name, mean, same, cross, whole)
    out = Signal(places, features, value.mean, moments, value.pairs(others), origin=made)
    inner = origin.function
    slope = last.slope if inner is IDENTITY else lambda z: last.slope(inner.value(z))
    steep = expand(slope, mean, deviation)
    slopes = steep.pairs(alike)
    np.fill_diagonal(slopes, steep.second)
    bend = Function(whole.value, slope)
    return Bend(out, bend, origin, slopes, steep.mean, linear_part(value, inner, origin, deviation))


def linear_part(value: Expansion, inner: Function, origin: Origin, deviation: Array) -> Array:
    """Return the slope of the line through what comes out against what goes in: for normal values the mean slope."""
    if inner is IDENTITY:
        straight: Array = np.divide(value.linear, deviation, out=np.zeros_like(deviation), where=deviation > 0.0)
        return straight
    before = expand(inner.value, origin.mean, deviation)
    together = np.einsum("pk,pk->p", value.terms[:, 1:], before.terms[:, 1:])
    spread = before.second - before.mean**2
    found: Array = np.divide(together, spread, out=np.zeros_like(spread), where=spread > 0.0)
    return found


def overflowing(origin: Origin, places: Places, features: int) -> Bend:
    infinite = np.full_like(origin.same, np.inf)
    return Bend(overflown(places, features), IDENTITY, origin, infinite, np.ones(len(infinite)), np.ones(len(infinite)))


def shared_out(origin: Origin, places: Places, features: int) -> Bend:
    """Return the softmax over features of normal logits, whose shares know nothing else (see shares.py).

    A gradient g becomes p_i (g_i - sum p_j g_j); at two places it is as much less as the shares' products are.
    """
    count = np.array(float(features))
    alike, others = shares(origin.same, count), shares(origin.cross, count)
    own = np.diag(alike)
    less = correlations(alike - 1.0 / count, np.sqrt(np.maximum(own - 1.0 / count, 0.0)))
    steep = np.sqrt(steepness(np.diag(origin.same), count) / count)
    slope = (1.0 - own) / count
    mean = np.full(len(origin.mean), 1.0 / count)
    out = Signal(places, features, mean, alike / count, others / count)
    return Bend(out, IDENTITY, origin, np.outer(steep, steep) * less, slope, slope)
