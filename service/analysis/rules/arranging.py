"""Layers without weights: sums and products of branches, parts, other shapes, pools, more places."""

from functools import reduce
from math import prod
from typing import Any

from service.analysis import tape
from service.analysis.rules.rule import Weights
from service.analysis.rules.windows import pool_windows
from service.analysis.tape import Node
from service.networks.layers.window import by_axis


def add(layer: Any, weights: Weights, *inputs: Node) -> Node:
    return reduce(tape.add, inputs)


def multiply(layer: Any, weights: Weights, *inputs: Node) -> Node:
    return reduce(tape.multiply, inputs)


def concatenate(layer: Any, weights: Weights, *inputs: Node) -> Node:
    return tape.join(inputs, layer.axis)


def split(layer: Any, weights: Weights, x: Node) -> tuple[Node, ...]:
    return tape.split(x, layer.parts(x.value.shape[layer.axis]), layer.axis)


def same(layer: Any, weights: Weights, x: Node) -> Node:
    """Return what comes: an activation, if any, is applied after the rule, and nothing drops out."""
    return x


def scale(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.scaled(x, layer.by)


def flatten(layer: Any, weights: Weights, x: Node) -> Node:
    if layer.channels_first:  # as torch has images
        x = tape.transpose(x, (0, x.value.ndim - 1, *range(1, x.value.ndim - 1)))
    return tape.reshape(x, (len(x.value), prod(x.value.shape[1:])))


def reshape(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.reshape(x, (len(x.value), *layer.shape))


def transpose(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.transpose(x, (0, *layer.axes))


def pad(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.pad(x, [(before, after) for before, after in layer.padding])


def max_pool(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.max_pool(x, pool_windows(layer, x.value.shape[1:-1]))


def average_pool(layer: Any, weights: Weights, x: Node) -> Node:
    """Return means; padding by numbers counts, as torch has it by default, that of `same` does not, as in Keras."""
    return tape.average_pool(x, pool_windows(layer, x.value.shape[1:-1]), padding_counts=layer.padding != "same")


def global_average_pool(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.mean(x, tuple(range(1, x.value.ndim - 1)))


def upsample(layer: Any, weights: Weights, x: Node) -> Node:
    factors = by_axis(layer.factor, x.value.ndim - 2)
    return tape.repeat(x, factors) if layer.method == "nearest" else tape.interpolate(x, factors)
