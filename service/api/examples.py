"""Named example requests, as Swagger UI offers them; a test sends each."""

from typing import Any

EXAMPLES: dict[str, dict[str, Any]] = {
    "mlp": {
        "summary": "A small network: schemes by activation",
        "value": {
            "seed": 42,
            "layers": [
                {"name": "hidden", "type": "dense", "shape": [16, 8], "activation": "relu"},
                {"name": "out", "type": "dense", "shape": [8, 3], "activation": "softmax"},
            ],
        },
    },
    "stated": {
        "summary": "Schemes stated, one with its parameters; a layer without a bias",
        "value": {
            "seed": "18446744073709551615",
            "layers": [
                {"type": "dense", "shape": [16, 8], "scheme": {"name": "random_normal", "mean": 0.0, "stddev": 0.001}},
                {"type": "dense", "shape": [8, 8], "scheme": "orthogonal", "bias": None},
                {"type": "dense", "shape": [8, 3], "scheme": "glorot_uniform", "bias": "zeros", "seed": 7},
            ],
        },
    },
    "convolutions": {
        "summary": "Convolutions, one in groups, as PyTorch arranges them",
        "value": {
            "seed": 42,
            "layout": "pytorch",
            "layers": [
                {"name": "stem", "type": "conv2d", "shape": [3, 3, 3, 8], "activation": "relu"},
                {"name": "grouped", "type": "conv2d", "shape": [3, 3, 8, 8], "groups": 4, "activation": "silu"},
            ],
        },
    },
    "defaults": {
        "summary": "What Keras itself gives: glorot_uniform and zeros",
        "value": {
            "seed": 42,
            "defaults": "keras",
            "layers": [{"type": "dense", "shape": [16, 8], "activation": "relu"}],
        },
    },
    "zeros": {
        "summary": "Zeros on weights: a warning says why nothing is learnt",
        "value": {"layers": [{"type": "dense", "shape": [4, 2], "scheme": "zeros"}]},
    },
    "tensor": {
        "summary": "A bare array in half precision",
        "value": {
            "seed": 1,
            "dtype": "float16",
            "layers": [{"type": "tensor", "shape": [4, 5, 6], "scheme": "lecun_normal", "fan_in": 20, "fan_out": 24}],
        },
    },
    "sequence": {
        "summary": "Tokens, a recurrent layer, attention",
        "value": {
            "seed": 42,
            "layers": [
                {"name": "words", "type": "embedding", "shape": [50, 8]},
                {"name": "reads", "type": "lstm", "shape": [8, 8]},
                {"name": "attends", "type": "multi_head_attention", "shape": [8, 2, 4]},
                {"name": "out", "type": "dense", "shape": [8, 3], "activation": "softmax"},
            ],
        },
    },
    "network": {
        "summary": "A residual block: structure changes no weight, and sizes must chain",
        "value": {
            "seed": 42,
            "input_shape": [16],
            "layers": [
                {"name": "norm", "type": "layer_norm", "shape": [16]},
                {"name": "branch", "type": "dense", "shape": [16, 16], "activation": "relu"},
                {"name": "sum", "type": "add", "inputs": ["input", "branch"]},
                {"name": "out", "type": "dense", "shape": [16, 4]},
            ],
        },
    },
    "recipe": {
        "summary": "A published network as its library names and starts it: GPT-2, with sizes of a config.json",
        "value": {
            "seed": 42,
            "recipe": "gpt2",
            "config": {"n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 16, "n_positions": 8},
        },
    },
    "torch": {
        "summary": "PyTorch's own numbers after torch.manual_seed(0), bit for bit",
        "value": {
            "seed": 0,
            "algorithm": "torch-cpu/1",
            "layers": [
                {"name": "fc1", "type": "dense", "shape": [16, 8]},
                {"name": "fc2", "type": "dense", "shape": [8, 3]},
            ],
        },
    },
}
# What is planned on a page, and drawn into a file.
LARGE_EXAMPLES: dict[str, dict[str, Any]] = {
    "fixup": {
        "summary": "A published start: Fixup's residual blocks, small",
        "value": {"seed": 42, "recipe": "fixup", "size": "small"},
    },
}
