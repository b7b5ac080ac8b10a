"""The Keras layer of a layer spec, built, and its output."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


def build(layer: dict[str, Any], inputs: tuple[int, ...]) -> Any:
    made = construct(layer)
    if layer["type"] in ("multi_head_attention", "grouped_query_attention"):
        made.build((None, *inputs), (None, *inputs))
    else:
        made.build((None, *inputs))
    return made


def construct(layer: dict[str, Any]) -> Any:
    kind, shape = layer["type"], layer["shape"]
    bias = layer.get("bias", "") is not None
    layers = keras.layers
    if kind == "dense":
        return layers.Dense(shape[1], use_bias=bias)
    if kind.startswith("separable"):
        made = {3: layers.SeparableConv1D, 4: layers.SeparableConv2D}[len(shape)]
        return made(shape[-1], shape[:-2], depth_multiplier=layer.get("depth_multiplier", 1))
    if kind.startswith("depthwise"):
        made = {3: layers.DepthwiseConv1D, 4: layers.DepthwiseConv2D}[len(shape)]
        return made(shape[0] if len(shape) == 3 else shape[:-2], depth_multiplier=shape[-1])
    if kind.endswith("transpose"):
        made = {3: layers.Conv1DTranspose, 4: layers.Conv2DTranspose, 5: layers.Conv3DTranspose}[len(shape)]
        return made(shape[-1], shape[:-2], strides=layer.get("strides", 1))
    if kind.startswith("conv"):
        made = {3: layers.Conv1D, 4: layers.Conv2D, 5: layers.Conv3D}[len(shape)]
        return made(shape[-1], shape[:-2], groups=layer.get("groups", 1), use_bias=bias)
    if kind in ("simple_rnn", "lstm", "gru"):
        cell = {"simple_rnn": layers.SimpleRNN, "lstm": layers.LSTM, "gru": layers.GRU}[kind]
        made = cell(shape[1], return_sequences=True, name=kind)
        return layers.Bidirectional(made) if layer.get("bidirectional") else made
    if kind == "multi_head_attention":
        return layers.MultiHeadAttention(shape[1], shape[2])
    if kind == "grouped_query_attention":
        return layers.GroupQueryAttention(shape[2], shape[1], layer["kv_heads"])
    if kind == "einsum_dense":
        outputs = tuple(None if axis in "ab" else size for axis, size in zip("abde", (0, 0, *shape[1:]), strict=True))
        return layers.EinsumDense(layer["equation"], outputs[1:], bias_axes=layer.get("bias_axes"))
    return {
        "embedding": lambda: layers.Embedding(*shape),
        "layer_norm": lambda: layers.LayerNormalization(axis=list(range(-len(shape), 0)), epsilon=1e-3),
        "instance_norm": lambda: layers.GroupNormalization(-1, epsilon=1e-3),
        "batch_norm": lambda: layers.BatchNormalization(epsilon=1e-3),
        "group_norm": lambda: layers.GroupNormalization(3, epsilon=1e-3),
        "rms_norm": lambda: layers.RMSNormalization(axis=list(range(-len(shape), 0)), epsilon=1e-6),
        "prelu": lambda: layers.PReLU(shared_axes=layer.get("shared_axes")),
    }[kind]()


def variables(made: Any) -> dict[str, Any]:
    """Return each variable by its path within the layer."""
    return {
        variable.path.removeprefix(made.name + "/"): variable
        for variable in made.weights
        if "seed" not in variable.path
    }


def load(layer: dict[str, Any], inputs: tuple[int, ...], arrays: dict[str, NDArray[Any]]) -> Any:
    made = build(layer, inputs)
    for name, variable in variables(made).items():
        variable.assign(arrays[name])
    return made


def run(layer: dict[str, Any], made: Any, x: NDArray[Any]) -> NDArray[Any]:
    given = keras.ops.convert_to_tensor(x)
    result = made(given, given) if "attention" in layer["type"] else made(given)
    return np.asarray(keras.ops.convert_to_numpy(result))
