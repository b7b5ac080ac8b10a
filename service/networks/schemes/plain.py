"""Schemes whose numbers a spec states: constants, uniform, normal, truncated normal."""

import math
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import NotNegative, Number
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.stream.distributions import FARTHEST, Constant, Distribution, Normal, Uniform
from service.stream.gaussian import slice_between


def in_order(low: float, high: float, names: str) -> None:
    if low >= high:
        hint = "; constant gives one value everywhere" if low == high else ""
        raise PydanticCustomError(
            "bounds",
            "{names} must be in order, not {low} and {high}{hint}",
            {"names": names, "low": low, "high": high, "hint": hint},
        )


def within_reach(lower: float, upper: float) -> None:
    if lower > FARTHEST or upper < -FARTHEST:
        raise PydanticCustomError(
            "bounds", "one of the bounds must be within {far} standard deviations of the mean", {"far": FARTHEST}
        )


class ConstantScheme(Scheme):
    """The same value everywhere."""

    family = "constant"
    formula = "value"
    value: Number = Field(0.0, description="The value of every element.")

    def realise(self, site: Site) -> Distribution:
        return Constant(self.value)


class RandomNormal(Scheme):
    """Normal with a given mean and standard deviation."""

    family = "random_normal"
    formula = "N(mean, stddev²)"
    mean: Number = Field(0.0, description="Mean.")
    stddev: NotNegative = Field(0.05, description="Standard deviation.")

    def realise(self, site: Site) -> Distribution:
        return Normal(self.mean, self.stddev) if self.stddev else Constant(self.mean)


class RandomUniform(Scheme):
    """Uniform between two bounds."""

    family = "random_uniform"
    formula = "U[minval, maxval]"
    minval: Number = Field(-0.05, description="Least value.")
    maxval: Number = Field(0.05, description="Greatest value; more than minval.")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        in_order(self.minval, self.maxval, "minval and maxval")
        return self

    def realise(self, site: Site) -> Distribution:
        return Uniform(self.minval, self.maxval)


class TruncatedNormal(Scheme):
    """Normal, cut at bounds that are counted in standard deviations.

    What is left is less spread than `stddev` says: with Keras's bounds of ±2 the values' own standard deviation is
    0.8796 stddev, as in Keras and JAX, unless `preserve_std` widens the normal so that it is stddev after the cut.
    """

    family = "truncated_normal"
    formula = "N(mean, stddev²) between mean + lower stddev and mean + upper stddev"
    mean: Number = Field(0.0, description="Mean, before the cut.")
    stddev: NotNegative = Field(0.05, description="Standard deviation, before the cut.")
    lower: Number = Field(-2.0, description="Lower bound, in standard deviations from the mean.")
    upper: Number = Field(2.0, description="Upper bound, in standard deviations from the mean; more than lower.")
    preserve_std: bool = Field(False, description="Widen the normal so that the values' own deviation is stddev.")

    @model_validator(mode="after")
    def _bounds_hold_something(self) -> Self:
        in_order(self.lower, self.upper, "lower and upper")
        within_reach(self.lower, self.upper)
        return self

    def realise(self, site: Site) -> Distribution:
        if not self.stddev:
            return Constant(self.mean)
        left = slice_between(self.lower, self.upper).deviation if self.preserve_std else 1.0
        return Normal(self.mean, self.stddev / left, self.lower, self.upper)


class BoundedNormal(Scheme):
    """Normal, cut at absolute bounds, as torch.nn.init.trunc_normal_: bounds far out cut nothing."""

    family = "bounded_normal"
    formula = "N(mean, stddev²) between minval and maxval"
    mean: Number = Field(0.0, description="Mean, before the cut.")
    stddev: NotNegative = Field(1.0, description="Standard deviation, before the cut.")
    minval: Number = Field(-2.0, description="Least value, absolute.")
    maxval: Number = Field(2.0, description="Greatest value, absolute; more than minval.")

    @model_validator(mode="after")
    def _bounds_hold_something(self) -> Self:
        in_order(self.minval, self.maxval, "minval and maxval")
        if self.stddev:
            within_reach((self.minval - self.mean) / self.stddev, (self.maxval - self.mean) / self.stddev)
        elif not self.minval <= self.mean <= self.maxval:
            raise PydanticCustomError("bounds", "with stddev 0 the mean must lie within the bounds")
        return self

    def realise(self, site: Site) -> Distribution:
        if not self.stddev:
            return Constant(self.mean)
        lower, upper = ((bound - self.mean) / self.stddev for bound in (self.minval, self.maxval))
        if max(-lower, upper) > 1e300 or not math.isfinite(lower + upper):
            return Normal(self.mean, self.stddev)
        return Normal(self.mean, self.stddev, lower, upper, (self.minval, self.maxval))
