"""A listing of tensors over HTTP: many members, addresses, files, the Hub."""

import json

import httpx
import pytest
from safetensors.numpy import load

TENSORS = {
    "embed.weight": [50, 8],
    **{f"layers.{number}.fc.weight": [8, 8] for number in range(100)},
    **{f"layers.{number}.norm.weight": [8] for number in range(100)},
}


@pytest.fixture(scope="module")
def planned(client: httpx.Client) -> dict[str, object]:
    answer = client.post("/plan", json={"tensors": TENSORS, "seed": 3})
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_listing_is_answered_as_its_layers_are(client: httpx.Client) -> None:
    listed = client.post("/init?format=safetensors", json={"tensors": TENSORS, "seed": 3})
    layers = [
        {"name": "embed", "type": "embedding", "shape": [50, 8]},
        *({"name": f"layers.{each}.fc", "type": "dense", "shape": [8, 8], "bias": None} for each in range(100)),
        *({"name": f"layers.{each}.norm", "type": "rms_norm", "shape": [8]} for each in range(100)),
    ]
    stated = client.post("/init?format=safetensors", json={"layers": layers, "layout": "pytorch", "seed": 3})
    one, other = load(listed.content), load(stated.content)
    assert one.keys() == other.keys() == TENSORS.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in TENSORS)


def test_the_addresses_of_a_listing_hold_it(client: httpx.Client, planned: dict[str, dict[str, str]]) -> None:
    links = planned["links"]
    whole = client.get(links["safetensors"])
    posted = client.post("/init?format=safetensors", json={"tensors": TENSORS, "seed": 3})
    assert whole.content == posted.content
    at = links["safetensors"].removesuffix(".safetensors")
    row = client.get(f"{at}/layers.42.fc.weight.raw")
    assert row.content == load(whole.content)["layers.42.fc.weight"].tobytes()


def test_many_members_belong_in_a_listing_or_a_config_alone(client: httpx.Client) -> None:
    many = {f"a{number}": [1] for number in range(65)}
    for document in (many, {"layers": [many]}, {"layers": [{"type": "dense", "shape": [1, 1], "scheme": many}]}):
        answer = client.post("/plan", json=document)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-json")
    twice = '{"tensors": {"a.weight": [1, 2], "b.weight": [1], "a.weight": [2, 2]}}'
    answer = client.post("/plan", content=twice, headers={"content-type": "application/json"})
    assert "'a.weight' stands twice" in answer.json()["detail"]


@pytest.mark.parametrize(
    "tensors",
    [
        {"a.weight": [2**52, 2**52]},
        {f"a.{'x' * 200}.weight": [2, 2]},
        {"a": {"b": {"c": {"shape": 3}}}},
        {"a.weight": None},
        {"a.weight": {"shape": None}},
        {"": [2, 2]},
        {".": [2]},
        {"a.weight": [True, 2]},
        {"__metadata__": [3]},
        [],
        "a.weight",
        7,
    ],
)
def test_no_listing_is_an_error_of_the_service(client: httpx.Client, tensors: object) -> None:
    for layout in ("pytorch", "keras", "flax"):
        answer = client.post("/plan", content=json.dumps({"tensors": tensors, "layout": layout}))
        assert answer.status_code in (200, 400, 415, 422)
        answer = client.post("/plan", json={"tensors": tensors, "layout": layout})
        assert answer.status_code in (200, 422), answer.text
