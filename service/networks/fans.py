"""Fans: how many inputs feed one output of a layer, and how many outputs one input feeds.

A layer states its fans; frameworks guess them from an array's shape, each by its own rule. MODES are the ways to make
one number of the two; to add one, add a row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Fans:
    """Counts; a framework may make a quotient or a root of them."""

    fan_in: float
    fan_out: float


MODES: dict[str, Callable[[Fans], float]] = {
    "fan_in": lambda fans: float(fans.fan_in),
    "fan_out": lambda fans: float(fans.fan_out),
    "fan_geo_avg": lambda fans: math.sqrt(fans.fan_in * fans.fan_out),
    "fan_avg": lambda fans: (fans.fan_in + fans.fan_out) / 2.0,
}


def by_keras_rule(shape: tuple[int, ...]) -> Fans:
    """Return what Keras's `compute_fans` makes of a bare shape: the last two axes, times the others before them."""
    if len(shape) < 2:
        return Fans(*((shape or (1,)) * 2))
    field = prod(shape[:-2])
    return Fans(shape[-2] * field, shape[-1] * field)


def by_jax_rule(shape: tuple[int, ...]) -> Fans | None:
    """Return what JAX's `_compute_fans` makes of a shape: as Keras, but nothing below two axes."""
    return by_keras_rule(shape) if len(shape) > 1 else None


def by_torch_rule(shape: tuple[int, ...]) -> Fans | None:
    """Return what torch's `_calculate_fan_in_and_fan_out` makes of a shape: outputs first; nothing below two axes."""
    if len(shape) < 2:
        return None
    field = prod(shape[2:])
    return Fans(shape[1] * field, shape[0] * field)


def by_tfjs_rule(shape: tuple[int, ...]) -> Fans:
    """Return what TensorFlow.js's `computeFans` makes of a shape: as Keras for two to five axes, else a square root."""
    if 2 <= len(shape) <= 5:
        return by_keras_rule(shape)
    root = math.sqrt(prod(shape))
    return Fans(root, root)
