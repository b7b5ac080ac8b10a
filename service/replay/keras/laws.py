"""Keras's initialisers as laws: what a scheme comes to on an array, in Keras's own arithmetic of doubles."""

import math
from dataclasses import dataclass, replace
from typing import TypeAlias

from service.errors import InitserveError, InvalidSpec, UnsupportedCombination
from service.networks.fans import Fans
from service.networks.schemes import Scheme
from service.networks.schemes.biases import UnitForgetBias
from service.networks.schemes.frameworks import JaxOrthogonal, KerasVarianceScaling
from service.networks.schemes.given import GivenArray
from service.networks.schemes.linear import IdentityScheme, OrthogonalScheme
from service.networks.schemes.plain import ConstantScheme, RandomNormal, RandomUniform, TruncatedNormal
from service.networks.schemes.scaling import VarianceScaling
from service.networks.schemes.tables import Stft
from service.networks.site import Site
from service.replay.framework import Array, described, no_such_scheme
from service.replay.truncation import CUT, DEVIATION_LEFT
from service.stream import distributions, matrices
from service.stream.distributions import Distribution
from service.stream.stacks import Stack


@dataclass(frozen=True, slots=True)
class Normal:
    mean: float
    deviation: float

    def expected(self, array: Array) -> Distribution:
        if not self.deviation:
            return distributions.Constant(self.mean)
        return distributions.Normal(self.mean, self.deviation)


@dataclass(frozen=True, slots=True)
class Truncated:
    """Normal, cut at two standard deviations; `deviation` is the one before the cut."""

    mean: float
    deviation: float

    def expected(self, array: Array, farthest: float = CUT) -> Distribution:
        """Return the cut normal; a few values in a million may lie up to `farthest` deviations from the mean."""
        if not self.deviation:
            return distributions.Constant(self.mean)
        reach = farthest * self.deviation
        bounds = None if farthest == CUT else (self.mean - reach, self.mean + reach)
        return distributions.Normal(self.mean, self.deviation, -CUT, CUT, bounds)


@dataclass(frozen=True, slots=True)
class Uniform:
    low: float
    high: float

    def expected(self, array: Array) -> Distribution:
        return distributions.Uniform(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Orthogonal:
    rows: int
    columns: int
    gain: float

    def expected(self, array: Array) -> Distribution:
        return matrices.Orthogonal(Stack.one(self.rows, self.columns), self.gain)


@dataclass(frozen=True, slots=True)
class Fixed:
    """No chance in it: what the scheme itself is."""

    scheme: Scheme

    def expected(self, array: Array) -> Distribution:
        try:
            site = array.parameter.site("keras")  # Keras knows an array's shape alone
            return self.scheme.realise(replace(site, known=None))
        except InitserveError as error:
            raise error.at(array.pointer) from None


Random: TypeAlias = Normal | Truncated | Uniform | Orthogonal
Law: TypeAlias = Random | Fixed


def law_of(scheme: Scheme, array: Array, fans: Fans) -> Law:
    """Return what the scheme is in Keras; raises UnsupportedCombination for what Keras has no initialiser for."""
    match scheme:
        case RandomNormal(mean=mean, stddev=deviation):
            return Normal(mean, deviation)
        case RandomUniform(minval=low, maxval=high):
            return Uniform(low, high)
        case TruncatedNormal(mean=mean, stddev=deviation):
            if (scheme.lower, scheme.upper) != (-CUT, CUT) or scheme.preserve_std:
                raise no_such_scheme("Keras", array, scheme, "keras:truncated_normal")
            return Truncated(mean, deviation)
        case VarianceScaling():
            return scaled(scheme, array, fans)
        case OrthogonalScheme():
            return orthogonal(scheme, array)
        case ConstantScheme() | IdentityScheme() | Stft() | GivenArray():
            return Fixed(scheme)
        case UnitForgetBias(value=1.0):
            return Fixed(scheme)
    raise no_such_scheme("Keras", array, scheme)


def scaled(scheme: VarianceScaling, array: Array, fans: Fans) -> Law:
    """Return VarianceScaling's law, in its order of operations."""
    if scheme.mode == "fan_geo_avg" or scheme.distribution == "uncorrected_normal":
        raise no_such_scheme("Keras", array, scheme, "glorot_uniform")
    if scheme.by_axes:
        fans = fans_of(scheme, array)
    counts = {"fan_in": fans.fan_in, "fan_out": fans.fan_out, "fan_avg": (fans.fan_in + fans.fan_out) / 2.0}
    variance = scheme.scale / max(1.0, counts[scheme.mode])
    if scheme.distribution == "truncated_normal":
        return Truncated(0.0, math.sqrt(variance) / DEVIATION_LEFT)
    if scheme.distribution == "untruncated_normal":
        return Normal(0.0, math.sqrt(variance))
    limit = math.sqrt(3.0 * variance)
    return Uniform(-limit, limit)


def fans_of(scheme: VarianceScaling, array: Array) -> Fans:
    """Return what the axes that the scheme names come to on the array."""
    if not isinstance(scheme, KerasVarianceScaling):
        raise no_such_scheme("Keras", array, scheme, "keras:variance_scaling")
    try:
        return scheme.fans(Site(array.shape, None))
    except InitserveError as error:
        raise error.at(array.pointer) from None


def orthogonal(scheme: OrthogonalScheme, array: Array) -> Orthogonal:
    """Return Orthogonal's law: all axes but the last are rows, and gates are not told apart."""
    if len(array.shape) < 2:
        raise InvalidSpec(f"{scheme.name} needs two axes or more, not {described(array)}", array.pointer)
    own = math.prod(array.shape[:-1]), array.shape[-1]
    stack = array.parameter.site("keras").stack
    agrees = stack.as_it_stands and (stack.rows, stack.columns) == own
    of_last = scheme.framework != "torch"
    if isinstance(scheme, JaxOrthogonal):
        of_last = scheme.column_axis in (-1, len(array.shape) - 1)
    if not (agrees if scheme.framework is None else of_last or len(array.shape) == 2):
        raise UnsupportedCombination(
            "Keras's Orthogonal takes all axes but the last as rows and no gates, heads or experts apart; "
            "keras:orthogonal is that one",
            array.pointer,
            {array.pointer.rpartition("/")[2]: "keras:orthogonal"},
        )
    return Orthogonal(*own, scheme.gain)


def same_law(one: Scheme, other: Scheme) -> bool:
    """Whether two schemes are one but for the name that they were asked for by."""
    return type(one) is type(other) and one.model_copy(update={"name": other.name}) == other
