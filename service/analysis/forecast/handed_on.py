"""Layers without weights that hand values on one by one: activations, factors, what puts them elsewhere."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.analysis.forecast.bend import after, chained, through
from service.analysis.forecast.joins import growths
from service.analysis.forecast.places import mixed, moved, rearranged
from service.analysis.forecast.signal import Gradient, Places, Signal, taken_of
from service.analysis.forecast.step import Given, Step, weightless
from service.analysis.functions import leaky


def activation(given: Given) -> Step | None:
    (x,) = given.inputs
    if x.origin is None:
        return None
    bend = after(given.activation, x.origin, given.places, given.features)
    if bend is None:
        return None
    out = replace(bend.out, lineage=taken_of(x.lineage, bend.linear))
    return weightless(out, lambda gradient: [bend.back(gradient)], bend.steep)


def prelu(given: Given) -> Step | None:
    """Follow a slope below 0 that is the same for all; theory says nothing of slopes that differ."""
    (x,), drawn = given.inputs, given.sources["alpha"].distribution
    if x.origin is None or drawn.deviation or given.activation != "linear":
        return None
    function = leaky(drawn.mean)
    bend = through(chained(function, x.origin.function), function, x.origin, given.places, given.features)
    out = replace(bend.out, lineage=taken_of(x.lineage, bend.linear))
    return Step(out, lambda gradient: [bend.back(gradient)], bend.steep, lambda gradient: gradient.second, x.apart)


def passed(given: Given) -> Step:
    """Hand on what comes as it is: dropout, where nobody trains."""
    (x,) = given.inputs
    return weightless(x, lambda gradient: [gradient], 1.0, linear=True)


def scaled(given: Given) -> Step:
    (x,), by = given.inputs, float(vars(given.layer)["by"])
    factor = np.full(len(x.mean), by)
    lineage = taken_of(x.lineage, factor)
    levels = None if x.levels is None else (by * by * x.levels[0], by * by * x.levels[1])
    moments = by * x.mean, by * by * x.same, by * by * x.cross
    out = Signal(x.places, x.features, *moments, lineage=lineage, levels=levels)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [Gradient(by * by * gradient.same, taken_of(gradient.lineage, factor), gradient.window)]

    return weightless(out, back, by * by, linear=True)


def rearranging(given: Given, numbers: NDArray[np.int64]) -> Step:
    """Return the step of values put elsewhere; `numbers` says at each output which input value is there."""
    (x,) = given.inputs
    places = given.places
    numbers = numbers.reshape(*places, given.features)
    size = (*x.places, x.features)
    levels = None
    if prod(places) == 1:  # all in one place: the mean over the places that were
        same, cross = np.array([[x.second]]), np.array([[x.cosine * x.second]])
        mean = np.array([x.mean.mean()])
    else:
        fields = list(zip((x.same, x.cross), x.level, strict=True))
        same, cross = (rearranged(*each, x.places, x.features, numbers) for each in fields)
        level, of_two = (rearranged(*each, x.places, x.features, numbers, apart=1) for each in fields)
        levels = level, of_two
        mean = np.full(len(same), x.mean.mean())
    out = Signal(places, given.features, mean, same, cross, levels=levels)
    origins = np.empty(numbers.size, np.int64)
    origins[numbers.ravel()] = np.arange(numbers.size)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        none = np.zeros_like(gradient.same)
        return [Gradient(rearranged(gradient.same, none, places, given.features, origins.reshape(size)))]

    return weightless(out, back, 1.0)


def gathered(given: Given) -> Given:
    """Return what a dense layer is given where places come to it as features: all of them, or every so many."""
    (x,), inputs = given.inputs, vars(given.layer)["shape"][0]
    if x.features == inputs:
        return given
    cross, second = np.array([[x.cosine * x.second]]), np.array([[x.second]])
    flat = Signal((), inputs, np.array([x.mean.mean()]), second, cross, x.growth)
    return replace(given, inputs=[flat])


def spread_back(given: Given, gradient: Gradient) -> Gradient:
    """Return the gradient at the places that came, given that at what a dense layer took of them."""
    (x,), inputs = given.inputs, vars(given.layer)["shape"][0]
    if x.features == inputs:
        return gradient
    share = inputs / (prod(x.places) * x.features)
    return Gradient(np.eye(len(x.mean)) * gradient.second * share)


def flattened(given: Given) -> Step:
    (x,) = given.inputs
    numbers = np.arange(prod(x.places) * x.features).reshape(*x.places, x.features)
    first = bool(vars(given.layer)["channels_first"])
    return rearranging(given, np.moveaxis(numbers, -1, 0) if first else numbers)


def reshaped(given: Given) -> Step:
    (x,) = given.inputs
    return rearranging(given, np.arange(prod(x.places) * x.features))


def transposed(given: Given) -> Step:
    (x,) = given.inputs
    numbers = np.arange(prod(x.places) * x.features).reshape(*x.places, x.features)
    return rearranging(given, numbers.transpose([axis - 1 for axis in vars(given.layer)["axes"]]))


def concatenated(given: Given) -> Step:
    """Features side by side are as their mean; places side by side stay what they were."""
    inputs, places = given.inputs, given.places
    axis = axis_of(given)
    if axis == len(places):
        shares = [x.features / given.features for x in inputs]
        mean, same, cross = (
            sum(share * np.asarray(getattr(x, what)) for share, x in zip(shares, inputs, strict=True))
            for what in ("mean", "same", "cross")
        )
        out = Signal(places, given.features, np.asarray(mean), np.asarray(same), np.asarray(cross))
        return weightless(
            out,
            lambda gradient: [Gradient(gradient.same, window=gradient.window)] * len(inputs),
            growths(inputs, shares),
        )
    starts = np.cumsum([0, *(x.places[axis] for x in inputs)])
    laid = [laid_in(x.places, places, axis, int(start)) for x, start in zip(inputs, starts, strict=False)]
    means = [moved(x.mean, x.places, matrices) for x, matrices in zip(inputs, laid, strict=True)]
    mean = np.sum(means, axis=0)
    others = np.outer(mean, mean) - np.sum([np.outer(each, each) for each in means], axis=0)
    same, cross = (
        others + np.sum([mixed(getattr(x, what), x.places, m) for x, m in zip(inputs, laid, strict=True)], axis=0)
        for what in ("same", "cross")
    )
    out = Signal(places, given.features, mean, same, cross)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [Gradient(mixed(gradient.same, places, [each.T for each in matrices])) for matrices in laid]

    return weightless(out, back, growths(inputs, [x.places[axis] / places[axis] for x in inputs]))


def axis_of(given: Given) -> int:
    """Return which axis after the batch is meant, counted from 0; the last one is the features."""
    axis, count = int(vars(given.layer).get("axis", -1)), len(given.inputs[0].places) + 1
    return axis + count if axis < 0 else axis - 1


def laid_in(came: Places, given: Places, axis: int, start: int) -> list[np.ndarray]:
    """Return matrices that put places among more of them along an axis."""
    return [
        np.eye(size, one, -start) if number == axis else np.eye(one)
        for number, (one, size) in enumerate(zip(came, given, strict=True))
    ]


def split(given: Given) -> Step:
    """Parts of the features, or of places along an axis, in order."""
    (x,), axis = given.inputs, axis_of(given)
    sizes = [shape[axis] for shape in given.shapes]
    if axis == len(x.places):
        parts = [Signal(x.places, size, x.mean, x.same, x.cross, x.growth) for size in sizes]

        def part(number: int, gradient: Gradient) -> Gradient:
            return Gradient(gradient.same * (sizes[number] / x.features))

        return Step(x, lambda gradient: [gradient], 1.0, lambda gradient: gradient.second, parts=parts, part=part)
    starts = np.cumsum([0, *sizes])
    shapes = [(*x.places[:axis], size, *x.places[axis + 1 :]) for size in sizes]
    cuts = [laid_in(shape, x.places, axis, int(start)) for shape, start in zip(shapes, starts, strict=False)]
    parts = []
    for shape, matrices in zip(shapes, cuts, strict=True):
        back = [each.T for each in matrices]
        moments = mixed(x.same, x.places, back), mixed(x.cross, x.places, back)
        parts.append(Signal(shape, x.features, moved(x.mean, x.places, back), *moments, x.growth))

    def laid(number: int, gradient: Gradient) -> Gradient:
        return Gradient(mixed(gradient.same, shapes[number], cuts[number]))

    return Step(x, lambda gradient: [gradient], 1.0, lambda gradient: gradient.second, parts=parts, part=laid)
