"""The programs that the page offers: run, they end in a framework's arrays with the bytes that the service answers."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import safetensors.torch
import torch

HERE = Path(__file__).parent
Layer = dict[str, Any]
CHAIN: list[Layer] = [
    {"name": "fc1", "type": "dense", "shape": [9, 6], "activation": "relu"},
    {"name": "fc2", "type": "dense", "shape": [6, 5], "activation": "tanh", "bias": None},
    {"name": "class", "type": "dense", "shape": [5, 3], "activation": "softmax"},
]
LAYERS: list[Layer] = [
    {"name": "block.conv", "type": "conv2d", "shape": [3, 3, 4, 6], "groups": 2},
    {"name": "block.norm", "type": "batch_norm", "shape": [6]},
    {"name": "apart", "type": "separable_conv2d", "shape": [3, 3, 2, 5]},
    {"name": "words", "type": "embedding", "shape": [7, 4]},
    {"name": "lstm", "type": "lstm", "shape": [4, 5]},
    {"name": "look", "type": "multi_head_attention", "shape": [6, 2, 3]},
    {"name": "drop", "type": "dropout"},
    {"name": "norm", "type": "layer_norm", "shape": [6]},
]
LISTED: list[Layer] = [{"name": "u", "type": "tensor", "shape": [2, 3]}, *CHAIN]
SPECS: dict[str, dict[str, Any]] = {
    "chain": {"seed": "42", "layers": CHAIN},
    "layers": {"seed": "42", "layers": LAYERS},
    "bare": {"seed": "42", "layers": LISTED},
    "other-layout": {"seed": "42", "algorithm": "torch-cpu/1", "layers": CHAIN},
    "recipe": {
        "seed": "42",
        "recipe": "gpt2",
        "config": {"n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 11, "n_positions": 7},
    },
    "halves": {"seed": "42", "dtype": "bfloat16", "layers": CHAIN},
    "doubles": {"seed": "42", "dtype": "float64", "layers": CHAIN},
}
LAYOUTS = {"pytorch": "pytorch", "keras": "keras", "linen": "flax", "nnx": "flax", "numpy": None}
# What each framework holds in the end, as {key: (shape, SHA-256)}: from the program's own variables.
HELD = {
    "pytorch": "{k: v for k, v in (model.state_dict() if 'model' in globals() else weights).items()"
    " if 'num_batches' not in k}",
    "keras": "keras_arrays(globals())",
    "linen": "{'/'.join(p): v for tree in variables.values() for p, v in flatten_dict(tree).items()}",
    "nnx": "nnx_arrays(globals())",
    "numpy": "weights",
}
TOLD = """
import hashlib, json
import numpy as np
from flax.traverse_util import flatten_dict

def keras_arrays(found):
    import keras
    if "model" in found:
        return {str(number): each for number, each in enumerate(found["model"].get_weights())}
    layers = [each for each in found.values() if isinstance(each, keras.layers.Layer)]
    arrays = [array for layer in layers for array in layer.get_weights()]
    return {str(number): each for number, each in enumerate(arrays)} if layers else found["weights"]

def nnx_arrays(found):
    from flax import nnx
    layers = {name: each for name, each in found.items() if isinstance(each, nnx.Module)}
    if not layers:
        return {"/".join(path): value for path, value in flatten_dict(found["variables"]).items()}
    states = [nnx.to_pure_dict(nnx.state(each, nnx.Any(nnx.Param, nnx.BatchStat))) for each in layers.values()]
    return {f"{n}/{'/'.join(map(str, p))}": v for n, s in enumerate(states) for p, v in flatten_dict(s).items()}

def digested(value):
    if type(value).__module__ == "torch":
        import torch
        data, dtype = value.contiguous().view(torch.uint8).numpy().tobytes(), str(value.dtype).removeprefix("torch.")
    else:
        value = np.ascontiguousarray(value).reshape(np.shape(value))
        data, dtype = value.tobytes(), str(value.dtype)
    return [list(value.shape), dtype, hashlib.sha256(data).hexdigest()]

arrays = %s
print(json.dumps(sorted(digested(value) for value in arrays.values())))
print(json.dumps(sorted(key.replace(".", "/") for key in arrays)))
"""


def program(name: str, spec: dict[str, Any], server: str, link: bool = True) -> str:
    layout = LAYOUTS.get(name)
    asked = {**spec, **({"layout": layout} if layout else {})}
    plan = httpx.post(f"{server}/plan", json=asked, timeout=60).json()
    if not link:
        del plan["links"]
    question = json.dumps([{"name": name, "spec": asked, "plan": plan, "address": server}])
    command = ["node", str(HERE / "written_programs.mjs")]
    done = subprocess.run(command, input=question, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    assert "lines" in answer, answer
    return str(answer["lines"])


def wanted(spec: dict[str, Any], layout: str | None, server: str, folder: Path) -> tuple[list[Any], list[str]]:
    """Return the shapes, dtypes and digests that the service answers, and the keys, both in order."""
    asked = {**spec, **({"layout": layout} if layout else {})}
    answer = httpx.post(f"{server}/init?format=safetensors", json=asked, timeout=60).raise_for_status()
    file = folder / "wanted.safetensors"
    file.write_bytes(answer.content)
    arrays = safetensors.torch.load_file(file)
    told = [digested(each) for each in arrays.values()]
    return sorted(told), sorted(key.replace(".", "/") for key in arrays)


def digested(value: torch.Tensor) -> list[Any]:
    data = value.contiguous().view(torch.uint8).numpy().tobytes()
    return [list(value.shape), str(value.dtype).removeprefix("torch."), hashlib.sha256(data).hexdigest()]


def run(name: str, programs: list[str], folder: Path) -> list[tuple[list[Any], list[str]]]:
    """Return what each program holds in the end; all of them run in one process."""
    environment = {**os.environ, "KERAS_BACKEND": "torch", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "1"}
    question = json.dumps([lines + "\n" + TOLD % HELD[name] for lines in programs])
    command = [sys.executable, str(HERE / "run_lines.py")]
    done = subprocess.run(
        command, input=question, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert "\nANSWERS " in done.stdout, done.stderr
    found = []
    for lines, said in zip(programs, json.loads(done.stdout.rsplit("\nANSWERS ", 1)[1]), strict=True):
        assert "Traceback" not in said, f"{lines}\n{said}"
        arrays, keys = said.splitlines()[-2:]
        found.append((json.loads(arrays), json.loads(keys)))
    return found


@pytest.mark.skipif(shutil.which("node") is None, reason="no Node; make node installs it")
@pytest.mark.parametrize("name", LAYOUTS)
def test_a_program_holds_the_services_bytes(name: str, server: str, tmp_path: Path) -> None:
    networks = {key: spec for key, spec in SPECS.items() if key != "halves" or name not in ("keras", "numpy")}
    programs = [program(name, spec, server) for spec in networks.values()]
    posted = program(name, SPECS["chain"], server, link=False)
    assert all("/weights/" in lines for lines in programs)
    assert "/weights/" not in posted
    held = run(name, [*programs, posted], tmp_path)
    for network, spec, (arrays, keys) in zip(
        [*networks, "posted"], [*networks.values(), SPECS["chain"]], held, strict=True
    ):
        told, names = wanted(spec, LAYOUTS[name], server, tmp_path)
        assert arrays == told, network
        if name in ("pytorch", "linen", "numpy"):
            assert keys == names, network
    models = dict(zip(networks, programs, strict=True))
    if name != "numpy":
        assert "model" in models["chain"] or "Network" in models["chain"] or "nnx.Linear" in models["chain"]
        assert "lstm" in models["layers"] or name == "linen"
