"""Flax with `transpose_kernel=True`: transposed convolutions keep their kernel as Keras has it."""

from dataclasses import replace

from service.networks.layers.convolution import TransposedConvolution
from service.networks.layers.layer import LayerSpec
from service.networks.layouts import Placement, Take


def transposed_kernels(layer: LayerSpec, flax: tuple[Placement, ...]) -> tuple[Placement, ...]:
    """Return Flax's arrays, kernels of transposed convolutions as (*field, out, in), not turned round."""
    if not isinstance(layer, TransposedConvolution):
        return flax
    return tuple(replace(each, of=Take("kernel")) if each.name == "kernel" else each for each in flax)
