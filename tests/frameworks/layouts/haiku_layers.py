"""Haiku's layers, which take channels last."""

from typing import Any

import haiku as hk
import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def build(layer: dict[str, Any]) -> Any:
    """Return the module, called `x`."""
    kind, shape = layer["type"], layer["shape"]
    bias = layer.get("bias", "") is not None
    if kind == "dense":
        return hk.Linear(shape[1], with_bias=bias, name="x")
    if "conv" in kind:
        *field, _, outputs = shape
        axes = len(field)
        if kind.endswith("transpose"):
            back = getattr(hk, f"Conv{axes}DTranspose")
            return back(outputs, field, stride=layer.get("strides", 1), padding="VALID", name="x")
        if kind.startswith("depthwise"):
            return getattr(hk, f"DepthwiseConv{axes}D")(outputs, field, padding="VALID", name="x")
        conv = getattr(hk, f"Conv{axes}D")
        groups = layer.get("groups", 1)
        return conv(outputs, field, padding="VALID", feature_group_count=groups, with_bias=bias, name="x")
    if kind == "multi_head_attention":
        return hk.MultiHeadAttention(shape[1], shape[2], w_init_scale=1.0, model_size=shape[0], name="x")
    return {
        "embedding": lambda: hk.Embed(*shape, name="x"),
        "lstm": lambda: hk.LSTM(shape[1], name="x"),
        "layer_norm": lambda: hk.LayerNorm(-1, True, True, eps=1e-3, name="x"),
        "group_norm": lambda: hk.GroupNorm(3, eps=1e-3, name="x"),
        "instance_norm": lambda: hk.InstanceNorm(True, True, eps=1e-3, name="x"),
        "rms_norm": lambda: hk.RMSNorm(-1, eps=1e-6, name="x"),
        "batch_norm": lambda: hk.BatchNorm(True, True, 0.9, eps=1e-3, name="x"),
    }[kind]()


def parameters(arrays: Arrays) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, array in arrays.items():
        module, _, own = f"x/{name}".rpartition("/")
        found.setdefault(module, {})[own] = jnp.asarray(array)
    return found


def apply(function: Any, arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    transformed = hk.transform(function)
    real = transformed.init(jax.random.PRNGKey(0), x)
    given = parameters(arrays)
    assert jax.tree.map(jnp.shape, given) == jax.tree.map(jnp.shape, real)
    return np.asarray(transformed.apply(given, None, x))


def normalised(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    """Run a batch normalisation on its running statistics: its arrays have an axis of one for each of the inputs."""
    axes = (1,) * (x.ndim - 1)
    shaped = {name: jnp.asarray(array).reshape(*axes, -1) for name, array in arrays.items()}
    transformed = hk.transform_with_state(lambda each, training=False: build(layer)(each, is_training=training))
    _, state = transformed.init(jax.random.PRNGKey(0), x, True)
    for part in ("mean_ema", "var_ema"):
        state[f"x/~/{part}"]["average"] = shaped[f"{part}/average"]
    given = {"x": {name: shaped[name] for name in ("scale", "offset")}}
    return np.asarray(transformed.apply(given, state, None, x)[0])


def run(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    kind = layer["type"]
    if layer.get("bidirectional"):
        one = {**layer, "bidirectional": False}
        sides = {side: {n.removeprefix(f"{side}/"): a for n, a in arrays.items() if n.startswith(side)}
                 for side in ("forward", "backward")}  # fmt: skip
        return np.concatenate([run(one, sides["forward"], x), run(one, sides["backward"], x[:, ::-1])[:, ::-1]], -1)
    if kind == "batch_norm":
        return normalised(layer, arrays, x)
    if kind == "lstm":
        return unrolled(layer, arrays, x)
    if kind.startswith("separable"):
        return apply(lambda each: Separable(layer)(each), arrays, x)
    if kind == "multi_head_attention":
        return apply(lambda each: build(layer)(each, each, each), arrays, x)
    return apply(lambda each: build(layer)(each), arrays, x)


def unrolled(layer: dict[str, Any], arrays: Arrays, x: NDArray[Any]) -> NDArray[Any]:
    """Run a LSTM: Haiku adds 1 to what opens the forget gate, which the layout leaves to it."""
    units = layer["shape"][1]
    bias = arrays["linear/b"].copy()
    bias[2 * units : 3 * units] -= 1.0

    def function(each: Any) -> Any:
        core = build(layer)
        return hk.dynamic_unroll(core, each, core.initial_state(each.shape[0]), time_major=False)[0]

    return apply(function, {**arrays, "linear/b": bias}, x)


class Separable(hk.Module):
    """Depthwise, then pointwise."""

    def __init__(self, layer: dict[str, Any]) -> None:
        super().__init__("x")
        self.layer = layer

    def __call__(self, x: Any) -> Any:
        *field, _, outputs = self.layer["shape"]
        axes, multiplier = len(field), self.layer.get("depth_multiplier", 1)
        depthwise = getattr(hk, f"DepthwiseConv{axes}D")
        middle = depthwise(multiplier, field, padding="VALID", with_bias=False, name="depthwise")(x)
        return getattr(hk, f"Conv{axes}D")(outputs, 1, name="pointwise")(middle)
