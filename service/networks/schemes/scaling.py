"""Schemes whose scale follows from a layer's fans, its depth or its width."""

import math
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, Field

from service.networks.description import NotNegative, Positive, Size
from service.networks.fans import MODES, Fans
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.stream.distributions import Constant, Distribution, Normal, Uniform
from service.stream.gaussian import slice_between


class VarianceScaling(Scheme):
    """Zero mean and variance scale / fan, for three distributions.

    `truncated_normal` is cut at ±2 standard deviations and widened by 1/0.8796, so that the variance is met exactly.
    """

    family = "variance_scaling"
    formula = (
        "variance scale / fan: N cut at ±2σ with σ = √(scale / fan) / 0.8796 (uncorrected: without / 0.8796); N; or "
        "U[−a, a] with a = √(3 scale / fan)"
    )
    references: ClassVar[tuple[str, ...]] = ("Glorot and Bengio 2010", "He et al. 2015", "LeCun et al. 1998")
    scale: Positive = Field(1.0, description="Variance times fan: the square of a gain.")
    mode: Literal["fan_in", "fan_out", "fan_avg", "fan_geo_avg"] = Field(
        "fan_in", description="Which fan the variance is divided by; fan_geo_avg is √(fan_in fan_out)."
    )
    distribution: Annotated[
        Literal["truncated_normal", "untruncated_normal", "uncorrected_normal", "uniform"],
        BeforeValidator(lambda value: "truncated_normal" if value == "normal" else value),
    ] = Field(
        "truncated_normal",
        description="Shape of the distribution; `normal` means truncated_normal, as in Keras. uncorrected_normal is "
        "cut without being widened, as in TensorFlow.js.",
    )

    @property
    def by_axes(self) -> bool:
        """Whether fans are counted by axes that the scheme itself names."""
        return False

    def fans(self, site: Site) -> Fans:
        return site.fans

    def realise(self, site: Site) -> Distribution:
        variance = self.scale / max(1.0, MODES[self.mode](self.fans(site)))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return Uniform(-limit, limit)
        if self.distribution == "untruncated_normal":
            return Normal(0.0, math.sqrt(variance))
        if self.distribution == "uncorrected_normal":
            return Normal(0.0, math.sqrt(variance), -2.0, 2.0)
        return Normal(0.0, math.sqrt(variance) / slice_between(-2.0, 2.0).deviation, -2.0, 2.0)


class Siren(Scheme):
    """Uniform weights for sine layers, so that their inputs keep their distribution through depth."""

    family = "siren"
    formula = "U[−a, a], a = √(6 / fan_in) / omega; first layer: a = 1 / fan_in"
    references = ("Sitzmann et al. 2020",)
    omega: Positive = Field(30.0, description="Frequency that the layer's outputs are multiplied by.")
    first: bool = Field(False, description="Whether the layer is the network's first.")

    def realise(self, site: Site) -> Distribution:
        limit = 1.0 / site.fans.fan_in if self.first else math.sqrt(6.0 / site.fans.fan_in) / self.omega
        return Uniform(-limit, limit)


class ResidualNormal(Scheme):
    """Normal, narrowed for layers that write to a residual stream, so that its variance does not grow with depth."""

    family = "residual_normal"
    formula = "N(0, σ²), σ = stddev / √(2 layers)"
    references = ("Radford et al. 2019 (GPT-2)", "Shoeybi et al. 2019 (Megatron-LM)")
    stddev: NotNegative = Field(0.02, description="Standard deviation before the narrowing.")
    layers: Size = Field(1, description="Blocks in the stack, two writes each; or the block's own number, from 1.")

    def realise(self, site: Site) -> Distribution:
        deviation = self.stddev / math.sqrt(2.0 * self.layers)
        return Normal(0.0, deviation) if deviation else Constant(0.0)


class MupNormal(Scheme):
    """Normal whose deviation follows the width, so that hyperparameters found on a narrow model hold on a wide one."""

    family = "mup_normal"
    formula = "N(0, σ²), σ = stddev √(base / fan_in); for the output layer σ = stddev base / fan_in"
    references = ("Yang et al. 2022 (Tensor Programs V)",)
    stddev: NotNegative = Field(0.02, description="Standard deviation at the base width.")
    base: Size = Field(256, description="fan_in of this layer in the narrow model.")
    output: bool = Field(False, description="Whether the layer is the output layer.")

    def realise(self, site: Site) -> Distribution:
        share = self.base / site.fans.fan_in
        deviation = self.stddev * (share if self.output else math.sqrt(share))
        return Normal(0.0, deviation) if deviation else Constant(0.0)
