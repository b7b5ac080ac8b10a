"""Every layer in every layout: the real layer's names and shapes, and the same network in all of them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.frameworks import flax_layers, keras_layers, torch_layers
from tests.frameworks.networks import LAYERS, draw, restless

NOT_IN_TORCH: set[str] = set()
# Flax's prelu has one slope for all.
NOT_IN_FLAX = {"separable_conv1d", "separable_conv2d", "prelu", "prelu by channel"}
TOLERANCE = 1e-5


@pytest.mark.parametrize("name", LAYERS)
def test_names_and_shapes_are_keras_own(name: str) -> None:
    layer, inputs = LAYERS[name]
    real = {path: tuple(v.shape) for path, v in keras_layers.variables(keras_layers.build(layer, inputs)).items()}
    assert {path: array.shape for path, array in draw(layer, layout="keras").items()} == real


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NOT_IN_TORCH])
def test_names_and_shapes_are_torchs_own(name: str) -> None:
    layer, _ = LAYERS[name]
    found = {path: array.shape for path, array in draw(layer, layout="pytorch").items()}
    assert found == torch_layers.state_shapes(layer)


@pytest.mark.parametrize("name", [name for name in LAYERS if name not in NOT_IN_FLAX])
def test_names_and_shapes_are_flaxs_own(name: str) -> None:
    layer, inputs = LAYERS[name]
    real = {path: tuple(value.shape) for path, value in flax_layers.parameters(layer, inputs).items()}
    assert {path: array.shape for path, array in draw(layer, layout="flax").items()} == real


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "bilinear", "shape": [4, 5, 6]},
        {"type": "lstm", "shape": [6, 5], "num_layers": 2, "bidirectional": True},
        {"type": "gru", "shape": [6, 5], "num_layers": 3},
        {"type": "conv2d_transpose", "shape": [3, 3, 6, 4], "groups": 2},
    ],
)
def test_names_and_shapes_are_torchs_own_where_it_alone_has_the_layer(layer: dict[str, Any]) -> None:
    found = {path: array.shape for path, array in draw(layer, layout="pytorch").items()}
    assert found == torch_layers.state_shapes(layer)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        ({"type": "grouped_query_attention", "shape": [12, 4, 3], "kv_heads": 2}, (7, 12)),
        ({"type": "einsum_dense", "equation": "abc,cde->abde", "shape": [12, 4, 3], "bias_axes": "de"}, (7, 12)),
    ],
)
def test_names_and_shapes_are_keras_own_where_it_alone_has_the_layer(
    layer: dict[str, Any], inputs: tuple[int, ...]
) -> None:
    real = {path: tuple(v.shape) for path, v in keras_layers.variables(keras_layers.build(layer, inputs)).items()}
    assert {path: array.shape for path, array in draw(layer, layout="keras").items()} == real


def inputs_for(layer: dict[str, Any], shape: tuple[int, ...]) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    if layer["type"] == "embedding":
        return rng.integers(0, layer["shape"][0], (3, *shape)).astype(np.int32)
    return rng.standard_normal((3, *shape)).astype(np.float32)


@pytest.mark.parametrize("name", LAYERS)
def test_it_is_the_same_network_in_all_of_them(name: str) -> None:
    layer, shape = LAYERS[name]
    asked = restless(layer)
    x = inputs_for(layer, shape)

    def arrays(layout: str) -> dict[str, NDArray[Any]]:
        return draw(asked["layer"], rules=asked["rules"], layout=layout)

    keras_made = keras_layers.run(layer, keras_layers.load(layer, shape, arrays("keras")), x)
    torch_made = torch_layers.run(layer, torch_layers.load(layer, arrays("pytorch")), x)
    scale = np.abs(keras_made).max()
    assert np.abs(keras_made - torch_made).max() < TOLERANCE * max(1.0, scale)
    if name not in NOT_IN_FLAX:
        flax_made = flax_layers.run(layer, arrays("flax"), x)
        assert np.abs(keras_made - flax_made).max() < TOLERANCE * max(1.0, scale)
