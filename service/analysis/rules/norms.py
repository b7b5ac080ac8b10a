"""Norms, which take the batch's own mean and variance, as in training; and slopes that are learnt."""

from math import prod
from typing import Any

import numpy as np

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.rules.rule import Weights, with_bias
from service.analysis.tape import Node

GROUPS = 32  # of a group normalisation that does not say, as in every framework, where they divide the features


def scale_and_shift(y: Node, weights: Weights) -> Node:
    return with_bias(tape.multiply(y, weights["gamma"]), weights, "beta")


def epsilon_of(layer: Any) -> float:
    return float(layer.epsilon)


def last_axes(layer: Any) -> tuple[int, ...]:
    """Return the axes that a layer of so many sizes normalises together."""
    return tuple(range(-len(layer.shape), 0))


def batch_norm(layer: Any, weights: Weights, x: Node) -> Node:
    axes = tuple(range(x.value.ndim - 1))
    return scale_and_shift(tape.standardise(x, axes, epsilon=epsilon_of(layer)), weights)


def layer_norm(layer: Any, weights: Weights, x: Node) -> Node:
    return scale_and_shift(tape.standardise(x, last_axes(layer), epsilon=epsilon_of(layer)), weights)


def groups_of(layer: Any) -> int:
    """Return how many groups of features a layer normalises apart."""
    return layer.num_groups or (GROUPS if layer.shape[0] % GROUPS == 0 else 1)


def group_norm(layer: Any, weights: Weights, x: Node) -> Node:
    features, groups = layer.shape[0], groups_of(layer)
    batch, *places = x.value.shape[:-1]
    parted = tape.reshape(x, (batch, prod(places), groups, features // groups))
    even = tape.standardise(parted, (1, 3), epsilon=epsilon_of(layer))
    return scale_and_shift(tape.reshape(even, x.value.shape), weights)


def instance_norm(layer: Any, weights: Weights, x: Node) -> Node:
    axes = tuple(range(1, x.value.ndim - 1))
    return scale_and_shift(tape.standardise(x, axes, epsilon=epsilon_of(layer)), weights)


def rms_norm(layer: Any, weights: Weights, x: Node) -> Node:
    even = tape.standardise(x, last_axes(layer), centred=False, epsilon=epsilon_of(layer))
    scale = weights["scale"]
    if layer.offset:
        scale = tape.add(scale, tape.constant(np.full_like(scale.value, layer.offset)))
    return tape.multiply(even, scale)


def prelu(layer: Any, weights: Weights, x: Node) -> Node:
    positive = tape.apply(FUNCTIONS["relu"], x)
    negative = tape.add(x, tape.scaled(positive, -1.0))
    return tape.add(positive, tape.multiply(negative, weights["alpha"]))
