"""Initialisers: those of torch.nn.init that families use, as schemes with the numbers that a leaf's shape gives them.

Fans are counted as torch counts them, of a tensor's shape alone: groups divide what is read, not what is written.
"""

import math
from functools import cache
from math import prod

from service.networks.families.tree import Layer, bounded, normal, uniform
from service.networks.schemes import Scheme

CUT_AT_TWO = 0.87962566103423978  # the deviation of a standard normal that is cut at ±2


def fans(layer: Layer) -> tuple[int, int]:
    """Return fan-in and fan-out of a matrix or a convolution, whose shape has inputs and outputs last."""
    *window, inputs, outputs = layer["shape"]
    return inputs // layer.get("groups", 1) * prod(window), outputs * prod(window)


def xavier_uniform(layer: Layer) -> Scheme:
    return xavier_uniform_by(*fans(layer))


@cache
def xavier_uniform_by(fan_in: int, fan_out: int) -> Scheme:
    """Return U(±√(6 / (fan_in + fan_out))), rounded as torch rounds it."""
    bound = math.sqrt(3.0) * math.sqrt(2.0 / float(fan_in + fan_out))
    return uniform(-bound, bound)


def kaiming_normal(layer: Layer, by_fan_out: bool = False) -> Scheme:
    """Return N(0, 2 / fan), as before a rectifier."""
    return normal(math.sqrt(2.0) / math.sqrt(fans(layer)[by_fan_out]))


def reciprocal_root(count: int) -> Scheme:
    """Return U(±1 / √count), with which torch starts the bias of what reads so many numbers."""
    bound = 1 / math.sqrt(count)
    return uniform(-bound, bound)


def kaiming_uniform(layer: Layer) -> Scheme:
    return kaiming_uniform_by(fans(layer)[0])


def kaiming_uniform_by(fan_in: int) -> Scheme:
    """Return kaiming_uniform_(a=√5), with which torch starts a Linear: U(±1 / √fan_in), rounded as torch rounds it."""
    deviation = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(fan_in)
    bound = math.sqrt(3.0) * deviation
    return uniform(-bound, bound)


def lecun_normal(layer: Layer) -> Scheme:
    """Return the transformers library's lecun_normal_: wider than 1 / fan_in, for it is cut at ±2 absolute."""
    return bounded(math.sqrt(1.0 / fans(layer)[0]) / CUT_AT_TWO)
