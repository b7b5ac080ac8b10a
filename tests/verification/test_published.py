"""A published model's checkpoint is verified by the names that it has, and past what no spec starts."""

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.formats.safetensors import encode_some
from service.networks.plan import PlannedParameter
from service.specs.published import arrays_in_a_checkpoint, as_in_a_checkpoint
from tests.verification import file_of, planned, verify


def test_a_checkpoint_is_equal_under_either_names() -> None:
    config = {"hidden_size": 60, "num_hidden_layers": 1}
    plan = planned(recipe="vit", config=config, seed=3)
    published = as_in_a_checkpoint(plan)
    (query,) = arrays_in_a_checkpoint(plan)["layers.0.attention.q_proj.weight"]
    assert query.key == "encoder.layer.0.attention.attention.query.weight"
    assert (
        len(arrays_in_a_checkpoint(plan)) == 16
    )  # four projections, two dense layers and two norms, each of two arrays
    for each in (plan, published):
        answer = verify(file_of(each, "safetensors"), plan)
        assert answer["equal"], answer["summary"]
        assert answer["totals"]["parameters"] == len(plan.parameters)
    other = verify(file_of(published, "safetensors"), planned(recipe="vit", config=config, seed=4))
    assert other["totals"]["unexpected"] == other["totals"]["missing"] == 0
    assert not other["equal"]


def test_other_specs_have_no_other_names() -> None:
    for document in ({"recipe": "gpt2"}, {"recipe": "vit", "layout": "keras"}, {"recipe": "lora"}):
        assert arrays_in_a_checkpoint(planned(seed=1, **document)) == {}


SMALL = {"vocab_size": 11, "hidden_size": 12, "num_hidden_layers": 1, "num_attention_heads": 2}
EXPERTS = {
    "mixtral": {**SMALL, "intermediate_size": 5, "num_key_value_heads": 1, "num_local_experts": 3},
    "qwen3_moe": {**SMALL, "moe_intermediate_size": 5, "num_key_value_heads": 1, "num_experts": 1, "head_dim": 6},
}


@pytest.mark.parametrize("recipe", EXPERTS)
def test_a_checkpoint_with_an_array_for_each_expert_is_equal_and_a_changed_part_is_found(recipe: str) -> None:
    plan = planned(recipe=recipe, config=EXPERTS[recipe], seed=3)
    published = as_in_a_checkpoint(plan)
    for each in (plan, published):
        answer = verify(file_of(each, "safetensors"), plan)
        assert answer["equal"], answer["summary"]
        assert answer["totals"]["parameters"] == len(each.parameters)
    other = verify(file_of(published, "safetensors"), planned(recipe=recipe, config=EXPERTS[recipe], seed=4))
    assert other["totals"]["unexpected"] == other["totals"]["missing"] == 0
    assert {"w1", "gate_proj"} & {each["name"].split(".")[-2] for each in other["parameters"] if not each["equal"]}


def test_the_parts_of_experts_are_those_of_the_array_in_memory() -> None:
    plan = planned(recipe="mixtral", config=EXPERTS["mixtral"], seed=3)
    both = {each.key: values_of(each) for each in (*plan.parameters, *as_in_a_checkpoint(plan).parameters)}
    at = "layers.0.block_sparse_moe.experts.2"
    fused = both["layers.0.mlp.experts.gate_up_proj"]
    assert (both[f"{at}.w1.weight"] == fused[2, :5]).all()
    assert (both[f"{at}.w3.weight"] == fused[2, 5:]).all()
    assert (both[f"{at}.w2.weight"] == both["layers.0.mlp.experts.down_proj"][2]).all()
    assert (both["layers.0.block_sparse_moe.gate.weight"] == both["layers.0.mlp.gate.weight"]).all()


def values_of(parameter: PlannedParameter) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.concatenate(list(parameter.blocks())).reshape(parameter.shape)
    return values


def npz(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def test_counts_of_batches_are_passed_over() -> None:
    layers = [{"name": "norm", "type": "batch_norm", "shape": [3]}, {"name": "fc", "type": "dense", "shape": [3, 2]}]
    plan = planned(layers=layers, layout="pytorch", seed=3)
    counted = encode_some(plan, plan.parameters, counted=True).whole()
    assert b"norm.num_batches_tracked" in counted
    assert verify(counted, plan)["equal"]
    assert verify(counted, planned(layers=layers[1:], layout="pytorch", seed=3))["totals"]["unexpected"] == 5
    arrays = {each.key: values_of(each) for each in plan.parameters}
    for count, unexpected in ((np.int64(7), 0), (np.float32(0.0), 1)):
        answer = verify(npz({**arrays, "norm.num_batches_tracked": np.asarray(count)}), plan)
        assert answer["totals"]["unexpected"] == unexpected


def test_what_a_listing_leaves_alone_is_passed_over() -> None:
    tensors = {"fc.weight": [3, 4], "rotary.inv_freq": [5], "ids.position_ids": {"shape": [1, 6], "dtype": "int64"}}
    plan = planned(tensors=tensors, seed=3)
    arrays = {each.key: values_of(each) for each in plan.parameters}
    file = npz({**arrays, "rotary.inv_freq": np.ones(5, "f4"), "ids.position_ids": np.zeros((1, 6), "i8")})
    assert verify(file, plan)["equal"]
    assert not verify(npz({**arrays, "another": np.ones(5, "f4")}), plan)["equal"]
