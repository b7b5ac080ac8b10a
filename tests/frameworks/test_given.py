"""Given arrays against what transformers and timm make of weights that are there."""

import base64
import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import GPT2Config, GPT2LMHeadModel

from service.specs.spec import Spec

NEW = 400


def in_base64(array: NDArray[Any]) -> str:
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


def drawn(layer: dict[str, Any], **more: Any) -> NDArray[Any]:
    (parameter,) = Spec.model_validate({"seed": 5, "layers": [layer], **more}).plan().parameters
    return np.concatenate([*parameter.blocks()]).reshape(parameter.shape)


def test_a_vocabulary_grows_as_resize_token_embeddings_has_it() -> None:
    """Both draw rows with the mean of those that there are, and 1e-9 of their covariance; each with its own chance."""
    torch.manual_seed(3)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=120, n_embd=8, n_layer=1, n_head=2, n_positions=8))
    embedding = model.get_input_embeddings()
    with torch.no_grad():
        embedding.weight.copy_(torch.randn(120, 8) @ torch.randn(8, 8) + torch.randn(8))
    known = embedding.weight.detach().numpy().copy()
    model.resize_token_embeddings(120 + NEW, mean_resizing=True)
    theirs = model.get_input_embeddings().weight.detach().numpy()
    rest = {"name": "like_rows", "scale": 1e-9}
    layer = {
        "type": "embedding",
        "shape": [120 + NEW, 8],
        "scheme": {"name": "array", "npy": in_base64(known), "rest": rest},
    }
    ours = drawn(layer, layout="pytorch")
    assert np.array_equal(ours[:120], theirs[:120])
    spread = np.sqrt(1e-9) * known.std(0)
    mean = known.astype(np.float64).mean(0)
    for made in (ours, theirs):  # 6 standard errors, and the last bits of float32
        added = made[120:].astype(np.float64) - mean
        assert np.all(np.abs(added.mean(0)) < 6.0 * spread / np.sqrt(NEW) + 1e-6)
        assert np.allclose(added.std(0), spread, rtol=6.0 / np.sqrt(2 * NEW), atol=3e-7)
        wanted = 1e-9 * np.cov(known.T, bias=True)
        error = np.sqrt(np.outer(spread, spread) ** 2 + wanted**2) / np.sqrt(NEW)
        assert np.all(np.abs(np.cov(added.T, bias=True) - wanted) < 6.0 * error + 1e-12)


ADAPT = """
import sys, numpy, torch
from tests.frameworks.families.built import without_operators
sys.path.append(sys.argv[1])
without_operators()
from timm.models._manipulate import adapt_input_conv
kernel = torch.from_numpy(numpy.load(sys.argv[2]))
for channels in map(int, sys.argv[4:]):
    numpy.save(f"{sys.argv[3]}/{channels}.npy", adapt_input_conv(channels, kernel).numpy())
"""
CHANNELS = (1, 2, 3, 4, 5, 6, 12)


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kernel, and what timm's adapt_input_conv makes of it: in a process of its own, as timm needs torchvision."""
    models, folder = Path(sys.prefix) / "models", tmp_path_factory.mktemp("adapted")
    if not (models / "timm").exists():
        pytest.skip("make frameworks installs timm")
    np.save(folder / "kernel.npy", np.random.default_rng(1).normal(size=(5, 3, 7, 7)).astype(np.float32))
    command = [sys.executable, "-c", ADAPT, str(models), str(folder / "kernel.npy"), str(folder), *map(str, CHANNELS)]
    subprocess.run(command, check=True, timeout=120)
    return folder


@pytest.mark.parametrize("channels", CHANNELS)
def test_a_first_kernel_gets_other_channels_as_timm_has_it(adapted: Path, channels: int) -> None:
    kernel, theirs = np.load(adapted / "kernel.npy"), np.load(adapted / f"{channels}.npy")
    way = "average" if channels == 1 else "repeat"
    scheme = {"name": "array", "npy": in_base64(kernel.transpose(2, 3, 1, 0)), "channels": way}
    layer = {"type": "conv2d", "shape": [7, 7, channels, 5], "scheme": scheme, "bias": None}
    assert np.allclose(drawn(layer, layout="pytorch"), theirs, rtol=1e-6, atol=1e-6)
