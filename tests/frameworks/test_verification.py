"""Files as the frameworks themselves write them: torch's own weights, saved by its library, are what a spec gives."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file, save_model
from torch import nn
from transformers import GPT2Model

from service.cli import main
from service.formats import FORMATS, Include
from service.specs.spec import Spec
from tests.frameworks.test_files import GPT2


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.conv = nn.Conv2d(4, 6, 3, groups=2)
        self.reads = nn.LSTM(16, 12, batch_first=True)
        self.out = nn.Linear(12, 7, bias=False)


SPEC: dict[str, Any] = {
    "algorithm": "torch-cpu/1",
    "seed": 42,
    "layers": [
        {"name": "embed", "type": "embedding", "shape": [50, 16]},
        {"name": "conv", "type": "conv2d", "shape": [3, 3, 4, 6], "groups": 2},
        {"name": "reads", "type": "lstm", "shape": [16, 12]},
        {"name": "out", "type": "dense", "shape": [12, 7], "bias": None},
    ],
}


def verify(file: Path, spec: dict[str, Any]) -> int:
    (file.parent / "spec.json").write_text(json.dumps(spec))
    try:
        main(["verify", str(file), "--spec", str(file.parent / "spec.json")])
    except SystemExit as ended:
        return int(str(ended.code))
    return 0


def test_torchs_own_file_of_its_own_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(42)
    network = Network()
    save_model(network, str(tmp_path / "model.safetensors"))
    assert verify(tmp_path / "model.safetensors", SPEC) == 0
    assert verify(tmp_path / "model.safetensors", {**SPEC, "seed": 43}) == 1
    with torch.no_grad():
        network.reads.weight_hh_l0[47, 11] += 1.0
    save_file(network.state_dict(), tmp_path / "model.safetensors")
    capsys.readouterr()
    assert verify(tmp_path / "model.safetensors", SPEC) == 1
    assert "first reads.weight_hh_l0 at [47, 11]: " in capsys.readouterr().out


def test_a_pickle_of_torchs_is_told_from_an_archive_of_arrays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(Network().state_dict(), tmp_path / "model.pt")
    assert verify(tmp_path / "model.pt", SPEC) == 2
    assert "pickle of PyTorch's" in capsys.readouterr().err


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_every_dtype_as_the_library_writes_it(tmp_path: Path, dtype: str) -> None:
    """In the library's order, the largest elements first and then by name, with other tensors among them."""
    spec = {"seed": 1, "dtype": dtype, "layout": "pytorch", "layers": SPEC["layers"]}
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    ours.write_bytes(FORMATS["safetensors"].encode(Spec.model_validate(spec).plan(), Include()).whole())
    tensors = load_file(ours)
    save_file(tensors, theirs)
    assert ours.read_bytes() != theirs.read_bytes()
    assert verify(theirs, spec) == 0
    save_file({**tensors, "steps": torch.arange(3)}, theirs)
    assert verify(theirs, spec) == 1
    name = next(iter(tensors))
    save_file({**tensors, name: tensors[name].T.contiguous()}, theirs)
    assert verify(theirs, spec) == 1


def test_what_save_pretrained_writes_in_shards(tmp_path: Path) -> None:
    spec = {"seed": 1, "recipe": "gpt2", "config": GPT2}
    (tmp_path / "ours").mkdir()
    content = FORMATS["safetensors"].encode(Spec.model_validate(spec).plan(), Include()).whole()
    (tmp_path / "ours/model.safetensors").write_bytes(content)
    (tmp_path / "ours/config.json").write_text(json.dumps(GPT2))
    model = GPT2Model.from_pretrained(tmp_path / "ours")
    model.save_pretrained(tmp_path / "theirs", max_shard_size="100KB")
    assert len(list((tmp_path / "theirs").glob("model-*.safetensors"))) > 2
    assert verify(tmp_path / "theirs", spec) == 0
    shard = min((tmp_path / "theirs").glob("model-*.safetensors"))
    damaged = bytearray(shard.read_bytes())
    damaged[-1] ^= 1
    shard.write_bytes(damaged)
    assert verify(tmp_path / "theirs", spec) == 1
