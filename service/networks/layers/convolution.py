"""Convolutions over one, two or three axes: in groups, transposed, depthwise, separable."""

from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Size
from service.networks.fans import Fans
from service.networks.layers.layer import BiasedLayerSpec
from service.networks.layers.window import DILATION, PADDING, STRIDES, Padding, Steps, check_axes
from service.networks.layouts import Flip, Move, Placement, Placements, Reshape, Take, kernel, together
from service.networks.parameters import Parameter
from service.networks.schemes import AnyScheme
from service.networks.site import Axes
from service.stream.views import Shape


def sizes(text: str, example: list[int]) -> object:
    count = text.count(",") + 1
    return Field(min_length=count, max_length=count, description=text, examples=[example])


class Sliding(BiasedLayerSpec):
    """A field that slides over places: in which steps, how wide, and what it sees beyond the border."""

    shape: list[Size]
    strides: Steps = STRIDES
    padding: Padding = PADDING
    dilation: Steps = DILATION
    structure = frozenset({"inputs", "strides", "padding", "dilation"})

    @model_validator(mode="after")
    def _steps_are_by_axis(self) -> Self:
        check_axes(len(self.shape) - 2, strides=self.strides, padding=self.padding, dilation=self.dilation)
        return self


class Grouped(BiasedLayerSpec):
    """Channels in groups that do not see each other."""

    shape: list[Size]
    groups: Size = Field(1, description="Groups of channels that do not see each other; divides in and out.")

    @model_validator(mode="after")
    def _groups_divide_channels(self) -> Self:
        *_, inputs, outputs = self.shape
        if inputs % self.groups or outputs % self.groups:
            raise PydanticCustomError(
                "groups",
                "groups must divide both channel counts, {inputs} and {outputs}",
                {"inputs": inputs, "outputs": outputs},
            )
        return self


class Convolution(Grouped, Sliding):
    """A field of inputs feeds each output; with groups, only those of its own group of channels."""

    def parameters(self) -> tuple[Parameter, ...]:
        *field, inputs, outputs = self.shape
        seen, reach, area = inputs // self.groups, outputs // self.groups, prod(field)
        by_shape = Fans(seen * area, outputs * area)  # what every framework reads off the kernel, groups or not
        shape = (*field, seen, outputs)
        weights = Parameter(
            "kernel",
            shape,
            Fans(seen * area, reach * area),
            "weights",
            "scheme",
            dict.fromkeys(("keras", "pytorch", "flax"), by_shape),
            axes=Axes.grouped(shape, self.groups),
            groups=self.groups,
        )
        return self.with_bias(weights, (outputs,))

    def placements(self) -> Placements:
        return self.placed_with_bias(kernel(len(self.shape) - 2))


class Conv1D(Convolution):
    """Convolution over one axis: Keras `Conv1D`, PyTorch `Conv1d`, Flax `Conv`."""

    type: Literal["conv1d"]
    shape: Annotated[list[Size], sizes("[k, in, out]", [3, 16, 32])]


class Conv2D(Convolution):
    """Convolution over two axes: Keras `Conv2D`, PyTorch `Conv2d`, Flax `Conv`."""

    type: Literal["conv2d"]
    shape: Annotated[list[Size], sizes("[kh, kw, in, out]", [5, 5, 1, 6])]


class Conv3D(Convolution):
    """Convolution over three axes: Keras `Conv3D`, PyTorch `Conv3d`, Flax `Conv`."""

    type: Literal["conv3d"]
    shape: Annotated[list[Size], sizes("[kd, kh, kw, in, out]", [3, 3, 3, 1, 8])]


class TransposedConvolution(Grouped):
    """A convolution run backwards: each input feeds a field of outputs, each output is fed by the fields over it."""

    strides: Size = Field(1, description="Step over the outputs, the same along each axis; fewer inputs meet in each.")
    padding: Padding = PADDING
    dilation: Steps = DILATION
    output_padding: Annotated[int, Field(ge=0, le=2**31)] = Field(
        0, description="Places more at the end of each axis, as PyTorch's."
    )
    structure = frozenset({"inputs", "padding", "dilation", "output_padding"})

    @model_validator(mode="after")
    def _borders_are_by_axis(self) -> Self:
        check_axes(len(self.shape) - 2, padding=self.padding, dilation=self.dilation)
        return self

    def parameters(self) -> tuple[Parameter, ...]:
        *field, inputs, outputs = self.shape
        seen, reach, area = inputs // self.groups, outputs // self.groups, prod(field)
        meeting = max(1, seen * area // self.strides ** len(field))
        backwards = Fans(reach * area, inputs * area)  # Keras and torch read the kernel the wrong way round
        shape = (*field, reach, inputs)
        weights = Parameter(
            "kernel",
            shape,
            Fans(meeting, reach * area),
            "weights",
            "scheme",
            {"keras": backwards, "pytorch": backwards, "flax": Fans(inputs * area, reach * area)},
            axes=Axes.grouped(shape, self.groups, spread=True),
            groups=self.groups,
        )
        return self.with_bias(weights, (outputs,))

    def placements(self) -> Placements:
        count = len(self.shape) - 2
        take, field = Take("kernel"), tuple(range(count))
        return self.placed_with_bias({
            "keras": (Placement("kernel", take),),
            "pytorch": (Placement("weight", Move(take, (count + 1, count, *field))),),
            "flax": (Placement("kernel", Flip(Move(take, (*field, count + 1, count)), count)),),
        })  # fmt: skip


class Conv1DTranspose(TransposedConvolution):
    """Keras `Conv1DTranspose`, PyTorch `ConvTranspose1d`, Flax `ConvTranspose`."""

    type: Literal["conv1d_transpose"]
    shape: Annotated[list[Size], sizes("[k, in, out]", [4, 16, 8])]


class Conv2DTranspose(TransposedConvolution):
    """Keras `Conv2DTranspose`, PyTorch `ConvTranspose2d`, Flax `ConvTranspose`."""

    type: Literal["conv2d_transpose"]
    shape: Annotated[list[Size], sizes("[kh, kw, in, out]", [4, 4, 16, 8])]


class Conv3DTranspose(TransposedConvolution):
    """Keras `Conv3DTranspose`, PyTorch `ConvTranspose3d`, Flax `ConvTranspose`."""

    type: Literal["conv3d_transpose"]
    shape: Annotated[list[Size], sizes("[kd, kh, kw, in, out]", [2, 2, 2, 8, 4])]


def depthwise_kernel(name: str, field: list[int], inputs: int, multiplier: int) -> Parameter:
    """Each channel sees itself alone, and feeds `multiplier` outputs a place."""
    area = prod(field)
    turned = Fans(area, inputs * multiplier * area)
    shape = (*field, inputs, multiplier)
    return Parameter(
        name,
        shape,
        Fans(area, multiplier * area),
        "weights",
        "scheme",
        {"keras": Fans(inputs * area, multiplier * area), "pytorch": turned, "flax": turned},
        axes=Axes.depthwise(shape),
        groups=inputs,
    )


def depthwise_placements(name: str, spatial: int, prefix: dict[str, str]) -> Placements:
    """(*field, in, m) in Keras; (in m, 1, *field) in PyTorch; (*field, 1, in m) in Flax."""
    take, field = Take(name), tuple(range(spatial))

    def to_rows(shape: Shape) -> Shape:
        return (shape[0] * shape[1], 1, *shape[2:])

    def to_columns(shape: Shape) -> Shape:
        return (*shape[:-2], 1, shape[-2] * shape[-1])

    return {
        "keras": (Placement(name, take),),
        "pytorch": (
            Placement(f"{prefix['pytorch']}weight", Reshape(Move(take, (spatial, spatial + 1, *field)), to_rows)),
        ),
        "flax": (Placement(f"{prefix['flax']}kernel", Reshape(take, to_columns)),),
    }


class DepthwiseConvolution(Sliding):
    """Every channel has fields of its own: `multiplier` outputs a channel."""

    shape: list[Size]

    def parameters(self) -> tuple[Parameter, ...]:
        *field, inputs, multiplier = self.shape
        return self.with_bias(depthwise_kernel("kernel", field, inputs, multiplier), (inputs * multiplier,))

    def placements(self) -> Placements:
        return self.placed_with_bias(depthwise_placements("kernel", len(self.shape) - 2, {"pytorch": "", "flax": ""}))


class DepthwiseConv1D(DepthwiseConvolution):
    """Keras `DepthwiseConv1D`; a convolution with groups = in in PyTorch and Flax."""

    type: Literal["depthwise_conv1d"]
    shape: Annotated[list[Size], sizes("[k, in, multiplier]", [3, 16, 1])]


class DepthwiseConv2D(DepthwiseConvolution):
    """Keras `DepthwiseConv2D`; a convolution with groups = in in PyTorch and Flax."""

    type: Literal["depthwise_conv2d"]
    shape: Annotated[list[Size], sizes("[kh, kw, in, multiplier]", [3, 3, 16, 1])]


class SeparableConvolution(Sliding):
    """A depthwise convolution, then one over channels alone: two layers in PyTorch and Flax."""

    shape: list[Size]
    depth_multiplier: Size = Field(1, description="Outputs of the depthwise part for each channel.")
    pointwise_scheme: AnyScheme | None = Field(None, description="How the pointwise kernel starts, as `scheme`.")

    def parameters(self) -> tuple[Parameter, ...]:
        *field, inputs, outputs = self.shape
        middle = inputs * self.depth_multiplier
        pointwise = Parameter(
            "pointwise_kernel",
            (*(1 for _ in field), middle, outputs),
            Fans(middle, outputs),
            "weights",
            "pointwise_scheme",
        )
        depthwise = depthwise_kernel("depthwise_kernel", field, inputs, self.depth_multiplier)
        return (depthwise, *self.with_bias(pointwise, (outputs,)))

    def placements(self) -> Placements:
        spatial = len(self.shape) - 2
        depthwise = depthwise_placements("depthwise_kernel", spatial, {"pytorch": "depthwise.", "flax": "depthwise/"})
        take, bias = Take("pointwise_kernel"), Take("bias")
        pointwise: Placements = {
            "keras": (Placement("pointwise_kernel", take),),
            "pytorch": (Placement("pointwise.weight", Move(take, (spatial + 1, spatial, *range(spatial)))),),
            "flax": (Placement("pointwise/kernel", take),),
        }
        biases: Placements = {
            "keras": (Placement("bias", bias),),
            "pytorch": (Placement("pointwise.bias", bias),),
            "flax": (Placement("pointwise/bias", bias),),
        }
        return together(depthwise, pointwise, *([biases] if self.has_bias else []))


class SeparableConv1D(SeparableConvolution):
    """Keras `SeparableConv1D`."""

    type: Literal["separable_conv1d"]
    shape: Annotated[list[Size], sizes("[k, in, out]", [3, 16, 32])]


class SeparableConv2D(SeparableConvolution):
    """Keras `SeparableConv2D`."""

    type: Literal["separable_conv2d"]
    shape: Annotated[list[Size], sizes("[kh, kw, in, out]", [3, 3, 16, 32])]
