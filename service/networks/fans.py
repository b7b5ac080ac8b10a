"""Fans: how many inputs feed one output of a layer, and how many outputs one input feeds.

A layer states its fans; nothing guesses them from a shape. MODES are the ways to make one number of the two; to add
one, add a row.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Fans:
    fan_in: int
    fan_out: int


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
