"""Keras on the backend that KERAS_BACKEND names: reads specs, one a line, and answers with what Keras makes of them.

Each answer is a line too: the arrays by layer and name, as dtype and bytes in hexadecimal; or the error's name.
"""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Layer = dict[str, Any]
CLASSES = {
    "random_normal": "RandomNormal", "random_uniform": "RandomUniform", "truncated_normal": "TruncatedNormal",
    "variance_scaling": "VarianceScaling", "glorot_normal": "GlorotNormal", "glorot_uniform": "GlorotUniform",
    "he_normal": "HeNormal", "he_uniform": "HeUniform", "lecun_normal": "LecunNormal",
    "lecun_uniform": "LecunUniform", "zeros": "Zeros", "ones": "Ones", "constant": "Constant",
    "identity": "Identity", "orthogonal": "Orthogonal", "stft": "STFT",
}  # fmt: skip
WITHOUT_SEED = ("zeros", "ones", "constant", "identity", "stft")


def initialiser(scheme: Any, seed: int | None) -> dict[str, Any]:
    """Return a scheme as a layer's constructor takes it."""
    given = {"name": scheme} if isinstance(scheme, str) else dict(scheme)
    name = given.pop("name").removeprefix("keras:")
    if seed is not None and name not in WITHOUT_SEED:
        given["seed"] = seed
    return {"class_name": CLASSES[name], "config": given}


def arguments(layer: Layer, members: dict[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the initialisers for a constructor: `members` are the spec's, with Keras's argument and default."""
    seed = layer.get("seed")
    found = {}
    for member, (argument, default) in members.items():
        stated = layer.get(member)
        if stated is not None:
            found[argument] = initialiser(stated, seed)
        elif seed is not None and default:
            found[argument] = initialiser(default, seed)
    return found


KERNEL = {"scheme": ("kernel_initializer", "glorot_uniform"), "bias": ("bias_initializer", "")}
DEPTHWISE = {"scheme": ("depthwise_initializer", "glorot_uniform"), "bias": ("bias_initializer", "")}
SEPARABLE = {**DEPTHWISE, "pointwise_scheme": ("pointwise_initializer", "glorot_uniform")}
RECURRENT = {**KERNEL, "recurrent_scheme": ("recurrent_initializer", "keras:orthogonal")}
NORMS = {"scheme": ("gamma_initializer", ""), "bias": ("beta_initializer", "")}


def build(layer: Layer, dtype: str) -> Iterator[tuple[str, Any]]:
    """Construct and build the layers of a spec's layer; yield their arrays by name."""
    kind, shape, layers = layer["type"], list(layer.get("shape", ())), keras.layers
    more: dict[str, Any] = {"dtype": dtype}
    if kind == "dropout":
        layers.Dropout(0.1, seed=layer.get("seed"), **more)
        return
    if "bias" in layer and layer["bias"] is None and not kind.endswith("_norm"):
        more["use_bias"] = False
    if kind == "tensor":
        scheme = layer.get("scheme", "glorot_uniform")
        yield "value", keras.initializers.get(initialiser(scheme, layer.get("seed")))(tuple(shape), dtype=dtype)
        return
    if kind in ("simple_rnn", "lstm", "gru"):
        yield from recurrent(layer, more)
        return
    made: Any
    if kind == "dense":
        made = layers.Dense(shape[1], lora_rank=layer.get("lora_rank"), **arguments(layer, KERNEL), **more)
        if layer.get("seed") is not None and layer.get("lora_rank"):
            raise NotImplementedError
        made.build((None, shape[0]))
    elif kind == "embedding":
        made = layers.Embedding(
            *shape, **arguments(layer, {"scheme": ("embeddings_initializer", "random_uniform")}), **more
        )
        made.build(None)
    elif kind == "einsum_dense":
        made = einsum(layer, more)
    elif kind in ("multi_head_attention", "grouped_query_attention"):
        if kind == "multi_head_attention":
            made = layers.MultiHeadAttention(
                shape[1], shape[2], seed=layer.get("seed"), **arguments(layer, KERNEL), **more
            )
        else:
            made = layers.GroupQueryAttention(
                shape[2], shape[1], layer["kv_heads"], seed=layer.get("seed"), **arguments(layer, KERNEL), **more
            )
        key, value = layer.get("key_width", shape[0]), layer.get("value_width", shape[0])
        made.build((None, None, shape[0]), (None, None, value), (None, None, key))
    elif kind in ("batch_norm", "layer_norm", "group_norm"):
        members = arguments(layer, NORMS)
        center = not ("bias" in layer and layer["bias"] is None)
        if kind == "group_norm":
            made = layers.GroupNormalization(1, center=center, **members, **more)
        else:
            chosen = {"batch_norm": layers.BatchNormalization, "layer_norm": layers.LayerNormalization}[kind]
            made = chosen(center=center, **members, **more)
        made.build((None, *shape))
    elif kind == "rms_norm":
        made = layers.RMSNormalization(**more)
        made.build((None, *shape))
    elif kind == "prelu":
        made = layers.PReLU(**arguments(layer, {"scheme": ("alpha_initializer", "")}), **more)
        made.build((None, *shape))
    else:
        made = convolution(layer, more)
        *field, inputs, _ = shape
        made.build((None, *(8 for _ in field), inputs))
    for variable in made.weights:
        if "seed_generator" not in variable.path:
            yield variable.path.removeprefix(made.name + "/"), variable.value


def einsum(layer: Layer, more: dict[str, Any]) -> Any:
    equation = layer["equation"].replace("...", "0")  # any axis may stand for those that are left out
    inputs, kernel, outputs = equation.replace("->", ",").split(",")
    sizes = {"0": 3, **dict(zip(kernel, layer["shape"], strict=True))}
    made = keras.layers.EinsumDense(
        layer["equation"],
        [sizes.get(axis) for axis in outputs[1:]],
        bias_axes=layer.get("bias_axes"),
        **arguments(layer, KERNEL),
        **more,
    )
    made.build((None, *(sizes.get(axis) for axis in inputs[1:])))
    return made


def convolution(layer: Layer, more: dict[str, Any]) -> Any:
    kind, layers = layer["type"], keras.layers
    *field, _, last = layer["shape"]
    axes = len(field)
    if kind.startswith("separable"):
        chosen = {1: layers.SeparableConv1D, 2: layers.SeparableConv2D}[axes]
        multiplier = layer.get("depth_multiplier", 1)
        return chosen(last, field, depth_multiplier=multiplier, **arguments(layer, SEPARABLE), **more)
    if kind.startswith("depthwise"):
        chosen = {1: layers.DepthwiseConv1D, 2: layers.DepthwiseConv2D}[axes]
        return chosen(field[0] if axes == 1 else field, depth_multiplier=last, **arguments(layer, DEPTHWISE), **more)
    name = f"Conv{axes}D" + ("Transpose" if kind.endswith("transpose") else "")
    if not kind.endswith("transpose"):
        more["groups"] = layer.get("groups", 1)
    return getattr(layers, name)(last, field, **arguments(layer, KERNEL), **more)


def recurrent(layer: Layer, more: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    kind, (inputs, units) = layer["type"], layer["shape"]
    members = arguments(layer, RECURRENT)
    if kind == "lstm" and layer.get("bias") is not None:
        members["unit_forget_bias"] = False
    chosen = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[kind]
    count = layer.get("num_layers", 1)
    for number in range(count):
        made = chosen(units, seed=layer.get("seed"), name=kind, **members, **more)
        if layer.get("bidirectional"):
            made = keras.layers.Bidirectional(made)
        made.build((None, 3, inputs))
        inputs = units * (2 if layer.get("bidirectional") else 1)
        prefix = f"layer_{number}/" if count > 1 else ""
        for variable in made.weights:
            if "seed_generator" not in variable.path:
                yield prefix + variable.path.removeprefix(made.name + "/"), variable.value


def as_numpy(value: Any) -> tuple[str, NDArray[Any]]:
    """Return an array's dtype, and its values; of bfloat16, the patterns."""
    dtype = keras.backend.standardize_dtype(value.dtype)
    if dtype != "bfloat16":
        return dtype, np.asarray(keras.ops.convert_to_numpy(value))
    wide = np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32")), np.float32)
    return dtype, (wide.view(np.uint32) >> 16).astype(np.uint16)


def sequential(spec: dict[str, Any]) -> Any:
    """Return the same of a stack of dense layers, as a Sequential with an Input makes them."""
    layers = spec["layers"]
    model = keras.Sequential([keras.Input((layers[0]["shape"][0],), dtype=spec["dtype"])])
    for layer in layers:
        model.add(keras.layers.Dense(layer["shape"][1], dtype=spec["dtype"], **arguments(layer, KERNEL)))
    return [(name, *described(variable.value)) for variable in model.weights for name in [variable.name]]


def described(value: Any) -> tuple[str, list[int], str]:
    dtype, array = as_numpy(value)
    return dtype, list(array.shape), array.tobytes().hex()


def answer(spec: dict[str, Any]) -> Any:
    keras.utils.clear_session()
    keras.utils.set_random_seed(int(spec["seed"]))
    if spec.get("sequential"):
        return sequential(spec)
    found = []
    for layer in spec["layers"]:
        if layer.get("seed") is not None:
            layer["seed"] = int(layer["seed"])
        for name, value in build(layer, spec["dtype"]):
            found.append((name, *described(value)))
    return found


def main() -> None:
    assert keras.backend.backend() == os.environ["KERAS_BACKEND"]
    if os.environ.get("REPLAY_THREADS") and keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(int(os.environ["REPLAY_THREADS"]))
    for line in sys.stdin:
        try:
            made = answer(json.loads(line))
        except Exception as error:
            made = f"{type(error).__name__}: {error}"[:500]
        sys.stdout.write("\nANSWER " + json.dumps(made) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
