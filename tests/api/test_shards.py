"""A sharded checkpoint at addresses: its index, its files, and what is none of them."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors.numpy import load

from tests.api.test_flow import counters, resident
from tests.api.test_weights import token
from tests.conftest import Server, serving

LAYERS = [{"name": f"fc{place}", "type": "dense", "shape": [40, 30 + place]} for place in range(6)]
SPEC = {"algorithm": "initserve/1", "layers": LAYERS, "layout": "pytorch", "seed": "42"}
AT = f"/weights/{token(SPEC)}"
INDEX = f"{AT}/model.safetensors.index.json"


def test_the_files_of_the_index_are_the_whole_in_parts(client: httpx.Client) -> None:
    whole = load(client.get(f"{AT}.safetensors").content)
    index = client.get(INDEX, params={"shard_bytes": 12_000}).json()
    files = sorted(set(index["weight_map"].values()))
    assert files == [f"model-{number:05d}-of-00003.safetensors" for number in (1, 2, 3)]
    assert index["metadata"]["total_size"] == sum(values.nbytes for values in whole.values())
    found: dict[str, Any] = {}
    for file in files:
        answer = client.get(f"{AT}/{file}", params={"shard_bytes": 12_000})
        assert answer.headers["content-disposition"] == f'attachment; filename="{file}"'
        tensors = load(answer.content)
        assert tensors.keys() == {name for name, at in index["weight_map"].items() if at == file}
        size = int.from_bytes(answer.content[:8], "little")
        assert json.loads(answer.content[8 : 8 + size])["__metadata__"]["format"] == "pt"
        found |= tensors
    assert found.keys() == whole.keys()
    assert all(np.array_equal(found[name], values) for name, values in whole.items())


def test_a_checkpoint_of_one_shard_is_the_whole_file(client: httpx.Client) -> None:
    assert set(client.get(INDEX).json()["weight_map"].values()) == {"model-00001-of-00001.safetensors"}
    assert client.get(f"{AT}/model-00001-of-00001.safetensors").content == client.get(f"{AT}.safetensors").content


def test_a_plan_tells_each_tensors_file_and_the_address_of_the_index(client: httpx.Client) -> None:
    for query, count in (({}, 1), ({"shard_bytes": 12_000}, 3)):
        plan = client.post("/plan", params=query, json=SPEC).json()
        assert plan["totals"]["shards"] == count
        index = client.get(plan["links"]["index"]).json()
        told = [each["shard"] for layer in plan["layers"] for each in layer["parameters"]]
        assert sorted(told) == sorted(index["weight_map"].values())
        file, _, asked = plan["links"]["index"].partition("model.safetensors.index.json")
        assert client.head(f"{file}{told[0]}{asked}").status_code == 200


def test_ranges_and_entity_tags_are_of_the_shard(client: httpx.Client) -> None:
    at = f"{AT}/model-00002-of-00003.safetensors"
    whole = client.get(at, params={"shard_bytes": 12_000})
    some = client.get(at, params={"shard_bytes": 12_000}, headers={"range": "bytes=-99"})
    assert (some.status_code, some.content) == (206, whole.content[-99:])
    tags = [
        client.head(address, params={"shard_bytes": shard_bytes}).headers["etag"]
        for address, shard_bytes in (
            (at, 12_000),
            (at.replace("2-of", "1-of"), 12_000),
            (INDEX, 12_000),
            (INDEX, 11_999),
        )
    ]
    assert len(set(tags)) == len(tags)
    assert whole.headers["etag"] == tags[0]
    same = {client.head(INDEX, params=query).headers["etag"] for query in ({}, {"shard_bytes": 5_000_000_000})}
    assert len(same) == 1


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("model-00004-of-00003.safetensors?shard_bytes=12000", 404, "there are 3"),
        ("model-00001-of-00003.safetensors", 404, "there are 1"),
        ("model-1-of-3.safetensors?shard_bytes=12000", 404, "model-00001-of-00003"),
        ("model-x-of-y.safetensors", 404, "model-00001-of-00001"),
        ("model.safetensors", 404, ""),
        ("model.safetensors.index.json?shard_bytes=0", 422, "from 1 to"),
        ("model.safetensors.index.json?shard_bytes=5GB", 422, "'5GB'"),
        ("model.safetensors.index.json?shard_bytes=٣", 422, "whole number"),
        ("model.safetensors.index.json?shard_bytes=99999999999999999", 422, "from 1 to"),
        ("model.safetensors.index.json?shards=3", 422, "shard_bytes"),
    ],
)
def test_what_is_no_file_of_it_says_what_is(client: httpx.Client, path: str, status: int, says: str) -> None:
    found = client.get(f"{AT}/{path}")
    assert (found.status_code, found.headers["content-type"]) == (status, "application/problem+json")
    assert says in found.json()["detail"]


def test_a_checkpoint_of_forty_terabytes_has_its_index_and_any_byte_of_its_files(
    running: Server, client: httpx.Client
) -> None:
    layers = [{"name": f"fc{place}", "type": "dense", "shape": [100_000, 100_000]} for place in range(1000)]
    made = counters(running)["drawn_bytes_total"]
    plan = client.post("/plan", json={"seed": 1, "layers": layers}).json()
    assert plan["totals"]["shards"] == 1001
    assert plan["totals"]["elements"] > 10**13
    short = [{"name": f"t{place}", "type": "tensor", "shape": [2**53 - 1]} for place in range(20)]
    at = f"/weights/{token({'algorithm': 'initserve/1', 'layers': short, 'seed': '1'})}"
    index = client.get(f"{at}/model.safetensors.index.json").json()
    assert index["weight_map"]["t7/value"] == "model-00008-of-00020.safetensors"
    assert counters(running)["drawn_bytes_total"] == made
    some = client.get(f"{at}/model-00008-of-00020.safetensors", headers={"range": "bytes=-4"})
    assert some.status_code == 206
    last = client.get(f"{at}/t7/value.raw", params={"slice": "-1"})
    assert last.content == some.content


@pytest.mark.long
def test_ranks_that_fetch_a_shard_each_have_it_alone_made() -> None:
    """Of a checkpoint of 400 GB three fetch 200 MB each, at once: nothing else is drawn, and memory stays as it is."""
    layers = [{"name": f"fc{place}", "type": "dense", "shape": [5000, 10_000], "bias": None} for place in range(1000)]
    spec = {"algorithm": "initserve/1", "seed": 1, "layers": layers}
    query = {"shard_bytes": 200_000_000}

    def fetched(address: str) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with httpx.stream("GET", address, params=query, timeout=120) as answer:
            for chunk in answer.iter_bytes():
                digest.update(chunk)
                size += len(chunk)
        assert size == int(answer.headers["content-length"])
        return size, digest.hexdigest()

    with serving() as server, httpx.Client(base_url=server.url, timeout=60) as client:
        plan = client.post("/plan", params=query, json=spec).json()
        assert plan["totals"]["shards"] == 1000
        at = f"{server.url}{plan['links']['index'].partition('model.safetensors')[0]}model-"
        before, made = resident(server, "VmRSS"), counters(server).get("drawn_bytes_total", 0.0)  # none has been drawn
        with ThreadPoolExecutor(3) as ranks:
            found = list(ranks.map(fetched, [f"{at}{rank:05d}-of-01000.safetensors" for rank in (1, 500, 1000)]))
        assert all(200_000_000 < size < 201_000_000 for size, _ in found)
        assert len({digest for _, digest in found}) == 3
        assert counters(server)["drawn_bytes_total"] - made < 1.1 * 600_000_000
        assert resident(server, "VmRSS") - before < 64 * 2**20
