"""Equinox's layers on channels-last inputs."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
KEY = jax.random.key(0)


def build(layer: dict[str, Any]) -> Any:
    kind, shape = layer["type"], layer["shape"]
    bias = layer.get("bias", "") is not None
    if kind == "dense":
        return eqx.nn.Linear(*shape, use_bias=bias, key=KEY)
    if "conv" in kind:
        *field, inputs, outputs = shape
        axes = len(field)
        if kind.endswith("transpose"):
            groups = layer.get("groups", 1)
            return eqx.nn.ConvTranspose(axes, inputs, outputs, field, layer.get("strides", 1), groups=groups, key=KEY)
        if kind.startswith("depthwise"):
            return eqx.nn.Conv(axes, inputs, inputs * outputs, field, groups=inputs, key=KEY)
        return eqx.nn.Conv(axes, inputs, outputs, field, groups=layer.get("groups", 1), use_bias=bias, key=KEY)
    if kind == "embedding":
        return eqx.nn.Embedding(*shape, key=KEY)
    if kind == "lstm":
        return eqx.nn.LSTMCell(*shape, key=KEY)
    if kind == "gru":
        return eqx.nn.GRUCell(*shape, key=KEY)
    if kind == "multi_head_attention":
        biases = dict.fromkeys(("use_query_bias", "use_key_bias", "use_value_bias", "use_output_bias"), True)
        return eqx.nn.MultiheadAttention(shape[1], shape[0], key=KEY, **biases)
    return {
        "layer_norm": lambda: eqx.nn.LayerNorm(shape, eps=1e-3),
        "group_norm": lambda: eqx.nn.GroupNorm(3, shape[0], eps=1e-3),
        "rms_norm": lambda: eqx.nn.RMSNorm(shape, eps=1e-6, use_bias=False),
        "prelu": lambda: eqx.nn.PReLU(jnp.zeros(() if layer.get("shared_axes") else shape[-1:])),
    }[kind]()


def leaves(module: Any) -> dict[str, Any]:
    found = jax.tree_util.tree_leaves_with_path(eqx.filter(module, eqx.is_inexact_array))
    return {jax.tree_util.keystr(path).removeprefix("."): value for path, value in found}


def fill(module: Any, arrays: Arrays) -> Any:
    real = {name: value.shape for name, value in leaves(module).items()}
    assert {name: array.shape for name, array in arrays.items()} == real
    order = [jnp.asarray(arrays[name]) for name in real]
    treedef = jax.tree_util.tree_structure(eqx.filter(module, eqx.is_inexact_array))
    return eqx.combine(jax.tree_util.tree_unflatten(treedef, order), module)


def run(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    kind = layer["type"]
    if layer.get("bidirectional"):
        one = {**layer, "bidirectional": False}
        sides = {side: {n.removeprefix(f"{side}."): a for n, a in arrays.items() if n.startswith(side)}
                 for side in ("forward", "backward")}  # fmt: skip
        back = run(one, sides["backward"], x[:, ::-1])[:, ::-1]
        return np.concatenate([run(one, sides["forward"], x), back], -1)
    if kind.startswith("separable"):
        *field, inputs, outputs = layer["shape"]
        middle = inputs * layer.get("depth_multiplier", 1)
        depthwise = eqx.nn.Conv(len(field), inputs, middle, field, groups=inputs, use_bias=False, key=KEY)
        pointwise = eqx.nn.Conv(len(field), middle, outputs, 1, key=KEY)
        parts = [fill(module, {n.partition(".")[2]: a for n, a in arrays.items() if n.startswith(part)})
                 for part, module in (("depthwise", depthwise), ("pointwise", pointwise))]  # fmt: skip
        given = jnp.moveaxis(jnp.asarray(x), -1, 1)
        return np.asarray(jnp.moveaxis(jax.vmap(parts[1])(jax.vmap(parts[0])(given)), 1, -1))
    module = fill(build(layer), arrays)
    given = jnp.asarray(x)
    if kind in ("lstm", "gru"):
        return np.asarray(jax.vmap(lambda steps: unrolled(module, steps, kind))(given))
    if "conv" in kind or kind == "group_norm":
        return np.asarray(jnp.moveaxis(jax.vmap(module)(jnp.moveaxis(given, -1, 1)), 1, -1))
    if kind == "multi_head_attention":
        return np.asarray(jax.vmap(lambda each: module(each, each, each))(given))
    if kind in ("dense", "embedding"):
        for _ in range(given.ndim - (1 if kind == "dense" else 0)):
            module = jax.vmap(module)
        return np.asarray(module(given))
    if kind in ("layer_norm", "rms_norm"):
        for _ in range(given.ndim - len(layer["shape"])):
            module = jax.vmap(module)
        return np.asarray(module(given))
    return np.asarray(jax.vmap(module)(given))


def unrolled(cell: Any, steps: Any, kind: str) -> Any:
    zeros = jnp.zeros(cell.hidden_size)
    state = (zeros, zeros) if kind == "lstm" else zeros
    outputs = []
    for each in steps:
        state = cell(each, state)
        outputs.append(state[0] if kind == "lstm" else state)
    return jnp.stack(outputs)
