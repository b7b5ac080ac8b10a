"""Convolutions: in groups, transposed, depthwise, separable."""

from math import prod
from typing import Any

from service.analysis import tape
from service.analysis.rules.rule import Weights, with_bias
from service.analysis.rules.windows import spread_over, windows_over
from service.analysis.tape import Node


def convolution(layer: Any, weights: Weights, x: Node) -> Node:
    windows = windows_over(layer, layer.shape[:-2], x.value.shape[1:-1])
    return with_bias(tape.convolve(x, weights["kernel"], windows, layer.groups), weights)


def transposed(layer: Any, weights: Weights, x: Node) -> Node:
    windows, places = spread_over(layer, x.value.shape[1:-1])
    return with_bias(tape.convolve_back(x, weights["kernel"], windows, places, layer.groups), weights)


def channelwise(layer: Any, kernel: Node, x: Node) -> Node:
    """Every channel through fields of its own: (…, channels) -> (…, channels x multiplier)."""
    *field, channels, multiplier = kernel.value.shape
    windows = windows_over(layer, field, x.value.shape[1:-1])
    return tape.convolve(x, tape.reshape(kernel, (*field, 1, channels * multiplier)), windows, channels)


def depthwise(layer: Any, weights: Weights, x: Node) -> Node:
    return with_bias(channelwise(layer, weights["kernel"], x), weights)


def separable(layer: Any, weights: Weights, x: Node) -> Node:
    middle = channelwise(layer, weights["depthwise_kernel"], x)
    pointwise = weights["pointwise_kernel"]
    matrix = tape.reshape(pointwise, (prod(pointwise.value.shape[:-1]), pointwise.value.shape[-1]))
    return with_bias(tape.times(middle, matrix), weights)
