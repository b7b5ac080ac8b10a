"""A file of this service beside a config.json is a model to transformers, as if its own save_pretrained had made it."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import BertModel, GPT2Model

from service.formats import safetensors
from service.formats.payload import Include
from service.specs.spec import Spec

GPT2 = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4}
BERT = {
    "model_type": "bert", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256,
}  # fmt: skip


@pytest.mark.parametrize(("config", "model"), [(GPT2, GPT2Model), (BERT, BertModel)], ids=["gpt2", "bert"])
def test_transformers_reads_a_file_beside_a_config(tmp_path: Path, config: dict[str, object], model: type) -> None:
    plan = Spec.model_validate({"seed": 1, "recipe": config["model_type"], "config": config}).plan()
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"".join(safetensors.encode(plan, Include()).chunks()))
    (tmp_path / "config.json").write_text(json.dumps(config))
    read, info = model.from_pretrained(tmp_path, output_loading_info=True)  # type: ignore[attr-defined]
    assert not info["unexpected_keys"]
    assert not info["missing_keys"]
    state = read.state_dict()
    with safe_open(file, framework="pt") as tensors:
        assert tensors.metadata()["format"] == "pt"
        for key in tensors.keys():  # noqa: SIM118 - it is no dictionary
            assert torch.equal(state[key], tensors.get_tensor(key)), key


def test_torch_views_every_array_of_a_file_of_several_dtypes(tmp_path: Path) -> None:
    """A view of bytes as a dtype must begin at a multiple of its size, of which an odd number of halves makes none."""
    dtypes = ("bfloat16", "float32", "float16", "float64")
    layers = [{"type": "tensor", "name": name, "shape": [3], "dtype": name} for name in dtypes]
    plan = Spec.model_validate({"seed": 1, "layout": "pytorch", "layers": layers}).plan()
    file = tmp_path / "model.safetensors"
    file.write_bytes(safetensors.encode(plan, Include()).whole())
    read = load_file(file)
    assert {name: array.dtype for name, array in read.items()} == {
        f"{name}.value": getattr(torch, name) for name in dtypes
    }
    for parameter in plan.parameters:
        drawn = b"".join(block.tobytes() for block in parameter.blocks())
        assert read[parameter.key].view(torch.uint8).numpy().tobytes() == drawn
