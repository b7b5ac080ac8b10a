"""EXAMPLES: a small network around each layer without weights, for the catalogue; each runs at /diagnose."""

from collections.abc import Mapping
from typing import Any

Layer = dict[str, Any]


def network(input_shape: list[int], *layers: Layer) -> dict[str, Any]:
    return {"seed": 42, "input_shape": input_shape, "layers": [*layers]}


def dense(name: str, width: int, outputs: int, **more: Any) -> Layer:
    return {"name": name, "type": "dense", "shape": [width, outputs], **more}


def conv(name: str, inputs: int, outputs: int, **more: Any) -> Layer:
    return {"name": name, "type": "conv2d", "shape": [3, 3, inputs, outputs], "padding": "same", **more}


BRANCH = dense("branch", 8, 8, activation="relu")
WORDS: Layer = {"name": "words", "type": "embedding", "shape": [100, 8]}
STEM = conv("stem", 3, 8)
HEADS = [dense(name, 8, 8, inputs=["input"]) for name in ("query", "key", "value")]
EXAMPLES: Mapping[str, dict[str, Any]] = {
    "add": network([8], BRANCH, {"type": "add", "inputs": ["input", "branch"]}, dense("out", 8, 4)),
    "multiply": network(
        [8],
        dense("gate", 8, 8, activation="sigmoid"),
        dense("value", 8, 8, inputs=["input"]),
        {"type": "multiply", "inputs": ["gate", "value"]},
    ),
    "concatenate": network([8], BRANCH, {"type": "concatenate", "inputs": ["input", "branch"]}, dense("out", 16, 4)),
    "activation": network(
        [8], BRANCH, {"type": "layer_norm", "shape": [8]}, {"type": "activation", "activation": "relu"}
    ),
    "flatten": network([8, 8, 3], STEM, {"type": "flatten"}, dense("out", 512, 10)),
    "reshape": network([8, 8, 3], STEM, {"type": "reshape", "shape": [64, -1]}, dense("out", 8, 4)),
    "transpose": network([16, 8], {"type": "transpose", "axes": [2, 1]}, dense("mixed", 16, 16)),
    "max_pool": network([8, 8, 3], STEM, {"type": "max_pool", "window": 2}, {"type": "flatten"}, dense("out", 128, 10)),
    "average_pool": network([8, 8, 3], STEM, {"type": "average_pool", "window": 2}, conv("next", 8, 16)),
    "global_average_pool": network([8, 8, 3], STEM, {"type": "global_average_pool"}, dense("out", 8, 10)),
    "upsample": network([8, 8, 3], STEM, {"type": "upsample", "factor": 2}, conv("finer", 8, 3)),
    "pad": network([8, 8, 3], {"type": "pad", "padding": [[1, 1], [1, 1], [0, 0]]}, {**STEM, "padding": "valid"}),
    "split": network(
        [8],
        dense("both", 8, 16),
        {"name": "halves", "type": "split", "sizes": [8, 8]},
        {"name": "gate", "type": "activation", "activation": "sigmoid", "inputs": ["halves:0"]},
        {"type": "multiply", "inputs": ["gate", "halves:1"]},
    ),
    "scale": network(
        [8], BRANCH, {"name": "half", "type": "scale", "by": 0.5}, {"type": "add", "inputs": ["input", "half"]}
    ),
    "tied": network(
        [16], WORDS, dense("hidden", 8, 8, activation="tanh"), {"type": "tied", "to": "words", "transposed": True}
    ),
    "dot_product_attention": network(
        [16, 8], *HEADS, {"type": "dot_product_attention", "heads": 2, "inputs": ["query", "key", "value"]}
    ),
    "relative_positions": network(
        [16, 8],
        {"name": "distance", "type": "relative_positions", "inputs": ["input", "input"]},
        {"name": "bias", "type": "embedding", "shape": [32, 2]},
        *HEADS,
        {"type": "dot_product_attention", "heads": 2, "inputs": ["query", "key", "value", "bias"]},
    ),
    "rotary": network(
        [16, 8],
        *HEADS,
        {"name": "turned_query", "type": "rotary", "heads": 2, "inputs": ["query"]},
        {"name": "turned_key", "type": "rotary", "heads": 2, "inputs": ["key"]},
        {"type": "dot_product_attention", "heads": 2, "inputs": ["turned_query", "turned_key", "value"]},
    ),
}
