"""Normalisations and learned slopes: small parameters that begin as if they were not there."""

from typing import Annotated, Literal

from pydantic import Field

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import BiasedLayerSpec, LayerSpec
from service.networks.layouts import Placements, named, together
from service.networks.parameters import Parameter

FEATURES = Field(min_length=1, max_length=1, description="[features]", examples=[[64]])


class ScaleAndShift(BiasedLayerSpec):
    """A learned scale and shift for each feature; `bias` is the shift."""

    shape: list[Size]

    def parameters(self) -> tuple[Parameter, ...]:
        shape, fans = tuple(self.shape), Fans(self.shape[0], self.shape[0])
        gamma = Parameter("gamma", shape, fans, "scale", "scheme")
        return (gamma, Parameter("beta", shape, fans, "shift", "bias")) if self.has_bias else (gamma,)

    def placements(self) -> Placements:
        gamma = named("gamma", "gamma", "weight", "scale")
        return together(gamma, named("beta", "beta", "bias", "bias")) if self.has_bias else gamma


class BatchNorm(ScaleAndShift):
    """Keras `BatchNormalization`, PyTorch `BatchNorm1d/2d/3d`, Flax `BatchNorm` (mean and var in `batch_stats`)."""

    type: Literal["batch_norm"]
    shape: Annotated[list[Size], FEATURES]

    def parameters(self) -> tuple[Parameter, ...]:
        shape, fans = tuple(self.shape), Fans(self.shape[0], self.shape[0])
        mean = Parameter("moving_mean", shape, fans, "shift", None)
        return (*super().parameters(), mean, Parameter("moving_variance", shape, fans, "scale", None))

    def placements(self) -> Placements:
        mean = named("moving_mean", "moving_mean", "running_mean", "mean")
        return together(super().placements(), mean, named("moving_variance", "moving_variance", "running_var", "var"))


class LayerNorm(ScaleAndShift):
    """Keras `LayerNormalization`, PyTorch and Flax `LayerNorm`."""

    type: Literal["layer_norm"]
    shape: Annotated[list[Size], FEATURES]


class GroupNorm(ScaleAndShift):
    """Keras `GroupNormalization`, PyTorch and Flax `GroupNorm`."""

    type: Literal["group_norm"]
    shape: Annotated[list[Size], FEATURES]


class RmsNorm(LayerSpec):
    """Keras `RMSNormalization`, PyTorch and Flax `RMSNorm`: a scale, no shift."""

    type: Literal["rms_norm"]
    shape: Annotated[list[Size], FEATURES]

    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("scale", tuple(self.shape), Fans(self.shape[0], self.shape[0]), "scale", "scheme"),)

    def placements(self) -> Placements:
        return named("scale", "scale", "weight", "scale")


class PRelu(LayerSpec):
    """The slope below 0, one for each feature: Keras and PyTorch `PReLU`; Flax's has a single one."""

    type: Literal["prelu"]
    shape: Annotated[list[Size], FEATURES]

    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("alpha", tuple(self.shape), Fans(self.shape[0], self.shape[0]), "slope", "scheme"),)

    def placements(self) -> Placements:
        return named("alpha", "alpha", "weight", "negative_slope")
