"""Canonical parameters read off a framework's arrays, and those read off canonical ones again, are the same arrays."""

from typing import Any

import numpy as np
import pytest

from service.api.entries import layer_example
from service.networks.inversion import ZEROS, inverted
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS, Layout, as_they_are
from service.specs.spec import Spec
from service.stream.drawing import Drawing
from service.stream.dtypes import DTYPES
from service.stream.matrices import take

# The catalogue's example of every type, and layers whose arrays are split, joined or of one element.
EXAMPLES: list[dict[str, Any]] = [layer_example(kind)["layers"][0] for kind in LAYERS]
MORE: list[dict[str, Any]] = [
    {"type": "dense", "shape": [3, 4], "lora_rank": 2},
    {"type": "conv2d", "shape": [3, 2, 4, 6], "groups": 2},
    {"type": "conv3d", "shape": [1, 2, 3, 4, 5]},
    {"type": "conv1d_transpose", "shape": [3, 2, 4]},
    {"type": "conv2d_transpose", "shape": [3, 1, 4, 6], "groups": 2},
    {"type": "conv3d_transpose", "shape": [1, 2, 3, 4, 5]},
    {"type": "depthwise_conv1d", "shape": [3, 4, 2]},
    {"type": "depthwise_conv2d", "shape": [3, 1, 4, 2]},
    {"type": "separable_conv1d", "shape": [3, 2, 4]},
    {"type": "separable_conv2d", "shape": [1, 1, 2, 4], "depth_multiplier": 3},
    {"type": "embedding", "shape": [5, 3]},
    {"type": "simple_rnn", "shape": [3, 2], "num_layers": 2, "bidirectional": True},
    {"type": "lstm", "shape": [3, 2], "num_layers": 2, "bidirectional": True},
    {"type": "lstm", "shape": [3, 4], "projection": 2},
    {"type": "lstm", "shape": [1, 1]},
    {"type": "gru", "shape": [3, 2], "num_layers": 2},
    {"type": "gru", "shape": [1, 1], "bidirectional": True},
    {"type": "multi_head_attention", "shape": [6, 2, 3]},
    {"type": "multi_head_attention", "shape": [6, 2, 3], "key_width": 4, "value_width": 5, "bias_kv": True},
    {"type": "multi_head_attention", "shape": [5, 1, 1], "fused": False},
    {"type": "grouped_query_attention", "shape": [6, 2, 3], "kv_heads": 1},
    {"type": "transformer_encoder_layer", "shape": [6, 2, 5]},
    {"type": "batch_norm", "shape": [3]},
    {"type": "prelu", "shape": [1]},
    {"type": "tensor", "shape": []},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("layer", [*EXAMPLES, *MORE], ids=lambda layer: f"{layer['type']} {layer.get('shape')}")
def test_there_and_back_again(layer: dict[str, Any], layout: Layout) -> None:
    (spec,) = Spec.model_validate({"layers": [layer]}).weighted
    shapes = {parameter.name: parameter.shape for parameter in spec.parameters()}
    placements = spec.placements()[layout]
    canonical = as_they_are(shapes)
    arrays = {each.name: each.of.form(canonical).shape for each in placements}
    values = {name: np.random.default_rng(0).standard_normal(int(np.prod(shape))) for name, shape in arrays.items()}
    values[ZEROS] = np.zeros(1)
    fills = {name: lambda runs, out, kept=each: take(kept, runs, out) for name, each in values.items()}
    forms = inverted(placements, shapes)
    assert {name: form.shape for name, form in forms.items()} == shapes
    for placement in placements:
        form = placement.of.form(forms)
        assert form.shape == arrays[placement.name]
        drawn = Drawing(form, fills, DTYPES["float64"]).draw(0, values[placement.name].size)
        np.testing.assert_array_equal(drawn, values[placement.name])
