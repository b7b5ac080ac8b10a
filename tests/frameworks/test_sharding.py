"""The Hub's own library splits a state dict as the service splits a checkpoint, and transformers loads the files."""

import json
from pathlib import Path

import numpy as np
from huggingface_hub import split_state_dict_into_shards_factory
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Model

from service.formats import safetensors
from service.formats.sharding import INDEX, encode_index, shards
from service.specs.spec import Spec


@settings(max_examples=300)
@given(
    sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=60),
    most=st.integers(1, 20_000),
    layout=st.sampled_from(["keras", "pytorch", "flax"]),
)
def test_shards_are_those_of_the_hubs_library(sizes: list[int], most: int, layout: str) -> None:
    layers = [{"type": "dense", "shape": [size, 3]} for size in sizes]
    plan = Spec.model_validate({"seed": 1, "layers": layers, "layout": layout}).plan()
    theirs = split_state_dict_into_shards_factory(
        {each.key: each for each in plan.parameters},
        get_storage_size=lambda each: each.bytes,
        filename_pattern="model{suffix}.safetensors",
        max_shard_size=most,
    )
    ours = {shard.name: [each.key for each in shard.parameters] for shard in shards(plan, most)}
    if len(ours) == 1:  # numbered here, so that any checkpoint has an index
        assert list(ours) == ["model-00001-of-00001.safetensors"]
        assert list(ours.values()) == list(theirs.filename_to_tensors.values())
        return
    assert ours == theirs.filename_to_tensors
    assert list(ours) == list(theirs.filename_to_tensors)
    assert theirs.metadata["total_size"] == plan.bytes


def test_transformers_loads_the_files_of_an_index(tmp_path: Path) -> None:
    config = {"model_type": "gpt2", "n_embd": 32, "n_layer": 2, "n_head": 4}
    plan = Spec.model_validate({"seed": 1, "recipe": "gpt2", "config": config}).plan()
    parts = shards(plan, 100_000)
    assert len(parts) > 3
    (tmp_path / INDEX).write_bytes(encode_index(plan, 100_000).whole())
    for part in parts:
        (tmp_path / part.name).write_bytes(safetensors.encode_some(plan, part.parameters).whole())
    (tmp_path / "config.json").write_text(json.dumps(config))
    model, info = GPT2Model.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["unexpected_keys"]
    assert not info["missing_keys"]
    state = model.state_dict()
    for parameter in plan.parameters:
        values = np.concatenate([block.copy() for block in parameter.blocks()]).reshape(parameter.shape)
        assert np.array_equal(state[parameter.key].numpy(), values), parameter.key
