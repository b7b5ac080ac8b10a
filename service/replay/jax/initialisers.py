"""jax.nn.initializers: what a scheme comes to as a call of one, evaluated eagerly, operation by operation.

Numbers are rounded to the array's dtype where JAX rounds them; fans are counted off the shape, in doubles.
"""

import math
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from service.errors import InitserveError, InvalidSpec, UnsupportedCombination
from service.networks.fans import Fans
from service.networks.schemes import Scheme
from service.networks.schemes.linear import DeltaOrthogonal, OrthogonalScheme
from service.networks.schemes.plain import BoundedNormal, ConstantScheme, RandomNormal, RandomUniform, TruncatedNormal
from service.networks.schemes.scaling import VarianceScaling
from service.replay.framework import NO_STREAM, Array, Given, no_such_scheme
from service.replay.jax.random import NOTHING, Drawn, Key, Normal, Uniform, one, traced
from service.replay.orthogonal import OrthogonalDraws, by_decomposition
from service.replay.rounding import BITS, f32
from service.replay.truncation import CUT, DEVIATION_LEFT
from service.stream import distributions, matrices
from service.stream.distributions import Distribution, Fill, fill_in_parts
from service.stream.draws import Addressed, Draws, Wrapped
from service.stream.dtypes import DTYPES, DtypeName, Values
from service.stream.matrices import take
from service.stream.stacks import Stack
from service.stream.views import Shape

LAPACK = by_decomposition("orthogonal")


class Counted(NamedTuple):
    """Fans as JAX has them: quotients in doubles."""

    fan_in: float
    fan_out: float

    @property
    def whole(self) -> Fans:
        return Fans(max(1, round(self.fan_in)), max(1, round(self.fan_out)))


def count(shape: Shape, in_axis: int = -2, out_axis: int = -1) -> Counted:
    """Return the fans of a shape: all axes but two are the field."""
    inputs, outputs = shape[in_axis], shape[out_axis]
    field = prod(shape) / inputs / outputs
    return Counted(inputs * field, outputs * field)


@dataclass(frozen=True, slots=True)
class Call:
    """An initialiser called with a key for an array; `shape` is what it is called with, of as many elements.

    `fans` are those of a variance_scaling with axes of its own.
    """

    framework: str
    array: Array
    key: Key
    dtype: DtypeName
    shape: Shape
    fans: Counted | None = None

    @property
    def counted(self) -> Counted:
        if self.fans is not None:
            return self.fans
        if len(self.shape) < 2:
            raise InvalidSpec(
                f"JAX counts fans off two axes or more, not off the shape {list(self.shape)}", self.array.pointer
            )
        return count(self.shape)

    def drawn(self, law: Normal | Uniform, factor: np.float32, mean: float = 0.0) -> Drawn:
        shift = traced(mean, self.dtype) if mean else NOTHING
        return Drawn(self.key, law, self.dtype, prod(self.shape), factor, shift)

    def given(self, expected: Distribution, draws: Draws | None, inexact: str = "") -> Given:
        fans = self.counted.whole if len(self.shape) > 1 else self.array.parameter.fans
        return Given(expected, fans, draws, inexact)


def initialise(call: Call, scheme: Scheme) -> Given:
    """Return what the initialiser gives that a JAX user would write for this scheme."""
    match scheme:
        case ConstantScheme(value=value):
            return constant(call, value)
        case RandomNormal(mean=mean, stddev=deviation):
            drawn = call.drawn(Normal.free(call.dtype), one(deviation, call.dtype), mean)
            return call.given(gaussian(mean, deviation), drawn)
        case RandomUniform():
            return uniform(call, scheme)
        case TruncatedNormal(mean=mean, stddev=deviation, lower=lower, upper=upper):
            if scheme.preserve_std:
                raise no_such_scheme(call.framework, call.array, scheme, "truncated_normal")
            drawn = call.drawn(Normal.between(lower, upper, call.dtype), one(deviation, call.dtype), mean)
            return call.given(gaussian(mean, deviation, lower, upper), drawn)
        case VarianceScaling():
            return scaled(call, scheme)
        case OrthogonalScheme():
            return orthogonal(call, scheme)
        case DeltaOrthogonal():
            return delta_orthogonal(call, scheme)
    return without_chance(call, scheme)


def gaussian(mean: float, deviation: float, lower: float = -math.inf, upper: float = math.inf) -> Distribution:
    if not deviation:
        return distributions.Constant(mean)
    return distributions.Normal(mean, deviation, lower, upper)


def constant(call: Call, value: float) -> Given:
    """Return jnp.full's: float16 is rounded once; 0 is 0 in every canonical shape too."""
    expected = distributions.Constant(value)
    filled = float(one(value, call.dtype)) if call.dtype in BITS else value
    elements = prod(call.shape)
    return call.given(expected, Addressed(distributions.Constant(filled), NO_STREAM, elements) if value else None)


def uniform(call: Call, scheme: RandomUniform) -> Given:
    """Return initializers.uniform(scale) from 0 on, else jax.random.uniform between the bounds."""
    low, high = scheme.minval, scheme.maxval
    expected = distributions.Uniform(low, high)
    if low == 0.0:
        return call.given(expected, call.drawn(Uniform(f32(0.0), f32(1.0)), one(high, call.dtype)))
    if high - low > DTYPES[call.dtype].largest:
        raise UnsupportedCombination(f"JAX's maxval - minval overflows {call.dtype} here", call.array.pointer)
    return call.given(expected, call.drawn(Uniform.between(low, high, call.dtype), f32(1.0)))


def scaled(call: Call, scheme: VarianceScaling) -> Given:
    if scheme.distribution == "uncorrected_normal":
        raise no_such_scheme(call.framework, call.array, scheme, "jax:variance_scaling")
    fan_in, fan_out = call.counted
    denominator = {
        "fan_in": fan_in,
        "fan_out": fan_out,
        "fan_avg": (fan_in + fan_out) / 2,
        "fan_geo_avg": (fan_in * fan_out) ** 0.5,
    }[scheme.mode]
    variance = scheme.scale / denominator
    of_dtype = one(variance, call.dtype)
    law: Normal | Uniform
    if scheme.distribution == "uniform":
        limit = math.sqrt(3.0 * variance)
        law, square = Uniform.between(-1.0, 1.0, call.dtype), traced(float(f32(3.0) * of_dtype), call.dtype)
        return call.given(distributions.Uniform(-limit, limit), call.drawn(law, root(square, call.dtype)))
    deviation = root(of_dtype, call.dtype)
    if scheme.distribution == "untruncated_normal":
        return call.given(gaussian(0.0, math.sqrt(variance)), call.drawn(Normal.free(call.dtype), deviation))
    widened = traced(float(deviation / one(DEVIATION_LEFT, call.dtype)), call.dtype)
    law = Normal.between(-CUT, CUT, call.dtype)
    return call.given(gaussian(0.0, math.sqrt(variance) / DEVIATION_LEFT, -CUT, CUT), call.drawn(law, widened))


def root(value: np.float32, dtype: DtypeName) -> np.float32:
    return traced(float(np.sqrt(value)), dtype)


def orthogonal(call: Call, scheme: OrthogonalScheme) -> Given:
    """Return the Q of a tall Gaussian matrix; all axes but the last are rows."""
    if len(call.shape) < 2:
        raise InvalidSpec(f"{scheme.name} needs two axes or more, not the shape {list(call.shape)}", call.array.pointer)
    if scheme.framework == "torch" and len(call.shape) > 2:
        raise no_such_scheme(call.framework, call.array, scheme, "orthogonal")
    draws = matrix(call, prod(call.shape[:-1]), call.shape[-1], scheme.gain)
    return call.given(matrices.Orthogonal(Stack.one(draws.rows, draws.columns), scheme.gain), draws, LAPACK)


def matrix(call: Call, rows: int, columns: int, gain: float) -> OrthogonalDraws:
    if call.dtype in BITS:
        raise UnsupportedCombination(
            f"JAX has no orthogonal in {call.dtype}: LAPACK has no such decomposition",
            call.array.pointer,
            {"dtype": "float32"},
        )
    normal = Drawn(call.key, Normal.free(call.dtype), call.dtype, rows * columns)
    return OrthogonalDraws(normal, rows, columns, float(one(gain, call.dtype)), np.float32)


def delta_orthogonal(call: Call, scheme: DeltaOrthogonal) -> Given:
    """Return an orthogonal matrix at the centre of a kernel."""
    *field, inputs, outputs = call.shape if len(call.shape) > 1 else (1, 1)
    if not 3 <= len(call.shape) <= 5 or outputs < inputs:
        raise InvalidSpec(
            f"{scheme.name} needs three to five axes and no fewer outputs than inputs, not the shape "
            f"{list(call.shape)}",
            call.array.pointer,
        )
    draws = Centred(matrix(call, inputs, outputs, scheme.gain), tuple(field), inputs, outputs)
    deviation = abs(scheme.gain) * math.sqrt(inputs / draws.elements)
    moments = (0.0, deviation, -abs(scheme.gain), abs(scheme.gain))
    expected = matrices.Computed(moments, ("delta",), draws.operations, lambda _: np.empty(0), by_chance=True)
    return call.given(expected, draws, LAPACK)


@dataclass(frozen=True, slots=True)
class Centred(Wrapped):
    """A kernel that is a matrix at the centre of its field and 0 elsewhere."""

    field: Shape
    inputs: int
    outputs: int

    @property
    def elements(self) -> int:
        return prod(self.field) * self.inputs * self.outputs

    @property
    def operations(self) -> int:
        return self.of.operations + self.elements

    @property
    def standing(self) -> int:
        return self.of.standing + 4 * self.elements

    def open(self) -> Fill:
        values: Values = np.zeros((*self.field, self.inputs, self.outputs), np.float32)
        centre: Values = np.empty(self.inputs * self.outputs, np.float32)
        fill_in_parts(self.of.open(), centre)
        values[tuple((size - 1) // 2 for size in self.field)] = centre.reshape(self.inputs, self.outputs)
        return partial(take, values.ravel())


def without_chance(call: Call, scheme: Scheme) -> Given:
    """Return a scheme that needs no key: it gives what it gives everywhere; others JAX does not have."""
    try:
        expected = scheme.realise(call.array.parameter.site("flax"))
    except InitserveError as error:
        raise error.at(call.array.pointer) from None
    if not expected.deterministic:
        near = "truncated_normal" if isinstance(scheme, BoundedNormal) else "random_normal"
        raise no_such_scheme(call.framework, call.array, scheme, near)
    return call.given(expected, None)
