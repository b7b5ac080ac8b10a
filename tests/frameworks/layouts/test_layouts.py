"""Every layer in the layouts of other libraries: the real layer's names and shapes, and Keras's own outputs."""

import importlib
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import linen as nn

from service.errors import UnsupportedCombination
from tests.frameworks import flax_layers, keras_layers
from tests.frameworks.networks import LAYERS, draw, restless
from tests.frameworks.test_layers import TOLERANCE, inputs_for

FLAX = ["conv1d_transpose", "conv2d_transpose", "conv2d_transpose with strides", "conv3d_transpose", "dense", "lstm"]
MODELS = Path(sys.prefix) / "models"  # make frameworks fills it; tf_keras is there
NEEDS = {"equinox": "equinox", "haiku": "haiku", "mlx": "mlx", "onnx": "onnxruntime"}
REFUSED = {("equinox", "simple_rnn"), ("haiku", "gru")}
# What a library has no layer for, or none that takes such inputs; arrays are given all the same.
NOT_THERE = {
    "equinox": {"batch_norm", "instance_norm", "prelu by channel"},
    "haiku": {"prelu", "prelu with one slope", "prelu by channel", "simple_rnn", "layer_norm over three axes",
              "rms_norm over two axes"},
    "mlx": {"layer_norm over three axes", "rms_norm over two axes", "prelu by channel"},
    "onnx": {"rms_norm", "rms_norm over two axes", "prelu by channel"},
}  # fmt: skip
CASES = [(layout, name) for layout in NEEDS for name in LAYERS if name not in NOT_THERE[layout]]


@pytest.mark.parametrize(("layout", "name"), CASES, ids=lambda value: value)
def test_it_is_the_same_network_as_in_keras(layout: str, name: str) -> None:
    pytest.importorskip(NEEDS[layout])
    layers: Any = importlib.import_module(f"tests.frameworks.layouts.{layout}_layers")
    layer, shape = LAYERS[name]
    asked = restless(layer)
    if (layout, layer["type"]) in REFUSED:
        with pytest.raises(UnsupportedCombination):
            draw(asked["layer"], rules=asked["rules"], layout=layout)
        return
    x = inputs_for(layer, shape)
    keras = draw(asked["layer"], rules=asked["rules"], layout="keras")
    wanted = keras_layers.run(layer, keras_layers.load(layer, shape, keras), x)
    made = layers.run(layer, draw(asked["layer"], rules=asked["rules"], layout=layout), x)
    assert np.abs(wanted - made).max() < TOLERANCE * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize("name", FLAX)
def test_flax_with_transpose_kernel(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    layer, shape = LAYERS[name]
    asked = restless(layer)
    x = inputs_for(layer, shape)
    keras = draw(asked["layer"], rules=asked["rules"], layout="keras")
    wanted = keras_layers.run(layer, keras_layers.load(layer, shape, keras), x)
    monkeypatch.setattr(nn, "ConvTranspose", partial(nn.ConvTranspose, transpose_kernel=True))
    arrays = draw(asked["layer"], rules=asked["rules"], layout="flax_transpose_kernel")
    real = {path: tuple(value.shape) for path, value in flax_layers.parameters(layer, shape).items()}
    assert {path: array.shape for path, array in arrays.items()} == real
    made = flax_layers.run(layer, arrays, x)
    assert np.abs(wanted - made).max() < TOLERANCE * max(1.0, np.abs(wanted).max())


def sigmoid(x: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-x))


def cudnn_compatible(arrays: dict[str, Any], x: Any, state: Any) -> Any:
    """CudnnCompatibleGRUCell of TensorFlow 1's contrib, which no later version has, as it is defined."""
    cell = {name.removeprefix("cudnn_compatible_gru_cell/"): array for name, array in arrays.items()}
    gates = sigmoid(np.concatenate([x, state], -1) @ cell["gates/kernel"] + cell["gates/bias"])
    reset, update = np.split(gates, 2, -1)
    parts = {side: (cell[f"candidate/{side}_projection/kernel"], cell[f"candidate/{side}_projection/bias"])
             for side in ("input", "hidden")}  # fmt: skip
    (of_input, bias), (of_state, other) = parts["input"], parts["hidden"]
    candidate = np.tanh(x @ of_input + bias + reset * (state @ of_state + other))
    return (1.0 - update) * candidate + update * state


@pytest.mark.parametrize("name", ["simple_rnn", "lstm", "gru"])
def test_cells_of_tensorflow_1(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """BasicLSTMCell with its forget_bias at 0, which it would add, and BasicRNNCell, of the real library."""
    layer, shape = LAYERS[name]
    asked = restless(layer)
    x = inputs_for(layer, shape)
    keras = draw(asked["layer"], rules=asked["rules"], layout="keras")
    wanted = keras_layers.run(layer, keras_layers.load(layer, shape, keras), x)
    arrays = draw(asked["layer"], rules=asked["rules"], layout="tensorflow1")
    units = layer["shape"][1]
    if name == "gru":
        state, outputs = np.zeros((len(x), units)), []
        for step in np.moveaxis(x, 1, 0):
            state = cudnn_compatible(arrays, step, state)
            outputs.append(state)
    else:
        monkeypatch.setattr(sys, "path", [*sys.path, str(MODELS)])
        cells = pytest.importorskip("tf_keras.src.layers.rnn.legacy_cells")
        cell = cells.BasicLSTMCell(units, forget_bias=0.0) if name == "lstm" else cells.BasicRNNCell(units)
        cell.build((None, layer["shape"][0]))
        assert {each.name.removesuffix(":0"): tuple(each.shape) for each in cell.weights} == {
            path: array.shape for path, array in arrays.items()
        }
        cell.set_weights([arrays[each.name.removesuffix(":0")] for each in cell.weights])
        state, outputs = cell.zero_state(len(x), "float32"), []
        for step in np.moveaxis(x, 1, 0):
            made, state = cell(step, state)
            outputs.append(np.asarray(made))
    assert np.abs(np.stack(outputs, 1) - wanted).max() < TOLERANCE * max(1.0, np.abs(wanted).max())


@pytest.mark.parametrize(
    "name", [name for name in LAYERS if LAYERS[name][0]["type"] not in ("lstm", "gru", "simple_rnn")]
)
def test_other_layers_of_tensorflow_1_are_as_in_keras(name: str) -> None:
    layer, _ = LAYERS[name]
    ours, keras = (draw(layer, layout=layout) for layout in ("tensorflow1", "keras"))
    if layer["type"] == "multi_head_attention":  # dense layers there
        ours = {path: array.reshape(keras[path].shape) for path, array in ours.items()}
    assert list(ours) == list(keras)
    assert all(np.array_equal(ours[path], keras[path]) for path in keras)
