"""The Flax linen module of a layer spec, its parameters as paths, and its output."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict
from numpy.typing import NDArray


def build(layer: dict[str, Any]) -> Any:
    kind, shape = layer["type"], layer["shape"]
    bias = layer.get("bias", "") is not None
    if kind == "dense":
        return nn.Dense(shape[1], use_bias=bias)
    if kind.endswith("transpose"):
        strides = (layer.get("strides", 1),) * (len(shape) - 2)
        return nn.ConvTranspose(shape[-1], tuple(shape[:-2]), strides=strides, padding="VALID")
    if kind.startswith("depthwise"):
        return nn.Conv(shape[-2] * shape[-1], tuple(shape[:-2]), feature_group_count=shape[-2], padding="VALID")
    if kind.startswith("conv"):
        groups = layer.get("groups", 1)
        return nn.Conv(shape[-1], tuple(shape[:-2]), feature_group_count=groups, padding="VALID", use_bias=bias)
    if kind in ("simple_rnn", "lstm", "gru"):
        cell: Any = {"simple_rnn": nn.SimpleCell, "lstm": nn.LSTMCell, "gru": nn.GRUCell}[kind]
        if layer.get("bidirectional"):
            return nn.Bidirectional(nn.RNN(cell(shape[1])), nn.RNN(cell(shape[1])))
        return nn.RNN(cell(shape[1]))
    if kind == "multi_head_attention":
        return nn.MultiHeadDotProductAttention(shape[1])
    last = tuple(range(-len(shape), 0))
    return {
        "embedding": lambda: nn.Embed(*shape),
        "layer_norm": lambda: nn.LayerNorm(epsilon=1e-3, reduction_axes=last, feature_axes=last),
        "instance_norm": lambda: nn.InstanceNorm(epsilon=1e-3),
        "batch_norm": lambda: nn.BatchNorm(use_running_average=True, epsilon=1e-3),
        "group_norm": lambda: nn.GroupNorm(3, epsilon=1e-3),
        "rms_norm": lambda: nn.RMSNorm(epsilon=1e-6, reduction_axes=last, feature_axes=last),
        "prelu": lambda: nn.PReLU(),
    }[kind]()


def example(layer: dict[str, Any], inputs: tuple[int, ...]) -> Any:
    return jnp.zeros((2, *inputs), jnp.int32 if layer["type"] == "embedding" else jnp.float32)


def parameters(layer: dict[str, Any], inputs: tuple[int, ...], seed: int = 0) -> dict[str, Any]:
    """Return every parameter and statistic by its path; a single recurrent cell's without the RNN around it."""
    tree = build(layer).init(jax.random.key(seed), example(layer, inputs))
    found = {"/".join(path[1:]): value for path, value in flatten_dict(tree).items()}
    if layer["type"] in ("simple_rnn", "lstm", "gru") and not layer.get("bidirectional"):
        found = {name.removeprefix("cell/"): value for name, value in found.items()}
    return found


def run(layer: dict[str, Any], arrays: dict[str, NDArray[Any]], x: NDArray[Any]) -> NDArray[Any]:
    module = build(layer)
    kind = layer["type"]
    prefix = "cell/" if kind in ("simple_rnn", "lstm", "gru") and not layer.get("bidirectional") else ""
    statistics = {name: array for name, array in arrays.items() if kind == "batch_norm" and name in ("mean", "var")}
    rest = {f"{prefix}{name}": array for name, array in arrays.items() if name not in statistics}
    tree = {"params": unflatten_dict({tuple(name.split("/")): value for name, value in rest.items()})}
    if statistics:
        tree["batch_stats"] = statistics
    return np.asarray(module.apply(tree, jnp.asarray(x)))
