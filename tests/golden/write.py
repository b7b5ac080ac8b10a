"""Adds digests of new cases to initserve-1.json. What stands there already must come out the same: it never changes."""

import base64
import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from service.api.entries import layer_example
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS
from service.networks.schemes import PRESETS
from service.specs.spec import Spec
from service.stream import kernels
from service.stream.addresses import Runs
from service.stream.streams import stream_of

FILE = Path(__file__).parent / "initserve-1.json"
# How many cases stood in the file when version 0.1.0 closed it, and the digest of them and of the words. New cases
# come behind them.
SEALED = (124, "0060eceaa74bbc76d530ca9b051264e45f16d054ff6d1d434353b9e0bd62915d")


# Shapes for schemes that do not fit every one.
SHAPES: dict[str, list[int]] = {
    "dirac": [3, 3, 8, 8],
    "torch:dirac": [8, 4, 3, 3],
    "tfjs:identity": [19, 19],
    "delta_orthogonal": [3, 2, 5, 8],
    "reservoir": [30, 30],
    "stft": [16, 1, 9],
    "bilinear": [4, 3, 3, 3],
    "icnr": [3, 3, 4, 16],
    "rope": [40, 8],
    "sinusoidal": [40, 8],
    "hippo": [8, 8],
}


def tensor(scheme: object, **more: object) -> dict[str, Any]:
    name = scheme["name"] if isinstance(scheme, dict) else scheme
    shape = SHAPES.get(str(name), SHAPES.get(str(name).rpartition(":")[2], [23, 17]))
    layer: dict[str, Any] = {"name": "golden", "type": "tensor", "shape": shape, "scheme": scheme}
    if name in ("unit_forget_bias", "chrono"):
        layer = {"name": "golden", "type": "lstm", "shape": [3, 8], "bias": scheme}
    spec: dict[str, Any] = {"seed": "42", **more, "layers": [layer]}
    return spec


def drawn_throughout(kind: str) -> dict[str, Any]:
    """Return the catalogue's example of a layer, with chance in all that its members set."""
    (layer,) = layer_example(kind)["layers"]
    members = dict.fromkeys(("scheme", "bias", "recurrent_scheme"), "random_normal")
    known = LAYERS[kind].model_fields
    return {**layer, "name": "golden", **{name: value for name, value in members.items() if name in known}}


def in_base64(values: list[Any]) -> str:
    file = io.BytesIO()
    np.save(file, np.array(values, np.float32))
    return base64.b64encode(file.getvalue()).decode()


def given_arrays() -> dict[str, dict[str, Any]]:
    """Arrays that begin the tensor of (23, 17): fewer rows than columns, more of them, and columns."""
    few, many = ([[(7 * i + 3 * i * j) % 11 - 5.0 for j in range(17)] for i in range(count)] for count in (5, 20))
    columns = [[i * j % 5 / 4.0 for j in range(6)] for i in range(23)]
    return {
        "like few rows": {"npy": in_base64(few), "rest": "like_rows"},
        "like many rows, near their mean": {"npy": in_base64(many), "rest": {"name": "like_rows", "scale": 1e-3}},
        "like columns": {"npy": in_base64(columns), "rest": "like_rows"},
        "the rest by He": {"npy": in_base64(few), "rest": "he_normal"},
        "the rest orthogonal": {"npy": in_base64(columns), "rest": "orthogonal"},
    }


def cases() -> dict[str, dict[str, Any]]:
    """Every scheme, dtype, layout and layer; the name says which."""
    found: dict[str, dict[str, Any]] = {f"scheme {name}": tensor(name) for name in PRESETS}
    for dtype in ("float64", "float16", "bfloat16"):
        for scheme in ("random_uniform", "random_normal", "he_normal", "orthogonal"):
            found[f"{dtype} {scheme}"] = tensor(scheme, dtype=dtype)
    parametrised: dict[str, dict[str, Any]] = {
        "uniform from 0": {"name": "random_uniform", "minval": 0.0, "maxval": 1.0},
        "uniform across 0": {"name": "random_uniform", "minval": -0.1, "maxval": 1.0},
        "uniform below 0": {"name": "random_uniform", "minval": -3.0, "maxval": -2.0},
        "normal, moved": {"name": "random_normal", "mean": 0.5, "stddev": 0.02},
        "normal, cut on one side": {"name": "truncated_normal", "stddev": 1.0, "lower": 0.0, "upper": 40.0},
        "normal, cut askew": {"name": "truncated_normal", "mean": 0.1, "stddev": 0.3, "lower": -1.0, "upper": 3.0},
        "normal, far tail": {"name": "truncated_normal", "stddev": 1.0, "lower": 7.0, "upper": 8.0},
        "untruncated He": {"name": "variance_scaling", "scale": 2.0, "distribution": "untruncated_normal"},
        "normal, cut at absolute bounds": {"name": "bounded_normal", "stddev": 0.7, "minval": -0.5, "maxval": 1.0},
        "normal, cut but as wide": {"name": "truncated_normal", "lower": -1.0, "upper": 2.0, "preserve_std": True},
        "geometric mean of fans": {"name": "variance_scaling", "mode": "fan_geo_avg"},
        "SIREN's first layer": {"name": "siren", "first": True},
        "imaginary STFT": {"name": "stft", "side": "imag", "window": "hamming", "scaling": "spectrum"},
        "rotary sines": {"name": "rope", "part": "sin", "base": 500000.0},
        "orthogonal with gain": {"name": "orthogonal", "gain": 1.4142135623730951},
    }
    found |= {name: tensor(scheme) for name, scheme in parametrised.items()}
    found |= {name: tensor({"name": "array", **members}) for name, members in given_arrays().items()}
    for seed in ("0", "18446744073709551615"):
        found[f"seed {seed}"] = {**tensor("random_normal"), "seed": seed}
    wide = {"name": "golden", "type": "tensor", "shape": [5, 31], "scheme": "orthogonal"}
    found["orthogonal, wide"] = {"seed": "42", "layers": [wide]}
    layers: list[dict[str, Any]] = [
        {"type": "dense", "shape": [12, 9], "activation": "relu"},
        {"type": "conv1d", "shape": [3, 4, 6], "activation": "tanh", "bias": "random_normal"},
        {"type": "conv2d", "shape": [3, 2, 4, 6], "groups": 2, "activation": "gelu", "seed": "7"},
        {"type": "conv3d", "shape": [2, 3, 2, 4, 5], "bias": None},
        {"type": "embedding", "shape": [11, 5]},
    ]
    more: list[dict[str, Any]] = [
        {"type": "simple_rnn", "shape": [5, 4], "bias": "random_normal"},
        {"type": "lstm", "shape": [5, 4], "bidirectional": True, "num_layers": 2},
        {"type": "gru", "shape": [5, 4], "bias": "random_normal"},
        {"type": "multi_head_attention", "shape": [8, 2, 4], "scheme": "orthogonal"},
        {"type": "grouped_query_attention", "shape": [8, 4, 2], "kv_heads": 2},
        {"type": "conv2d_transpose", "shape": [3, 2, 4, 6], "strides": 2},
        {"type": "depthwise_conv2d", "shape": [3, 3, 4, 2], "activation": "relu"},
        {"type": "separable_conv1d", "shape": [3, 4, 6], "depth_multiplier": 2},
        {"type": "moe_dense", "shape": [3, 4, 5], "scheme": "orthogonal"},
        {"type": "einsum_dense", "equation": "abc,cde->abde", "shape": [6, 2, 3], "bias_axes": "de"},
        {"type": "bilinear", "shape": [3, 4, 5]},
        {"type": "dense", "shape": [6, 5], "lora_rank": 2},
        {"type": "batch_norm", "shape": [4]},
        {"type": "rms_norm", "shape": [4]},
        {"type": "prelu", "shape": [4]},
    ]
    connected: list[dict[str, Any]] = [
        {"type": "conv2d", "shape": [3, 2, 4, 12], "groups": 2, "scheme": "orthogonal"},
        {"type": "conv2d_transpose", "shape": [3, 2, 6, 4], "groups": 2, "scheme": "orthogonal"},
        {"type": "depthwise_conv2d", "shape": [3, 3, 4, 2], "scheme": "delta_orthogonal"},
        {"type": "conv1d_transpose", "shape": [3, 4, 8], "groups": 2, "scheme": "icnr"},
        {"type": "lstm", "shape": [4, 4], "scheme": "identity", "recurrent_scheme": "reservoir"},
        {"type": "gru", "shape": [5, 4], "scheme": "sparse", "recurrent_scheme": "zer_o"},
        {"type": "einsum_dense", "equation": "bsd,ndh->bsnh", "shape": [3, 6, 2], "scheme": "orthogonal"},
        {"type": "multi_head_attention", "shape": [8, 2, 4], "scheme": {"name": "sparse", "columns": "inputs"}},
    ]
    borrowed: dict[str, list[dict[str, Any]]] = {
        "torch": [
            {"type": "conv2d", "shape": [3, 2, 4, 6], "scheme": "torch:orthogonal"},
            {"type": "depthwise_conv2d", "shape": [3, 3, 4, 2], "scheme": "torch:kaiming_normal"},
            {"type": "dense", "shape": [9, 6], "scheme": "torch:sparse"},
            {"type": "gru", "shape": [5, 4], "scheme": "torch:orthogonal", "recurrent_scheme": "torch:eye"},
            {"type": "multi_head_attention", "shape": [8, 2, 4], "scheme": "torch:orthogonal"},
            {"type": "conv1d_transpose", "shape": [3, 4, 8], "groups": 2, "scheme": "torch:dirac"},
        ],
        "keras": [
            {"type": "lstm", "shape": [5, 4], "scheme": "keras:orthogonal", "recurrent_scheme": "keras:identity"},
            {"type": "depthwise_conv2d", "shape": [3, 3, 4, 2], "scheme": "keras:he_normal"},
            {"type": "multi_head_attention", "shape": [8, 2, 4], "scheme": "keras:orthogonal"},
        ],
        "jax": [
            {"type": "lstm", "shape": [5, 4], "scheme": "jax:he_normal", "recurrent_scheme": "jax:orthogonal"},
            {"type": "conv2d_transpose", "shape": [3, 2, 4, 6], "scheme": "jax:delta_orthogonal"},
            {"type": "tensor", "shape": [3, 4, 5], "scheme": {"name": "jax:orthogonal", "column_axis": 0}},
            {"type": "tensor", "shape": [3, 4, 5],
             "scheme": {"name": "jax:variance_scaling", "in_axis": 0, "out_axis": [1, 2], "distribution": "normal"}},
        ],
    }  # fmt: skip
    for kind in LAYERS:
        layer = drawn_throughout(kind)
        for layout in LAYOUTS:
            found[f"layer {kind} as in {layout}"] = {"seed": "42", "layout": layout, "layers": [layer]}
    for framework, arrays in borrowed.items():
        found[f"the arrays of {framework}"] = {"seed": "42", "layers": arrays}
    found["groups, gates and heads apart"] = {"seed": "42", "layers": connected}
    for layout in ("keras", "pytorch", "flax"):
        found[f"more layers as in {layout}"] = {"seed": "42", "layout": layout, "layers": more}
        found[f"more defaults of {layout}"] = {"seed": "42", "layout": layout, "defaults": layout, "layers": more}
        found[f"layers as in {layout}"] = {"seed": "42", "layout": layout, "layers": layers}
        found[f"defaults of {layout}"] = {"seed": "42", "layout": layout, "defaults": layout, "layers": layers}
    return found


def digests(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return name, shape, first values and digest of each parameter."""
    result = []
    for parameter in Spec.model_validate(spec).plan().parameters:
        values = np.concatenate(list(parameter.blocks()))
        first = [hex(v) if parameter.dtype == "bfloat16" else float(v).hex() for v in values[:4].tolist()]
        result.append(
            {
                "key": parameter.key,
                "shape": list(parameter.shape),
                "first": first,
                "sha256": hashlib.sha256(values.tobytes()).hexdigest(),
            }
        )
    return result


def first_words(seed: int, path: str, first: int) -> list[str]:
    out = np.empty(4, np.uint32)
    kernels.fill_words(stream_of(seed, path).address(), Runs.one(first, out.size).starts, out.size, out)
    return [f"{word:08x}" for word in out.tolist()]


def words() -> list[dict[str, Any]]:
    """Words of chosen elements: unaligned, and beyond 2^34, where the counter's second word is at work."""
    addresses = [
        (0, "fc1/kernel", 0),
        (42, "golden/value", 0),
        (42, "golden/value", 2),
        (42, "golden/value", 2**34 + 3),
    ]
    return [
        {"seed": str(seed), "path": path, "element": str(first), "words": first_words(seed, path, first)}
        for seed, path, first in [*addresses, (2**64 - 1, "é/名", 0)]
    ]


def seal(golden: dict[str, Any], count: int) -> str:
    """Return the digest of the words and of the first cases."""
    first = dict(list(golden["cases"].items())[:count])
    return hashlib.sha256(json.dumps([golden["words"], first]).encode()).hexdigest()


def main() -> None:
    """Write the file; refuses to change a case that stands in it."""
    made: dict[str, Any] = {
        "words": words(),
        "cases": {name: {"spec": spec, "parameters": digests(spec)} for name, spec in cases().items()},
    }
    if FILE.exists():
        kept = json.loads(FILE.read_text())
        if seal(kept, SEALED[0]) != SEALED[1]:
            raise SystemExit("the file itself has been changed: what was sealed never is")
        changed = [name for name, case in kept["cases"].items() if made["cases"].get(name) != case]
        if changed or made["words"][: len(kept["words"])] != kept["words"]:
            raise SystemExit(f"these never change, and came out otherwise: {changed or 'words'}")
        made["cases"] = kept["cases"] | made["cases"]
    FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
