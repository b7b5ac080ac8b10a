"""jax.nn.initializers: what a scheme comes to as a call of one, evaluated eagerly, operation by operation.

Numbers are rounded to the array's dtype where JAX rounds them; fans are counted off the shape, in doubles.
"""

import math
from dataclasses import replace
from functools import partial
from math import prod

import numpy as np

from service.errors import InitserveError, UnsupportedCombination
from service.networks.fans import Fans
from service.networks.schemes import Scheme
from service.networks.schemes.frameworks import JaxVarianceScaling
from service.networks.schemes.given import GivenArray
from service.networks.schemes.linear import DeltaOrthogonal, OrthogonalScheme
from service.networks.schemes.plain import BoundedNormal, ConstantScheme, RandomNormal, RandomUniform, TruncatedNormal
from service.networks.schemes.scaling import VarianceScaling
from service.networks.site import Site
from service.replay.framework import NO_STREAM, ArrayDraws, given_array, no_such_scheme
from service.replay.jax.call import Call, gaussian
from service.replay.jax.matrices import delta_orthogonal, orthogonal
from service.replay.jax.random import Normal, Uniform, one, traced
from service.replay.rounding import BITS, by_numpy, f32
from service.replay.truncation import CUT, DEVIATION_LEFT
from service.stream import distributions
from service.stream.draws import Addressed
from service.stream.dtypes import DTYPES, DtypeName


def initialise(call: Call, scheme: Scheme) -> ArrayDraws:
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
        case GivenArray():
            draws = given_array(scheme, call.array, "flax", partial(by_numpy, dtype=call.dtype))
            return replace(without_chance(call, scheme), draws=draws)
    return without_chance(call, scheme)


def constant(call: Call, value: float) -> ArrayDraws:
    """Return jnp.full's: float16 is rounded once; 0 is 0 in every canonical shape too."""
    expected = distributions.Constant(value)
    filled = float(one(value, call.dtype)) if call.dtype in BITS else value
    elements = prod(call.shape)
    return call.given(expected, Addressed(distributions.Constant(filled), NO_STREAM, elements) if value else None)


def uniform(call: Call, scheme: RandomUniform) -> ArrayDraws:
    """Return initializers.uniform(scale) from 0 on, else jax.random.uniform between the bounds."""
    low, high = scheme.minval, scheme.maxval
    expected = distributions.Uniform(low, high)
    if low == 0.0:
        return call.given(expected, call.drawn(Uniform(f32(0.0), f32(1.0)), one(high, call.dtype)))
    if high - low > DTYPES[call.dtype].largest:
        raise UnsupportedCombination(f"JAX's maxval - minval overflows {call.dtype} here", call.array.pointer)
    return call.given(expected, call.drawn(Uniform.between(low, high, call.dtype), f32(1.0)))


def scaled(call: Call, scheme: VarianceScaling) -> ArrayDraws:
    if scheme.distribution == "uncorrected_normal":
        raise no_such_scheme(call.framework, call.array, scheme, "jax:variance_scaling")
    if scheme.by_axes:
        call = replace(call, fans=fans_of(call, scheme))
    fan_in, fan_out = call.counted.fan_in, call.counted.fan_out
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


def fans_of(call: Call, scheme: VarianceScaling) -> Fans:
    """Return what the axes that the scheme names come to on the array, as JAX divides and multiplies."""
    if not isinstance(scheme, JaxVarianceScaling):
        raise no_such_scheme(call.framework, call.array, scheme, "jax:variance_scaling")
    try:
        return scheme.fans(Site(call.shape, None))
    except InitserveError as error:
        raise error.at(call.array.pointer) from None


def root(value: np.float32, dtype: DtypeName) -> np.float32:
    return traced(float(np.sqrt(value)), dtype)


def without_chance(call: Call, scheme: Scheme) -> ArrayDraws:
    """Return a scheme that needs no key: it gives what it gives everywhere; others JAX does not have."""
    try:
        expected = scheme.realise(call.array.parameter.site("flax"))
    except InitserveError as error:
        raise error.at(call.array.pointer) from None
    if not expected.deterministic:
        near = "truncated_normal" if isinstance(scheme, BoundedNormal) else "random_normal"
        raise no_such_scheme(call.framework, call.array, scheme, near)
    return call.given(expected, None)
