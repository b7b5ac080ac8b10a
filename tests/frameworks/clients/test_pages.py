"""The pages for each framework's user: their lines run as they stand, their programs too, and print what they show."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import keras
import numpy
import pytest
import torch
from flax import linen
from torch import nn
from transformers import AutoModelForCausalLM

from tests.conftest import ROOT, free_port
from tests.frameworks.clients.test_torch import small

PROGRAM = re.compile(r"`(\w+\.py)`:\n\n```python\n(.*?)```", re.DOTALL)


class Net(linen.Module):
    @linen.compact
    def __call__(self, x: Any) -> Any:
        x = linen.relu(linen.Dense(32)(x))
        return linen.Dense(10)(x)


def of_torch() -> dict[str, Any]:
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    return {"torch": torch, "nn": nn, "AutoModelForCausalLM": AutoModelForCausalLM, "config": small("llama")} | {
        "model": model
    }


def of_jax() -> dict[str, Any]:
    return {"jax": jax, "model": Net(), "x": jax.numpy.zeros((2, 64))}


def of_keras() -> dict[str, Any]:
    dense = keras.layers.Dense
    model = keras.Sequential([keras.Input((64,)), dense(32, activation="relu"), dense(10)])
    return {"keras": keras, "numpy": numpy, "model": model}


NAMES = {"torch": of_torch, "jax": of_jax, "keras": of_keras}


def page(name: str) -> str:
    return (ROOT / "docs" / f"{name}.md").read_text()


def shown(text: str) -> list[str]:
    return re.findall(r"```text\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_its_lines_run_and_print_what_it_shows(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = page(name)
    lines = re.findall(r"```python\n(.*?)```", PROGRAM.sub("", text), re.DOTALL)
    assert len(lines) >= 4
    assert len(lines[0].strip().splitlines()) in (3, 4), "it begins with three lines"
    exec("".join(lines), NAMES[name]())
    assert capsys.readouterr().out == shown(text)[0]


@pytest.mark.parametrize("name", NAMES)
def test_its_programs_print_what_it_shows(name: str, tmp_path: Path) -> None:
    """The proof: the same bytes on two ranks and four, on two devices and four, on one backend and another."""
    text = page(name)
    for file, program in PROGRAM.findall(text):
        (tmp_path / file).write_text(program)
    (commands,) = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    printed = "".join(run(line, tmp_path) for line in commands.splitlines())
    assert printed == shown(text)[-1]
    assert len({each.split()[-1] for each in printed.splitlines()}) == 1


def run(line: str, folder: Path) -> str:
    """Run a line of shell with this environment's Python and packages; return what it prints."""
    words = shlex.split(line)
    variables = dict(word.split("=") for word in words if "=" in word)
    words = [word for word in words if "=" not in word]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--master-port", str(free_port())]
    words[:1] = torchrun if words[0] == "torchrun" else [sys.executable]
    quiet = {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    environment = {**os.environ, **quiet, "PYTHONPATH": f"{ROOT}:{ROOT}/clients/python", **variables}
    found = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert found.returncode == 0, found.stderr[-3000:]
    return found.stdout


def test_the_three_lines_of_the_readme_run() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    for block, names in zip(blocks, (of_torch(), of_jax() | {"key": jax.random.key(0)}, of_keras()), strict=True):
        assert len(block.splitlines()) == 3
        exec(block, names)
        assert names.get("report") or names.get("variables")
