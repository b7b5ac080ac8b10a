"""Dropout: a layer without weights, which takes its place in the order of a framework's seeds."""

from typing import Literal

from service.networks.layers.layer import LayerSpec
from service.networks.layouts import LAYOUTS, Placements
from service.networks.parameters import Parameter


class Dropout(LayerSpec):
    """Keras, PyTorch and Flax `Dropout`: no weights, but Keras and Flax's nnx give it a seed of those that follow."""

    type: Literal["dropout"]

    def parameters(self) -> tuple[Parameter, ...]:
        return ()

    def placements(self) -> Placements:
        return dict.fromkeys(LAYOUTS, ())
