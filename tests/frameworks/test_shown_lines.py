"""The lines that the page shows beside a framework's stream: run in that framework, they print what the page says."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "JAX_PLATFORMS": "cpu"}
Layer = dict[str, Any]
Case = dict[str, Any]

DENSE: list[Layer] = [
    {"name": "fc1", "type": "dense", "shape": [9, 6], "activation": "relu"},
    {"name": "block.fc2", "type": "dense", "shape": [6, 5], "activation": "tanh", "bias": None},
    {"name": "class", "type": "dense", "shape": [5, 3], "activation": "softmax"},
]
CONVOLUTIONS: list[Layer] = [
    {"name": "a", "type": "conv2d", "shape": [3, 2, 4, 6], "strides": 2, "groups": 2},
    {"name": "b", "type": "conv1d", "shape": [3, 4, 2]},
    {"name": "c", "type": "conv3d", "shape": [2, 2, 2, 1, 2], "bias": None},
    {"name": "d", "type": "depthwise_conv2d", "shape": [3, 3, 2, 3]},
    {"name": "e", "type": "conv2d_transpose", "shape": [2, 3, 4, 2]},
    {"name": "f", "type": "separable_conv2d", "shape": [3, 3, 2, 5], "depth_multiplier": 2},
    {"name": "g", "type": "conv1d_transpose", "shape": [3, 4, 2]},
]
NORMS: list[Layer] = [
    {"name": "bn", "type": "batch_norm", "shape": [4]},
    {"name": "ln", "type": "layer_norm", "shape": [4]},
    {"name": "gn", "type": "group_norm", "shape": [4], "num_groups": 2},
    {"name": "rms", "type": "rms_norm", "shape": [4]},
    {"name": "slope", "type": "prelu", "shape": [1]},
]
LOOKING: list[Layer] = [
    {"name": "words", "type": "embedding", "shape": [7, 4]},
    {"name": "drop", "type": "dropout"},
    {"name": "look", "type": "multi_head_attention", "shape": [6, 2, 3]},
    {"name": "u", "type": "tensor", "shape": [2, 3, 4], "scheme": "glorot_uniform"},
    {"name": "v", "type": "tensor", "shape": [3, 5], "scheme": {"name": "random_normal", "stddev": 0.5}},
]
RECURRENT: list[Layer] = [
    {"name": name, "type": name, "shape": [3, 4], "recurrent_scheme": "glorot_uniform"}
    for name in ("simple_rnn", "lstm", "gru")
]
BOTH_WAYS: list[Layer] = [
    {"name": f"{name}_both", "type": name, "shape": [3, 4], "bidirectional": True, "recurrent_scheme": "glorot_uniform"}
    for name in ("lstm", "simple_rnn")
]
TORCH_RECURRENT: list[Layer] = [
    {"name": "rnn", "type": "simple_rnn", "shape": [3, 4]},
    {"name": "lstm", "type": "lstm", "shape": [3, 4], "num_layers": 2, "bidirectional": True},
    {"name": "narrow", "type": "lstm", "shape": [3, 4], "projection": 2},
    {"name": "gru", "type": "gru", "shape": [3, 4], "bias": None},
    {"name": "cell", "type": "gru", "shape": [3, 4], "cell": True},
]
TORCH_OTHERS: list[Layer] = [
    {"name": "bilinear", "type": "bilinear", "shape": [3, 4, 2]},
    {"name": "padded", "type": "embedding", "shape": [5, 3], "padding_index": 1},
    {"name": "wide", "type": "multi_head_attention", "shape": [6, 2, 3], "key_width": 4, "value_width": 5},
    {"name": "encoder", "type": "transformer_encoder", "shape": [6, 2, 5], "num_layers": 2, "norm": True},
    {"name": "decoder", "type": "transformer_decoder_layer", "shape": [6, 2, 5]},
    {"name": "gpt", "type": "transformers_conv1d", "shape": [5, 3]},
    {"name": "image", "type": "instance_norm", "shape": [3]},
]


def stated(*schemes: Any) -> list[Layer]:
    """Return dense layers between others that have a framework's own start."""
    layers = []
    for number, scheme in enumerate(schemes):
        layers.append({"name": f"s{number}", "type": "dense", "shape": [9, 7], "scheme": scheme})
        layers.append({"name": f"own{number}", "type": "dense", "shape": [7, 4]})
    return layers


NUMBERS: list[Any] = [
    {"name": "random_normal", "mean": 0.25, "stddev": 0.3},
    {"name": "random_uniform", "minval": -0.3, "maxval": 0.7},
    {"name": "random_uniform", "minval": 0.0, "maxval": 0.7},
    {"name": "constant", "value": 0.7},
]
KERAS_LIKE: list[Any] = [
    "he_normal",
    "glorot_uniform",
    "lecun_uniform",
    {"name": "truncated_normal", "stddev": 0.2},
    *NUMBERS,
]
JAX_LIKE: list[Any] = [
    "he_normal",
    "glorot_uniform",
    {"name": "variance_scaling", "scale": 3.0, "mode": "fan_avg", "distribution": "untruncated_normal"},
    {"name": "jax:truncated_normal", "stddev": 0.2, "lower": -1.0, "upper": 3.0},
    *NUMBERS,
]
TORCH_LIKE: list[Any] = [
    "torch:kaiming_normal",
    "torch:xavier_uniform",
    {"name": "torch:xavier_normal", "gain": 1.7},
    {"name": "torch:kaiming_uniform", "a": 1.3},
    {"name": "torch:kaiming_normal", "a": 0.3, "mode": "fan_out"},
    {"name": "torch:trunc_normal", "std": 0.02},
    {"name": "torch:sparse", "sparsity": 0.3, "std": 0.2},
    "torch:eye",
    *NUMBERS,
]
NUMPY_LIKE: list[Any] = ["he_uniform", "glorot_uniform", "torch:kaiming_normal", *NUMBERS]
TORCH_DIRAC: list[Layer] = [
    {"name": "d", "type": "conv2d", "shape": [3, 3, 4, 4], "groups": 2, "scheme": "torch:dirac"}
]
TORCH_ATTENTION: list[Layer] = [
    {"name": "look", "type": "multi_head_attention", "shape": [6, 2, 3], "scheme": "torch:normal",
     "output_scheme": "torch:normal", "bias": "torch:uniform"}
]  # fmt: skip
EINSUM: list[Layer] = [
    {"name": "e", "type": "einsum_dense", "shape": [4, 2, 3], "equation": "abc,cde->abde", "bias_axes": "de"}
]
LORA: list[Layer] = [{"name": "low", "type": "dense", "shape": [5, 4], "lora_rank": 2}]
GROUPED: list[Layer] = [{"name": "g", "type": "grouped_query_attention", "shape": [8, 4, 2], "kv_heads": 2}]
WITHOUT_BATCH: list[Layer] = [{**layer, "name": f"block.{layer['name']}"} for layer in NORMS[1:3]]

TORCH: list[list[Layer]] = [
    DENSE,
    CONVOLUTIONS,
    NORMS,
    LOOKING,
    TORCH_RECURRENT,
    TORCH_OTHERS,
    stated(*TORCH_LIKE),
    TORCH_DIRAC,
    TORCH_ATTENTION,
]
KERAS: list[list[Layer]] = [
    DENSE,
    CONVOLUTIONS,
    NORMS,
    LOOKING,
    RECURRENT,
    BOTH_WAYS,
    stated(*KERAS_LIKE),
    EINSUM,
    LORA,
    GROUPED,
]
LINEN: list[list[Layer]] = [
    DENSE,
    CONVOLUTIONS,
    NORMS,
    WITHOUT_BATCH,
    LOOKING,
    RECURRENT,
    BOTH_WAYS,
    stated(*JAX_LIKE),
    EINSUM,
]
NNX: list[list[Layer]] = [
    DENSE,
    CONVOLUTIONS,
    NORMS,
    LOOKING,
    RECURRENT,
    BOTH_WAYS,
    stated(*JAX_LIKE),
    EINSUM,
    LORA,
    GROUPED,
]
JAX: list[list[Layer]] = [DENSE, LOOKING[:1], LOOKING[3:], stated(*JAX_LIKE)]
NUMPY: list[list[Layer]] = [DENSE, stated(*NUMPY_LIKE), LOOKING[:2]]
# What each stream is asked for: networks, and how else the same may be asked.
ASKED: dict[str, tuple[list[list[Layer]], list[dict[str, Any]]]] = {
    "torch-cpu/1": (TORCH, [{}, {"seed": str(2**64 - 5), "dtype": "bfloat16"}]),
    "torch-cpu-default/1": ([DENSE], [{}]),
    "keras-numpy/1": ([DENSE, LOOKING, stated(*KERAS_LIKE)], [{}]),
    "keras-torch/1": (KERAS, [{}, {"dtype": "float16"}]),
    "keras-jax/1": ([DENSE, CONVOLUTIONS, LOOKING, stated(*KERAS_LIKE)], [{}, {"dtype": "bfloat16"}]),
    "keras-tensorflow/1": ([DENSE, LOOKING, stated(*KERAS_LIKE)], [{}]),
    "jax-threefry/1": (JAX, [{}, {"seed": str(2**63 - 5)}, {"dtype": "bfloat16"}]),
    "jax-threefry-jit/1": ([DENSE], [{}]),
    "jax-threefry-original/1": ([DENSE], [{}]),
    "flax-linen/1": (LINEN, [{}, {"dtype": "bfloat16"}]),
    "flax-nnx/1": (NNX, [{}, {"dtype": "float16"}]),
    "numpy-pcg64/1": (NUMPY, [{}, {"dtype": "float64"}]),
    "numpy-mt19937/1": (NUMPY, [{}]),
}


def cases(algorithm: str, server: str) -> list[Case]:
    """Return a case for each array of each network; of each layer's first alone where it is asked for otherwise.

    Of Flax's layers the first and the last two arrays stand for the rest: each case compiles its module anew.
    """
    networks, ways = ASKED[algorithm]
    found = []
    for layers in networks:
        for way in ways if layers is not LORA else [{}]:
            spec = {"seed": "42", "algorithm": algorithm, "layers": layers, **way}
            answer = httpx.post(f"{server}/plan", json=spec, timeout=60)
            assert answer.status_code == 200, (algorithm, answer.text)
            plan = answer.json()
            for index, layer in enumerate(plan["layers"]):
                for place, parameter in some(layer["parameters"], algorithm, bool(way)):
                    found.append({"spec": spec, "plan": plan, "at": {"layer": index, "parameter": place},
                                  "values": first(server, parameter), "address": server})  # fmt: skip
    return found


def some(parameters: list[Any], algorithm: str, otherwise: bool) -> list[tuple[int, Any]]:
    each = list(enumerate(parameters))
    if otherwise:
        return each[:1]
    return each[:2] + each[2:][-2:] if algorithm.startswith("flax") else each


def first(server: str, parameter: dict[str, Any]) -> list[float]:
    """Return an array's first five values, from its address."""
    width = {"float64": 8, "float32": 4}.get(parameter["dtype"], 2)
    some = httpx.get(server + parameter["links"]["raw"], headers={"range": f"bytes=0-{5 * width - 1}"}, timeout=60)
    if parameter["dtype"] == "bfloat16":
        widened = np.frombuffer(some.content, "<u2").astype("<u4") << 16
        return [float(value) for value in widened.view("<f4")]
    return [float(value) for value in np.frombuffer(some.content, f"<f{width}")]


def written(asked: list[Case]) -> list[dict[str, Any]]:
    command = ["node", str(HERE / "shown_lines.mjs")]
    done = subprocess.run(command, input=json.dumps(asked), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def run(programs: list[str]) -> list[str]:
    """Return what each program prints, all of them in one process."""
    command = [sys.executable, str(HERE / "run_lines.py")]
    environment = {key: value for key, value in os.environ.items() if key != "KERAS_BACKEND"} | QUIET
    done = subprocess.run(
        command, input=json.dumps(programs), capture_output=True, text=True, check=False, env=environment
    )
    assert "\nANSWERS " in done.stdout, done.stderr
    answers: list[str] = json.loads(done.stdout.rsplit("\nANSWERS ", 1)[1])
    return answers


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node; make node installs it")
@pytest.mark.parametrize("algorithm", ASKED)
def test_the_lines_print_what_the_page_shows(algorithm: str, server: str) -> None:
    asked = cases(algorithm, server)
    shown = written(asked)
    assert [each["unwritten"] for each in shown if "unwritten" in each] == ALLOWED.get(algorithm, [])
    pairs = [(case, each) for case, each in zip(asked, shown, strict=True) if "lines" in each]
    said = run([each["lines"] for _, each in pairs])
    wrong = [
        f"{case['at']}\n{each['lines']}\n{found}\n{each['printed']}\n"
        for (case, each), found in zip(pairs, said, strict=True)
        if (found.splitlines() or [""])[-1] != each["printed"]
    ]
    assert not wrong, f"{len(wrong)} of {len(pairs)}:\n" + "\n".join(wrong[:12])


# nnx's GRU has no second bias for its state.
ALLOWED: dict[str, list[Any]] = {"flax-nnx/1": [{"key": "lines.absent", "values": {"name": "hn/bias"}}]}
