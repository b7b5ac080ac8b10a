"""Where ways through a network meet: sums of branches, and gates.

Moments of independent branches add up (Yang & Schoenholz 2017; Hayou et al. 2021 on how fast a stream grows then, and
what a factor on each branch does). What two branches have in common, by a way without weights to both, is followed
beside: a function of normal values is a line and a rest that knows nothing of the line (Stein's lemma), and functions
of the same values are one function. On the way back a gate's two factors are taken as two ways.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import prod

import numpy as np

from service.analysis.forecast.bend import IDENTITY, through
from service.analysis.forecast.normal import Array
from service.analysis.forecast.places import mixed, moved
from service.analysis.forecast.signal import Gradient, Lineage, Places, Signal, between, taken_of
from service.analysis.forecast.step import Given, Step, weightless
from service.analysis.functions import Function


def broadcast(x: Signal, places: Places, features: int) -> Signal:
    """Return a signal as it is seen beside one of more places or features."""
    if x.places == places:
        return x if x.features == features else replace(x, features=features, lineage={}, origin=None)
    came, matrices = copies(x, places)
    same, cross = mixed(x.same, came, matrices), mixed(x.cross, came, matrices)
    return Signal(places, features, moved(x.mean, came, matrices), same, cross, x.growth)


def copies(x: Signal, places: Places) -> tuple[Places, list[Array]]:
    came = (1,) * (len(places) - len(x.places)) + tuple(x.places)
    return came, [np.ones((size, 1)) if one == 1 else np.eye(size) for one, size in zip(came, places, strict=True)]


def back_to(x: Signal, places: Places, features: int, gradient: Gradient) -> Gradient:
    """Return the gradient at what was broadcast: the sum of those of its copies."""
    several = features / x.features if x.features else 1.0
    if x.places == places:
        return gradient if several == 1.0 else Gradient(several * gradient.same)
    _, matrices = copies(x, places)
    back = mixed(gradient.same, places, [matrix.T for matrix in matrices])
    return Gradient(several * back.reshape((len(x.mean),) * 2))


def one_origin(inputs: Sequence[Signal], places: Places) -> bool:
    """Whether all are functions of the same normal values, feature by feature."""
    origins = [x.origin for x in inputs]
    names = {None if origin is None else origin.name for origin in origins}
    return len(names) == 1 and None not in names and all(x.places == places for x in inputs)


def of_one_origin(inputs: Sequence[Signal], function: Function) -> Signal:
    """Return a function of all inputs, each of which is a function of the same normal values."""
    first = inputs[0].origin
    assert first is not None
    origin = replace(first, function=IDENTITY)
    return through(function, function, origin, inputs[0].places, inputs[0].features).out


def growths(inputs: Sequence[Signal], factors: Sequence[float]) -> float:
    """Return the sum of small differences' second moments, each times a factor, over the largest."""
    largest = max(x.growth for x in inputs)
    if not 0.0 < largest < np.inf:
        return max(factors)
    return sum(x.growth / largest * factor for x, factor in zip(inputs, factors, strict=True))


def added(given: Given) -> Step:
    came = given.inputs
    inputs = [broadcast(x, given.places, given.features) for x in came]
    mean = sum((x.mean for x in inputs), np.zeros_like(inputs[0].mean))
    same, cross = (np.outer(mean, mean) for _ in range(2))
    lineage: dict[str, Array] = {}  # of the inputs up to each: what it has in common with all of them at once
    for x in inputs:
        outer = np.outer(x.mean, x.mean)
        both, two = (between(lineage, x.lineage, known) for known in (given.same, given.cross))
        same, cross = (
            same + x.same - outer + both + np.transpose(both),
            cross + x.cross - outer + two + np.transpose(two),
        )
        lineage = joined(lineage, x.lineage)
    out = Signal(given.places, given.features, mean, same, cross, lineage=lineage, levels=levels_of(inputs, mean))
    if one_origin(inputs, given.places):
        functions = [x.origin.function for x in inputs if x.origin is not None]
        total = Function(
            lambda z: np.sum([each.value(z) for each in functions], axis=0),
            lambda z: np.sum([each.slope(z) for each in functions], axis=0),
        )
        out = replace(of_one_origin(inputs, total), lineage=lineage)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [back_to(x, given.places, given.features, replace(gradient, window=None)) for x in came]

    linear = not any(x.origin is not None and x.origin.function is not IDENTITY for x in inputs)
    return weightless(out, back, growths(inputs, [1.0] * len(inputs)), linear and not one_origin(inputs, given.places))


def levels_of(inputs: Sequence[Signal], mean: Array) -> tuple[Array, Array] | None:
    """Return what two features of a sum have in common, of one example and of two."""
    if all(x.levels is None for x in inputs):
        return None
    beyond = [[level - np.outer(x.mean, x.mean) for level in x.level] for x in inputs]
    alike, of_two = (np.outer(mean, mean) + np.sum([each[field] for each in beyond], axis=0) for field in (0, 1))
    return alike, of_two


def joined(left: Lineage, right: Lineage) -> dict[str, Array]:
    """Return how much of each earlier signal is in the sum of two."""
    found = dict(left)
    for name, part in right.items():
        if name not in found:
            found[name] = part
        elif found[name].ndim == part.ndim:
            found[name] = found[name] + part
        else:
            found[name] = square(found[name]) + square(part)
    return found


def square(part: Array) -> Array:
    return np.diag(part) if part.ndim == 1 else part


def multiplied(given: Given) -> Step:
    """Independent factors' moments multiply; of two that are not, Isserlis's theorem adds what they have in common."""
    came = given.inputs
    inputs = [broadcast(x, given.places, given.features) for x in came]
    mean, same, cross = inputs[0].mean, inputs[0].same, inputs[0].cross
    for left, right in pairwise(inputs):
        both, two = (between(left.lineage, right.lineage, known) for known in (given.same, given.cross))
        own = np.diag(both) if isinstance(both, np.ndarray) else np.full(len(mean), both)
        mean = mean * right.mean + own
        same = same * right.same + both * np.transpose(both) + np.outer(own, own)
        cross = cross * right.cross + two * np.transpose(two) + np.outer(own, own)
    out = Signal(given.places, given.features, mean, same, cross)
    if one_origin(inputs, given.places):
        functions = [x.origin.function for x in inputs if x.origin is not None]

        def value(z: Array) -> Array:
            whole: Array = np.prod([each.value(z) for each in functions], axis=0)
            return whole

        def slope(z: Array) -> Array:
            values = [each.value(z) for each in functions]
            parts = [
                each.slope(z) * prod(values[:number] + values[number + 1 :], start=np.ones_like(z))
                for number, each in enumerate(functions)
            ]
            total: Array = np.sum(parts, axis=0)
            return total

        out = replace(of_one_origin(inputs, Function(value, slope)), lineage={})
    others = [[x for other, x in enumerate(inputs) if other != number] for number in range(len(inputs))]

    def back(gradient: Gradient) -> Sequence[Gradient]:
        found = []
        for x, rest in zip(came, others, strict=True):
            same, factor = gradient.same, np.ones_like(mean)
            for one in rest:
                same, factor = same * one.same, factor * one.mean
            through_it = Gradient(same, taken_of(gradient.lineage, factor))
            found.append(back_to(x, given.places, given.features, through_it))
        return found

    chi = growths(inputs, [prod(one.second for one in rest) for rest in others])
    return weightless(out, back, chi)
