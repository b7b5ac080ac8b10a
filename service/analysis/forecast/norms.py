"""Norms: what is taken away, and by what is divided; so gradients of what is large become small, and the other way.

A batch norm takes away what a unit has in common over examples and places, and with it what examples share (Yang et al.
2019); a layer norm acts on each place alone (Xiong et al. 2020 on norms before and after a residual branch; De & Smith
2020 on what they do to the branch's share). With g features that a mean is taken over, 1/g of what one feature has in
common over places goes too. A gradient loses what would change the mean or the size that the norm takes away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from service.analysis.forecast.bend import activated, deviations
from service.analysis.forecast.normal import Array, expand
from service.analysis.forecast.signal import ENOUGH, Gradient, Places, Signal, mean_of_pairs, mean_of_rows, taken_of
from service.analysis.forecast.step import Given, Step, squared
from service.networks.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm

EPSILON = 1e-5
GROUPS = 32  # of a group norm that does not say how many


@dataclass(frozen=True, slots=True)
class Reach:
    """What a norm's mean and size are taken over: so many features, at one place or all of them, of how many examples.

    `examples` is 1 for one example alone, None for very many.
    """

    features: int
    everywhere: bool
    centred: bool = True
    examples: int | None = 1


def reach_of(given: Given) -> Reach:
    layer, features = given.layer, given.features
    if isinstance(layer, BatchNorm):
        return Reach(1, True, examples=given.examples)
    if isinstance(layer, InstanceNorm):
        return Reach(1, True)
    if isinstance(layer, GroupNorm):
        groups = vars(layer).get("num_groups") or (GROUPS if features % GROUPS == 0 else 1)
        return Reach(features // groups, True)
    assert isinstance(layer, LayerNorm | RmsNorm)
    return Reach(features, len(layer.shape) > 1, centred=not isinstance(layer, RmsNorm))


def common_part(x: Signal, reach: Reach) -> tuple[Array, Array]:
    """Return what a norm takes away of moments of one example, and of two: for each place, its mean's share in it.

    What is taken away of E[x_p x_q] is r_p + r_q - u, with r the covariance of a value with the mean, u the mean's own.
    """
    if not reach.centred:
        return np.zeros_like(x.same), np.zeros_like(x.cross)
    share = 1.0 / reach.features
    if reach.examples == 1:
        level, of_two = x.level
        alone, two = x.same - level, x.cross - of_two
        return (
            removed(level, x.places, reach) + share * removed(alone, x.places, reach),
            removed(of_two, x.places, reach) + share * removed(two, x.places, reach),
        )
    outer = np.outer(x.mean, x.mean)
    same, cross = x.same - outer, x.cross - outer
    # Over a batch both examples have the same mean taken away: of pairs of examples, but for each with itself.
    own = 0.0 if reach.examples is None else 1.0 / reach.examples
    pooled = own * same + (1.0 - own) * cross
    taken = outer + share * removed(pooled, x.places, reach)
    return taken, taken


def removed(moments: Array, places: Places, reach: Reach) -> Array:
    if not reach.everywhere:
        return moments
    rows = mean_of_rows(moments, places)
    return rows[:, None] + rows[None, :] - mean_of_pairs(moments, places)


def normalised(given: Given) -> Step | None:
    (x,), layer, sources = given.inputs, given.layer, given.sources
    reach = reach_of(given)
    scale = (sources.get("gamma") or sources["scale"]).distribution
    shift = sources["beta"].distribution if "beta" in sources else None
    centre = scale.mean + (layer.offset if isinstance(layer, RmsNorm) else 0.0)
    gamma = squared(scale.deviation) + squared(centre)
    taken, taken_of_two = common_part(x, reach)
    same, cross = x.same - taken, x.cross - taken_of_two
    size = np.diag(same)
    size = np.full_like(size, size.mean()) if reach.everywhere else size
    epsilon = vars(layer).get("epsilon")
    usual = EPSILON if epsilon is None else float(epsilon)
    if not (size > 0.0).all() or not (size < ENOUGH).all():
        return None
    by = 1.0 / np.sqrt(size + usual)
    left = np.zeros_like(x.mean) if reach.centred else x.mean * by
    mean = left * centre + (shift.mean if shift else 0.0)
    added = squared(shift.deviation) if shift else 0.0
    outer = np.outer(left, left) * squared(centre)
    same, cross = (gamma * each * np.outer(by, by) - outer + added for each in (same, cross))
    bend = activated(given.activation, given.places, given.features, mean, same, cross)
    if bend is None:
        return None
    steeper, kept = 1.0, 1.0
    if reach.examples is not None:
        values = reach.features * reach.examples * (prod(x.places) if reach.everywhere else 1)
        steeper, kept = more_of_few(x, values), max(1.0 - 1.0 / values, 0.0)

    def inside(gradient: Gradient) -> Gradient:
        return bend.back(gradient)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        inner = inside(gradient)
        centred = inner.same - gradient_taken(inner.same, x.places, reach)
        same = gamma * kept * steeper * centred * np.outer(by, by)
        return [Gradient(same, taken_of(inner.lineage, centre * by))]

    factor = gamma * steeper * float((by * by).mean())
    out = bend.out
    lineage = taken_of(x.lineage, centre * by * bend.linear)
    out = Signal(out.places, out.features, out.mean, out.same, out.cross, lineage=lineage, origin=out.origin)
    return Step(out, back, factor * bend.steep, lambda gradient: inside(gradient).second, 1.0)


def more_of_few(x: Signal, values: int) -> float:
    """Return by how much 1 / variance is larger, on average, where the variance is one of few values.

    For normal values it is (n - 1) / (n - 3), exactly; for others it goes with their fourth moment.
    """
    tails = 3.0
    if x.origin is not None:
        function, mean = x.origin.function, float(x.mean.mean())
        deviation = deviations(x.origin.same)
        squares = expand(lambda z: (function.value(z) - mean) ** 2, x.origin.mean, deviation)
        variance = float(squares.mean.mean())
        tails = float(squares.second.mean()) / variance**2 if variance > 0.0 else tails
    return 1.0 + (tails - 1.0) / max(values - 3, 1)


def gradient_taken(same: Array, places: Places, reach: Reach) -> Array:
    """Return what a gradient loses as it can change no mean; gradients of different features and examples differ."""
    if not reach.centred or reach.examples is None:
        return np.zeros_like(same)
    return removed(same, places, reach) / (reach.features * reach.examples)
