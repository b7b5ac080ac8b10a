"""docs/replay.md as a reader would follow it: the framework's lines and the request's give the same file."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import safetensors.numpy
import torch
import transformers

PAGE = (Path(__file__).parents[3] / "docs" / "replay.md").read_text()
SECTIONS = {
    title.strip(): re.findall(r"```(python|sh)\n(.*?)```", body, re.DOTALL)
    for title, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
}


def follow(title: str, server: str, directory: Path) -> Path:
    """Run both blocks of a section in a directory; return the file that the request wrote."""
    (_, program), (_, request) = SECTIONS[title]
    environment = {**os.environ, "KERAS_BACKEND": "torch", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", program], cwd=directory, env=environment, check=True)
    words = shlex.split(request)
    body, output = words[words.index("-d") + 1], words[words.index("-o") + 1]
    address = next(word for word in words if "localhost:8000" in word).replace(
        "localhost:8000", server[len("http://") :]
    )
    answer = httpx.post(f"http://{address}", content=body, headers={"content-type": "application/json"}, timeout=60.0)
    assert answer.status_code == 200, answer.text
    (directory / output).write_bytes(answer.content)
    return directory / output


@pytest.mark.parametrize(("title", "theirs"), [("PyTorch", "torch.npy"), ("JAX", "jax.npy"), ("Keras", "keras.npy")])
def test_the_files_are_the_same_byte_for_byte(title: str, theirs: str, server: str, tmp_path: Path) -> None:
    ours = follow(title, server, tmp_path)
    assert ours.read_bytes() == (tmp_path / theirs).read_bytes()


def test_the_model_is_the_same_in_another_layout(server: str, tmp_path: Path) -> None:
    ours = np.load(follow("A whole model, in another framework's arrays", server, tmp_path))
    theirs = np.load(tmp_path / "torch.npz")
    assert set(ours) == set(theirs)
    for name in theirs:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_the_published_model_is_the_same(server: str, tmp_path: Path) -> None:
    ours = safetensors.numpy.load_file(follow("A published model", server, tmp_path))
    transformers.set_seed(42)
    theirs = transformers.GPT2Model(transformers.GPT2Config()).state_dict()
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        assert torch.equal(value, torch.from_numpy(ours[name])), name
