"""The dense layer of an einsum equation."""

from math import prod
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from service.networks.description import Size
from service.networks.fans import Fans, by_keras_rule
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placement, Placements, Take, everywhere, together
from service.networks.parameters import Parameter
from service.networks.schemes import AnyScheme
from service.networks.site import Axes

EQUATION = r"^(\.\.\.)?[A-Za-z]+,[A-Za-z]+->(\.\.\.)?[A-Za-z]*$"


def places(kernel: str, letters: set[str]) -> tuple[int, ...]:
    """Return which axes of a kernel have one of these letters."""
    return tuple(place for place, letter in enumerate(kernel) if letter in letters)


class EinsumDense(LayerSpec):
    """Keras `EinsumDense`, Flax `Einsum`: axes in inputs and outputs alike are batches, not connections."""

    type: Literal["einsum_dense"]
    equation: Annotated[str, Field(pattern=EQUATION, max_length=64)] = Field(
        description="inputs,kernel->outputs", examples=["abc,cde->abde"]
    )
    shape: Annotated[
        list[Size], Field(min_length=1, max_length=16, description="The kernel's shape.", examples=[[16, 4, 8]])
    ]
    bias_axes: Annotated[str, Field(pattern="^[A-Za-z]+$", max_length=16)] | None = Field(
        None, description="Axes of the outputs that the bias has; left out: no bias.", examples=["de"]
    )
    bias: AnyScheme | None = Field(None, description="How the bias starts, as `scheme`.")

    @property
    def labels(self) -> tuple[str, str, str]:
        left, outputs = self.equation.replace("...", "").split("->")
        inputs, kernel = left.split(",")
        return inputs, kernel, outputs

    @model_validator(mode="after")
    def _equation_fits(self) -> Self:
        _, kernel, outputs = self.labels
        if len(kernel) != len(self.shape) or len(set(kernel)) != len(kernel):
            raise PydanticCustomError(
                "equation", "the kernel {kernel} needs a shape of as many axes, each letter once", {"kernel": kernel}
            )
        if not set(self.bias_axes or "") <= set(kernel) & set(outputs):
            raise PydanticCustomError("equation", "bias_axes must be axes of kernel and outputs both")
        return self

    def parameters(self) -> tuple[Parameter, ...]:
        inputs, kernel, outputs = self.labels
        size = dict(zip(kernel, self.shape, strict=True))
        fan_in = prod(size[axis] for axis in kernel if axis in inputs and axis not in outputs)
        fan_out = prod(size[axis] for axis in kernel if axis in outputs and axis not in inputs)
        shape, fans = tuple(self.shape), Fans(fan_in, fan_out)
        bare = by_keras_rule(shape)
        others = {"flax": bare, "pytorch": Fans(bare.fan_out, bare.fan_in)}
        axes = Axes(
            shape,
            apart=places(kernel, set(inputs) & set(outputs)),
            inputs=places(kernel, set(kernel) - set(outputs)),
            outputs=places(kernel, set(outputs) - set(inputs)),
        )
        weights = Parameter("kernel", shape, fans, "weights", "scheme", others, axes=axes)
        if self.bias_axes is None:
            return (weights,)
        bias = tuple(size[axis] for axis in self.bias_axes)
        return weights, Parameter("bias", bias, fans, "bias", "bias")

    def placements(self) -> Placements:
        placed = everywhere(Placement("kernel", Take("kernel")))
        return placed if self.bias_axes is None else together(placed, everywhere(Placement("bias", Take("bias"))))
