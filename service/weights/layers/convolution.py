"""Convolutions over one, two or three axes, in groups too."""

from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.weights.description import Size
from service.weights.fans import Fans
from service.weights.layers.layer import BiasedLayerSpec
from service.weights.layouts import kernel
from service.weights.parameters import Parameter


class Convolution(BiasedLayerSpec):
    """A field of inputs feeds each output; with groups, only those of its own group of channels."""

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

    def parameters(self) -> tuple[Parameter, ...]:
        *field, inputs, outputs = self.shape
        seen, reach = inputs // self.groups, outputs // self.groups
        fans = Fans(seen * prod(field), reach * prod(field))
        shape = (*field, seen, outputs)
        return self.with_bias(Parameter("kernel", shape, fans, "weights", kernel(len(field)), "scheme"), outputs)


class Conv1D(Convolution):
    """Convolution over one axis: Keras `Conv1D`, PyTorch `Conv1d`, Flax `Conv`."""

    type: Literal["conv1d"]
    shape: Annotated[list[Size], Field(min_length=3, max_length=3, description="[k, in, out]", examples=[[3, 16, 32]])]


class Conv2D(Convolution):
    """Convolution over two axes: Keras `Conv2D`, PyTorch `Conv2d`, Flax `Conv`."""

    type: Literal["conv2d"]
    shape: Annotated[
        list[Size], Field(min_length=4, max_length=4, description="[kh, kw, in, out]", examples=[[5, 5, 1, 6]])
    ]


class Conv3D(Convolution):
    """Convolution over three axes: Keras `Conv3D`, PyTorch `Conv3d`, Flax `Conv`."""

    type: Literal["conv3d"]
    shape: Annotated[
        list[Size], Field(min_length=5, max_length=5, description="[kd, kh, kw, in, out]", examples=[[3, 3, 3, 1, 8]])
    ]
