"""A bare array of any shape."""

from typing import Annotated, Literal

from pydantic import Field

from service.networks.description import Size
from service.networks.fans import Fans, by_keras_rule
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placements, named
from service.networks.parameters import Parameter


class Tensor(LayerSpec):
    """An array and nothing more, the same in every layout; for what no layer type describes."""

    type: Literal["tensor"]
    shape: Annotated[
        list[Size], Field(max_length=32, description="Any shape; [] is a single value.", examples=[[3, 4]])
    ]
    fan_in: Size | None = Field(
        None, description="Inputs that feed one output. Left out: by Keras's rule for bare shapes."
    )
    fan_out: Size | None = Field(None, description="Outputs that one input feeds. Left out: by Keras's rule.")

    bare: bool = Field(False, description="In PyTorch the array's key is the layer's name alone (an nn.Parameter).")

    def parameters(self) -> tuple[Parameter, ...]:
        rule = by_keras_rule(tuple(self.shape))
        fans = Fans(self.fan_in or rule.fan_in, self.fan_out or rule.fan_out)
        return (Parameter("value", tuple(self.shape), fans, "weights", "scheme"),)

    def placements(self) -> Placements:
        return named("value", "value", "" if self.bare else "value", "value")
