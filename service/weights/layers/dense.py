"""The dense layer."""

from typing import Annotated, Literal

from pydantic import Field

from service.weights.description import Size
from service.weights.fans import Fans
from service.weights.layers.layer import BiasedLayerSpec
from service.weights.layouts import kernel
from service.weights.parameters import Parameter


class Dense(BiasedLayerSpec):
    """Every input feeds every output: Keras `Dense`, PyTorch `Linear`, Flax `Dense`."""

    type: Literal["dense"]
    shape: Annotated[list[Size], Field(min_length=2, max_length=2, description="[in, out]", examples=[[784, 256]])]

    def parameters(self) -> tuple[Parameter, ...]:
        inputs, outputs = self.shape
        weights = Parameter("kernel", (inputs, outputs), Fans(inputs, outputs), "weights", kernel(0), "scheme")
        return self.with_bias(weights, outputs)
