"""MLX's layers, which take channels last."""

from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def build(layer: dict[str, Any]) -> Any:
    kind, shape = layer["type"], layer["shape"]
    bias = layer.get("bias", "") is not None
    if kind == "dense":
        return nn.Linear(*shape, bias=bias)
    if "conv" in kind:
        *field, inputs, outputs = shape
        size = tuple(field) if len(field) > 1 else field[0]
        if kind.endswith("transpose"):
            back = getattr(nn, f"ConvTranspose{len(field)}d")
            return back(inputs, outputs, size, stride=layer.get("strides", 1))
        conv = getattr(nn, f"Conv{len(field)}d")
        if kind.startswith("depthwise"):
            return conv(inputs, inputs * outputs, size, groups=inputs)
        groups = {"groups": layer["groups"]} if "groups" in layer else {}
        return conv(inputs, outputs, size, bias=bias, **groups)
    return {
        "embedding": lambda: nn.Embedding(*shape),
        "simple_rnn": lambda: nn.RNN(*shape),
        "lstm": lambda: nn.LSTM(*shape),
        "gru": lambda: nn.GRU(*shape),
        "multi_head_attention": lambda: nn.MultiHeadAttention(shape[0], shape[1], bias=True),
        "layer_norm": lambda: nn.LayerNorm(shape[-1], eps=1e-3),
        "batch_norm": lambda: nn.BatchNorm(shape[0], eps=1e-3).eval(),
        "group_norm": lambda: nn.GroupNorm(3, shape[0], eps=1e-3, pytorch_compatible=True),
        "instance_norm": lambda: nn.InstanceNorm(shape[0], eps=1e-3, affine=True),
        "rms_norm": lambda: nn.RMSNorm(shape[-1], eps=1e-6),
        "prelu": lambda: nn.PReLU(1 if layer.get("shared_axes") == [1] else shape[-1]),
        "bilinear": lambda: nn.Bilinear(*shape),
    }[kind]()


def fill(module: Any, arrays: Arrays) -> Any:
    real = {name: tuple(value.shape) for name, value in tree_flatten(module.parameters())}
    assert {name: array.shape for name, array in arrays.items()} == real
    module.load_weights([(name, mx.array(array)) for name, array in arrays.items()], strict=True)
    return module


def run(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    kind = layer["type"]
    if layer.get("bidirectional"):
        one = {**layer, "bidirectional": False}
        sides = {side: {n.removeprefix(f"{side}."): a for n, a in arrays.items() if n.startswith(side)}
                 for side in ("forward", "backward")}  # fmt: skip
        back = run(one, sides["backward"], np.ascontiguousarray(x[:, ::-1]))[:, ::-1]
        return np.concatenate([run(one, sides["forward"], x), back], -1)
    given = mx.array(x)
    if kind.startswith("separable"):
        *field, inputs, outputs = layer["shape"]
        size, middle = tuple(field) if len(field) > 1 else field[0], inputs * layer.get("depth_multiplier", 1)
        conv = getattr(nn, f"Conv{len(field)}d")
        modules = {"depthwise": conv(inputs, middle, size, groups=inputs, bias=False)}
        modules["pointwise"] = conv(middle, outputs, 1)
        for part, module in modules.items():
            given = fill(module, {n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(part)})(given)
        return np.asarray(given)
    module = fill(build(layer), arrays)
    if kind == "multi_head_attention":
        return np.asarray(module(given, given, given))
    made = module(given)
    return np.asarray(made[0] if kind == "lstm" else made)
