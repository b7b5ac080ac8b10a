"""MAPS: what theory says of each type of layer. To give another one its theory, write its map and its row.

A map takes what is Given and returns a Step, or None where theory has nothing to say.
"""

from dataclasses import replace

from service.analysis.forecast.attention import attention_layer, dot_product_attention, rotated
from service.analysis.forecast.handed_on import (
    activation,
    concatenated,
    flattened,
    gathered,
    passed,
    prelu,
    reshaped,
    scaled,
    split,
    spread_back,
    transposed,
)
from service.analysis.forecast.joins import added, multiplied
from service.analysis.forecast.norms import normalised
from service.analysis.forecast.pooling import averaged, averaged_over_all, largest, padded, upsampled
from service.analysis.forecast.recurrent import recurrent
from service.analysis.forecast.sources import array, looked_up, relative_positions
from service.analysis.forecast.step import Given, Map, Step
from service.analysis.forecast.weighted import convolution, dense, depthwise, read_back, separable
from service.networks.layers import structure as s
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense
from service.networks.layers.dropout import Dropout
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import PlacedSpec
from service.networks.layers.normalization import BatchNorm, GroupNorm, LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Recurrent
from service.networks.layers.tensor import Tensor

MAPS: dict[type[PlacedSpec], Map] = {
    Dense: dense,
    Convolution: convolution,
    TransposedConvolution: convolution,
    DepthwiseConvolution: depthwise,
    SeparableConvolution: separable,
    BatchNorm: normalised,
    LayerNorm: normalised,
    GroupNorm: normalised,
    RmsNorm: normalised,
    PRelu: prelu,
    Embedding: looked_up,
    Tensor: array,
    Attention: attention_layer,
    Recurrent: recurrent,
    Dropout: passed,
    s.Add: added,
    s.Multiply: multiplied,
    s.Concatenate: concatenated,
    s.ActivationLayer: activation,
    s.Flatten: flattened,
    s.ReshapeLayer: reshaped,
    s.Transpose: transposed,
    s.MaxPool: largest,
    s.AveragePool: averaged,
    s.GlobalAveragePool: averaged_over_all,
    s.Upsample: upsampled,
    s.Pad: padded,
    s.Split: split,
    s.Scale: scaled,
    s.DotProductAttention: dot_product_attention,
    s.RelativePositions: relative_positions,
    s.Rotary: rotated,
}


def step_of(given: Given) -> Step | None:
    """Return what theory says of a layer; None where it has nothing to say."""
    layer = given.layer
    if isinstance(layer, s.TiedLayer):
        return tied(layer, given)
    if isinstance(layer, Dense):
        return of_places(given)
    return next((MAPS[kind](given) for kind in type(layer).__mro__ if kind in MAPS), None)


def of_places(given: Given) -> Step | None:
    """Follow a dense layer, which takes places as features where as many come."""
    step = dense(gathered(given))
    if step is None:
        return None
    back = step.back
    return replace(step, back=lambda gradient: [spread_back(given, one) for one in back(gradient)])


def tied(layer: s.TiedLayer, given: Given) -> Step | None:
    """Weights once more: they are taken as if drawn anew (gradients and signals that meet them twice are not)."""
    assert given.of is not None
    if layer.transposed:
        return read_back(given)
    other = given.of if isinstance(given.of, Recurrent) else given.of.model_copy(update={"activation": "linear"})
    return step_of(replace(given, layer=other))
