"""An initialiser of JAX called for an array: what it is called with, and the fans that it counts off the shape."""

import math
from dataclasses import dataclass
from math import prod

import numpy as np

from service.errors import InvalidSpec
from service.networks.fans import Fans
from service.replay.framework import Array, ArrayDraws, described
from service.replay.jax.random import NOTHING, JaxDraws, Key, Normal, Uniform, traced
from service.stream import distributions
from service.stream.distributions import Distribution
from service.stream.draws import Draws
from service.stream.dtypes import DtypeName
from service.stream.views import Shape


def count(shape: Shape, in_axis: int = -2, out_axis: int = -1) -> Fans:
    """Return the fans of a shape, quotients in doubles: all axes but two are the field."""
    inputs, outputs = shape[in_axis], shape[out_axis]
    field = prod(shape) / inputs / outputs
    return Fans(inputs * field, outputs * field)


def whole(fans: Fans) -> Fans:
    """Return fans as counts: a quotient may miss one by a last bit."""
    return Fans(max(1, round(fans.fan_in)), max(1, round(fans.fan_out)))


@dataclass(frozen=True, slots=True)
class Call:
    """An initialiser called with a key for an array; `shape` is what it is called with, of as many elements.

    `fans` are those of a variance_scaling with axes of its own. `draws` makes an array of a key.
    """

    framework: str
    array: Array
    key: Key
    dtype: DtypeName
    shape: Shape
    fans: Fans | None = None
    draws: type[JaxDraws] = JaxDraws

    @property
    def counted(self) -> Fans:
        if self.fans is not None:
            return self.fans
        if len(self.shape) < 2:
            raise InvalidSpec(
                f"JAX counts fans off two axes or more, not off {described(self.array)}; with in_axis, "
                "jax:variance_scaling counts others",
                self.array.pointer,
            )
        return count(self.shape)

    def drawn(self, law: Normal | Uniform, factor: np.float32, mean: float = 0.0) -> JaxDraws:
        shift = traced(mean, self.dtype) if mean else NOTHING
        return self.draws(self.key, law, self.dtype, prod(self.shape), factor, shift)

    def given(self, expected: Distribution, draws: Draws | None, inexact: str | None = None) -> ArrayDraws:
        counted = self.fans is not None or len(self.shape) > 1
        return ArrayDraws(expected, whole(self.counted) if counted else self.array.parameter.fans, draws, inexact)


def gaussian(mean: float, deviation: float, lower: float = -math.inf, upper: float = math.inf) -> Distribution:
    if not deviation:
        return distributions.Constant(mean)
    return distributions.Normal(mean, deviation, lower, upper)
