"""Normalisations and learned slopes: small parameters that begin as if they were not there."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import NotNegative, Number, Size
from service.networks.fans import Fans
from service.networks.layers.layer import BiasedLayerSpec, LayerSpec
from service.networks.layouts import Placement, Placements, Reshape, Take, named, together
from service.networks.parameters import Parameter
from service.stream.views import Shape

FEATURES = Field(min_length=1, max_length=1, description="[features]", examples=[[64]])
AXES = Field(
    min_length=1,
    max_length=8,
    description="[features], or the sizes of all axes that are normalised together, as torch's normalized_shape.",
    examples=[[64]],
)


EPSILON: Any = Field(1e-5, description="Added to the variance; PyTorch has 1e-5, Keras 1e-3, Flax 1e-6.")
OF_NORMS = frozenset({"inputs", "epsilon"})


def fans_of(shape: list[int]) -> Fans:
    """Return each element's own: it sees one input, and one output sees it; as many as there are, by convention."""
    return Fans(prod(shape), prod(shape))


class ScaleAndShift(BiasedLayerSpec):
    """A learned scale and shift for each feature; `bias` is the shift."""

    shape: list[Size]
    epsilon: NotNegative = EPSILON
    structure = OF_NORMS

    def parameters(self) -> tuple[Parameter, ...]:
        shape, fans = tuple(self.shape), fans_of(self.shape)
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
    """Keras `LayerNormalization`, PyTorch and Flax `LayerNorm`, over one axis or several."""

    type: Literal["layer_norm"]
    shape: Annotated[list[Size], AXES]


class GroupNorm(ScaleAndShift):
    """Keras `GroupNormalization`, PyTorch and Flax `GroupNorm`."""

    type: Literal["group_norm"]
    shape: Annotated[list[Size], FEATURES]
    num_groups: Size | None = Field(
        None, description="Groups of features, each normalised by itself. Left out: 32 where they divide, else one."
    )
    structure = OF_NORMS | {"num_groups"}

    @model_validator(mode="after")
    def _groups_divide_features(self) -> Self:
        if self.num_groups is not None and self.shape[0] % self.num_groups:
            raise PydanticCustomError(
                "groups", "num_groups must divide the features, {features}", {"features": self.shape[0]}
            )
        return self


class InstanceNorm(GroupNorm):
    """PyTorch `InstanceNorm1d/2d/3d` with `affine`, Flax `InstanceNorm`, Keras `GroupNormalization` with groups=-1."""

    type: Literal["instance_norm"]  # type: ignore[assignment]


class RmsNorm(LayerSpec):
    """Keras `RMSNormalization`, PyTorch and Flax `RMSNorm`, over one axis or several: a scale, no shift."""

    type: Literal["rms_norm"]
    shape: Annotated[list[Size], AXES]
    epsilon: NotNegative = EPSILON
    offset: Number = Field(0.0, description="Added to the scale: 1 in Gemma, whose weights start at 0.")
    structure = OF_NORMS | {"offset"}

    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("scale", tuple(self.shape), fans_of(self.shape), "scale", "scheme"),)

    def placements(self) -> Placements:
        return named("scale", "scale", "weight", "scale")


class PRelu(LayerSpec):
    """The slope below 0, one for each feature or place: Keras and PyTorch `PReLU`; Flax's has a single one."""

    type: Literal["prelu"]
    shape: Annotated[
        list[Size],
        Field(
            min_length=1,
            max_length=8,
            description="[features]; [1] for one slope; or all axes of an input, as Keras has a slope for each place.",
            examples=[[64]],
        ),
    ]
    shared_axes: Annotated[list[Annotated[int, Field(ge=1, le=8)]], Field(max_length=8)] | None = Field(
        None, description="Axes along which places share a slope, from 1 on, as in Keras."
    )

    @model_validator(mode="after")
    def _shares_what_it_has(self) -> Self:
        if any(axis > len(self.shape) for axis in self.shared_axes or ()):
            raise PydanticCustomError(
                "shared_axes", "shared_axes go from 1 to {count}, the shape's axes", {"count": len(self.shape)}
            )
        return self

    @property
    def implied(self) -> Mapping[str, object]:
        return {"shared_axes": []}

    @property
    def slopes(self) -> Shape:
        """The shape of the slopes, 1 along the axes that share them."""
        shared = self.shared_axes or ()
        return tuple(1 if axis in shared else size for axis, size in enumerate(self.shape, 1))

    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter("alpha", self.slopes, fans_of(list(self.slopes)), "slope", "scheme"),)

    def placements(self) -> Placements:
        *places, features = self.slopes
        placed = named("alpha", "alpha", "weight", "negative_slope")
        if prod(places) == 1:  # torch has a slope for each channel, or one
            placed["pytorch"] = (Placement("weight", Reshape(Take("alpha"), lambda _: (features,))),)
        if prod(self.slopes) == 1:  # Flax has one, without an axis
            placed["flax"] = (Placement("negative_slope", Reshape(Take("alpha"), lambda _: ())),)
        return placed
