"""Shards by the rule of the Hub's library, written here once more in other words; no number is drawn for them."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.formats import safetensors, sharding
from service.formats.description import encode_plan
from service.formats.sharding import SHARD_BYTES, encode_index, shards
from service.networks.plan import Plan
from service.specs.spec import Spec


def plan(*sizes: int, **more: object) -> Plan:
    layers = [{"type": "tensor", "name": f"t{place}", "shape": [size]} for place, size in enumerate(sizes)]
    return Spec.model_validate({"seed": 1, "layers": layers, **more}).plan()


def files(planned: Plan, shard_bytes: int) -> list[list[int]]:
    """Return the elements of each tensor in each file."""
    return [[each.elements for each in shard.parameters] for shard in shards(planned, shard_bytes)]


def test_a_shard_takes_tensors_in_order_while_they_fit() -> None:
    """Those of the rule's own documentation: with 10 GB, [6, 6, 2, 6, 2, 2] become [6], [6 + 2], [6 + 2 + 2]."""
    sizes = [each * 250 for each in (6, 6, 2, 6, 2, 2)]  # thousands of bytes, in float32
    assert files(plan(*sizes), 10_000) == [[1500], [1500, 500], [1500, 500, 500]]


def test_a_tensor_that_is_too_large_has_a_file_of_its_own_before_the_one_that_is_filled() -> None:
    assert files(plan(10, 300, 20, 400), 400) == [[300], [400], [10, 20]]
    assert files(plan(10, 100, 20), 400) == [[10], [100], [20]]  # it just fits


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=30), most=st.integers(1, 300))
def test_every_tensor_is_in_one_file_and_none_is_too_large(sizes: list[int], most: int) -> None:
    planned = plan(*sizes)
    found = shards(planned, most)
    assert sorted(each.key for shard in found for each in shard.parameters) == sorted(
        each.key for each in planned.parameters
    )
    for number, shard in enumerate(found, 1):
        assert shard.name == f"model-{number:05d}-of-{len(found):05d}.safetensors"
        assert len(shard.parameters) == 1 or sum(each.bytes for each in shard.parameters) <= most


def test_the_index_names_the_file_of_every_tensor() -> None:
    planned = plan(100, 100, 100, layout="pytorch")
    index = json.loads(encode_index(planned, 800).whole())
    assert index == {
        "metadata": {"total_size": 1200},
        "weight_map": {
            "t0.value": "model-00001-of-00002.safetensors",
            "t1.value": "model-00001-of-00002.safetensors",
            "t2.value": "model-00002-of-00002.safetensors",
        },
    }


def test_a_plan_tells_the_shards_of_its_parameters() -> None:
    planned = plan(100, 100, 100)
    described = json.loads(encode_plan(planned, 800))
    told = [each["shard"] for layer in described["layers"] for each in layer["parameters"]]
    assert told == [
        name for name, shard in ((each.name, each) for each in shards(planned, 800)) for _ in shard.parameters
    ]
    assert described["totals"]["shards"] == 2
    assert json.loads(encode_plan(planned))["totals"]["shards"] == 1


def test_a_shard_holds_the_metadata_of_the_whole() -> None:
    planned = plan(100, 100, 100, layout="pytorch")
    metadata = []
    for shard in shards(planned, 800):
        content = safetensors.encode_some(planned, shard.parameters).whole()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata.append(header.pop("__metadata__"))
        assert list(header) == [each.key for each in shard.parameters]
    assert metadata[0] == metadata[1]
    assert metadata[0]["format"] == "pt"
    assert metadata[0]["spec"] == planned.canonical_json()


@pytest.mark.parametrize("shard_bytes", [SHARD_BYTES, 10**9])
def test_ten_to_the_thirteenth_elements_are_told_in_milliseconds(shard_bytes: int) -> None:
    layers = [{"type": "dense", "shape": [100_000, 100_000]} for _ in range(1000)]
    planned = Spec.model_validate({"seed": 1, "layers": layers}).plan()
    assert planned.elements > 10**13
    began = time.perf_counter()
    index = json.loads(encode_index(planned, shard_bytes).whole())
    assert len(set(index["weight_map"].values())) == 1001
    assert index["metadata"]["total_size"] == planned.bytes
    assert time.perf_counter() - began < 1.0
    assert sharding.shards(planned, shard_bytes)[-1].name == "model-01001-of-01001.safetensors"
