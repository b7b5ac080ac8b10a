"""The catalogue says what there is, and every example in it works; a plan is the answer without its numbers."""

from typing import Any

import httpx
import pytest

from service.api.answers import PlanAnswer
from service.networks.activations import ACTIVATIONS
from service.networks.layers import LAYERS
from service.networks.layers.structure import STRUCTURE
from service.networks.schemes import ALIASES, PRESETS
from service.specs.recipes import RECIPES

PLURALS = ["schemes", "layers", "activations", "algorithms"]


@pytest.mark.parametrize("plural", PLURALS)
def test_every_entry_has_a_page_and_an_example_that_works(client: httpx.Client, plural: str) -> None:
    entries = client.get(f"/{plural}").json()[plural]
    for entry in entries:
        answer = client.post("/init?include=statistics", json=entry["example"])
        assert answer.status_code == 200, (entry["name"], answer.text)
        expected = {**entry, "ready": True} if "ready" in entry else entry  # a stream's example waits until it is
        assert client.get(f"/{plural}/{entry['name']}").json() == expected


def test_nothing_is_left_out(client: httpx.Client) -> None:
    def names(plural: str) -> set[str]:
        return {entry["name"] for entry in client.get(f"/{plural}").json()[plural]}

    assert names("schemes") == {*PRESETS, "array"}
    assert names("layers") == LAYERS.keys() | STRUCTURE.keys()
    assert names("activations") == set(ACTIVATIONS)


def test_every_recipe_has_a_page_sizes_and_a_plan(client: httpx.Client) -> None:
    entries = client.get("/recipes").json()["recipes"]
    assert {entry["name"] for entry in entries} == set(RECIPES)
    for entry in entries:
        assert client.get(f"/recipes/{entry['name']}").json() == entry
        for size in sorted(entry["sizes"], key=lambda each: each["parameters"])[:1]:
            plan = client.post("/plan", json={"recipe": entry["name"], "size": size["name"], "seed": 1}).json()
            assert plan["totals"]["elements"] == size["elements"]
            assert plan["totals"]["parameters"] == size["parameters"]


def test_a_recipe_tells_whether_it_is_run_as_a_network(client: httpx.Client) -> None:
    told = {entry["name"]: entry["network"] for entry in client.get("/recipes").json()["recipes"]}
    assert told["gpt2"]
    assert told["lenet5"]
    for name in (name for name, runs in told.items() if not runs):
        refused = client.post("/diagnose", json={"recipe": name, "forecast_only": True})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/recipe")


def test_an_alias_answers_as_what_it_stands_for(client: httpx.Client) -> None:
    assert client.get("/schemes/xavier_uniform").json()["name"] == "glorot_uniform"
    assert client.get("/activations/swish").json()["name"] == "silu"
    assert client.get("/schemes/nothing").json()["type"] == "/problems/not-found"
    for alias, name in ALIASES.items():
        assert alias in client.get(f"/schemes/{name}").json()["aliases"]


def test_entries_explain_themselves(client: httpx.Client) -> None:
    for entry in client.get("/schemes").json()["schemes"]:
        assert entry.keys() == {
            "name", "aliases", "summary", "formula", "parameters", "portable", "references", "example",
        }  # fmt: skip
        assert entry["formula"]
        assert entry["summary"].endswith((".", ":"))
        for parameter in entry["parameters"]:
            assert parameter["detail"], (entry["name"], parameter["name"])


def test_what_the_catalogue_says_a_layer_holds_is_what_it_gives(client: httpx.Client) -> None:
    for entry in client.get("/layers").json()["layers"]:
        for layout, held in entry["holds"].items():
            spec = {**entry["example"], "layout": layout}
            (layer,) = client.post("/init?include=statistics", json=spec).json()["layers"]
            assert [{"name": p["name"], "shape": p["shape"]} for p in layer["parameters"]] == held


def test_a_plan_is_the_answer_without_its_numbers(client: httpx.Client) -> None:
    spec: dict[str, Any] = {
        "seed": 42,
        "layout": "pytorch",
        "layers": [{"type": "gru", "shape": [5, 4]}, {"type": "dense", "shape": [4, 3], "scheme": "zeros"}],
    }
    plan = client.post("/plan", json=spec).json()
    PlanAnswer.model_validate(plan)
    answer = client.post("/init", json=spec).json()
    elements = 0
    for planned, made in zip(plan["layers"], answer["layers"], strict=True):
        for described, parameter in zip(planned["parameters"], made["parameters"], strict=True):
            elements += described.pop("bytes") // 4
            assert described.pop("shard") == "model-00001-of-00001.safetensors"
            assert described == {key: value for key, value in parameter.items() if key not in ("npy", "sha256")}
    assert plan["warnings"] == answer["warnings"] != []
    assert plan["totals"] == {"parameters": 6, "elements": elements, "bytes": elements * 4, "shards": 1}


def test_a_plan_may_be_of_any_size(client: httpx.Client) -> None:
    huge = {"seed": 1, "layers": [{"type": "dense", "shape": [2**30, 2**30]}]}
    assert client.post("/plan", json=huge).json()["totals"]["elements"] == 2**60 + 2**30
    assert client.post("/plan?format=npz", json=huge).json()["type"] == "/problems/invalid-query"
    assert client.post("/plan", content=b"{").status_code == 415


@pytest.mark.parametrize("address", ["/livez", "/readyz"])
def test_load_balancers_may_ask_with_head(client: httpx.Client, address: str) -> None:
    answer = client.head(address)
    assert (answer.status_code, answer.content) == (200, b"")
