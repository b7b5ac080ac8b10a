"""Layers of weights: what sums of inputs times weights that do not know each other are like.

Sums are normal, with the mean and moments of Poole et al. 2016 and Schoenholz et al. 2017; for convolutions at each two
places, as Xiao et al. 2018 and Novak et al. 2019 have it, so that borders, strides and dilation count. On the way back
weights are taken as others than those of the way there (Schoenholz et al. 2017, 4).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from service.analysis.forecast.bend import activated
from service.analysis.forecast.fields import tables_of
from service.analysis.forecast.normal import Array
from service.analysis.forecast.places import Table, counted, mixed, seen_by_taps, through_taps, turned
from service.analysis.forecast.signal import Gradient, Places, Signal
from service.analysis.forecast.step import Given, Step, squared
from service.analysis.layers import frequency_of
from service.networks.asked import Source
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense


@dataclass(frozen=True, slots=True)
class Kernel:
    """Weights of mean `centre`: a tap sees `seen` features, and each is seen by `reach` outputs; biases likewise."""

    variance: float
    centre: float
    seen: int
    reach: int
    shift: float = 0.0
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Sums:
    """Normal values: their mean at each place, and moments about it at two places of one example and of two."""

    mean: Array
    same: Array
    cross: Array


def kernel_of(kernel: Source, bias: Source | None, seen: int, reach: int, frequency: float = 1.0) -> Kernel:
    drawn, added = kernel.distribution, bias.distribution if bias else None
    return Kernel(
        squared(frequency * drawn.deviation),
        frequency * drawn.mean,
        seen,
        reach,
        frequency * added.mean if added else 0.0,
        squared(frequency * added.deviation) if added else 0.0,
    )


def summed(x: Signal, kernel: Kernel, tables: Sequence[Table] | None = None) -> Sums:
    """Return the sums that a kernel makes of a signal, place by place, or by what its taps see along each axis."""
    outer = np.outer(x.mean, x.mean)
    if tables is None:
        same, cross, mean = x.same, x.cross, x.mean
        varied = (x.same - outer, x.cross - outer) if kernel.centre else (outer, outer)
    else:
        same, cross = through_taps(x.same, x.places, tables), through_taps(x.cross, x.places, tables)
        mean = seen_by_taps(x.mean, x.places, tables)
        varied = (same, cross)
        if kernel.centre:
            counts = [counted(table, size) for table, size in zip(tables, x.places, strict=True)]
            varied = mixed(x.same - outer, x.places, counts), mixed(x.cross - outer, x.places, counts)
    alike = kernel.seen * squared(kernel.centre)
    return Sums(
        kernel.seen * kernel.centre * mean + kernel.shift,
        kernel.seen * kernel.variance * same + alike * varied[0] + kernel.spread,
        kernel.seen * kernel.variance * cross + alike * varied[1] + kernel.spread,
    )


def pulled(
    gradient: Gradient, kernel: Kernel, places: Places, came: Places, tables: Sequence[Table] | None
) -> Gradient:
    """Return the gradient at the inputs of a kernel, given that of its sums."""
    factor = kernel.reach * (kernel.variance + squared(kernel.centre))
    if tables is None:
        return Gradient(factor * gradient.same)
    backwards = [turned(table, size) for table, size in zip(tables, came, strict=True)]
    return Gradient(factor * through_taps(gradient.same, places, backwards))


def weighing(given: Given, kernel: Kernel, tables: Sequence[Table] | None = None) -> Step | None:
    """Return the step of a layer that is one kernel, a bias, and an activation."""
    (x,) = given.inputs
    sums = summed(x, kernel, tables)
    bend = activated(given.activation, given.places, given.features, sums.mean, sums.same, sums.cross)
    if bend is None:
        return None
    taps = 1.0 if tables is None else float(seen_by_taps(np.ones_like(x.mean), x.places, tables).mean())

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [pulled(bend.back(gradient), kernel, given.places, x.places, tables)]

    chi = kernel.seen * taps * kernel.variance * bend.steep
    return Step(bend.out, back, chi, lambda gradient: bend.back(gradient).second, x.apart)


def dense(given: Given) -> Step | None:
    """Follow a matrix; a low-rank update beside it adds the variance of its product (Hu et al. 2021), 0 at first."""
    layer, sources = given.layer, given.sources
    assert isinstance(layer, Dense)
    inputs, outputs = layer.shape
    frequency = frequency_of(given.activation, sources)
    kernel = kernel_of(sources["kernel"], sources.get("bias"), inputs, outputs, frequency)
    if layer.lora_rank is not None:
        first, second = (sources[name].distribution for name in ("lora_kernel_a", "lora_kernel_b"))
        parts = [squared(one.deviation) + squared(one.mean) for one in (first, second)]
        added = squared(frequency) * layer.lora_rank * prod(parts)
        kernel = Kernel(kernel.variance + added, kernel.centre, inputs, outputs, kernel.shift, kernel.spread)
    return weighing(given, kernel)


def convolution(given: Given) -> Step | None:
    layer = given.layer
    assert isinstance(layer, Convolution | TransposedConvolution)
    *_, inputs, outputs = layer.shape
    seen, reach = inputs // layer.groups, outputs // layer.groups
    frequency = frequency_of(given.activation, given.sources)
    kernel = kernel_of(given.sources["kernel"], given.sources.get("bias"), seen, reach, frequency)
    return weighing(given, kernel, tables_of(layer, given.inputs[0].places, given.places))


def depthwise(given: Given) -> Step | None:
    layer = given.layer
    assert isinstance(layer, DepthwiseConvolution)
    frequency = frequency_of(given.activation, given.sources)
    kernel = kernel_of(given.sources["kernel"], given.sources.get("bias"), 1, layer.shape[-1], frequency)
    return weighing(given, kernel, tables_of(layer, given.inputs[0].places, given.places))


def separable(given: Given) -> Step | None:
    """Follow a depthwise kernel, then one over channels alone."""
    (x,), layer, sources = given.inputs, given.layer, given.sources
    assert isinstance(layer, SeparableConvolution)
    *_, inputs, outputs = layer.shape
    multiplier = layer.depth_multiplier
    first = kernel_of(sources["depthwise_kernel"], None, 1, multiplier)
    second = kernel_of(sources["pointwise_kernel"], sources.get("bias"), inputs * multiplier, outputs)
    tables = tables_of(layer, x.places, given.places)
    middle = summed(x, first, tables)
    outer = np.outer(middle.mean, middle.mean)
    between = Signal(given.places, second.seen, middle.mean, middle.same + outer, middle.cross + outer)
    sums = summed(between, second)
    bend = activated(given.activation, given.places, given.features, sums.mean, sums.same, sums.cross)
    if bend is None:
        return None
    taps = float(seen_by_taps(np.ones_like(x.mean), x.places, tables).mean())

    def back(gradient: Gradient) -> Sequence[Gradient]:
        inner = pulled(bend.back(gradient), second, given.places, given.places, None)
        return [pulled(inner, first, given.places, x.places, tables)]

    chi = taps * first.variance * second.seen * second.variance * bend.steep
    return Step(bend.out, back, chi, lambda gradient: bend.back(gradient).second, x.apart)


def read_back(given: Given) -> Step | None:
    """Follow a matrix that is met again, transposed: an embedding's rows become logits, one of which may know x."""
    drawn = given.sources["embeddings" if "embeddings" in given.sources else "kernel"].distribution
    return weighing(given, Kernel(squared(drawn.deviation), drawn.mean, given.inputs[0].features, given.features))
