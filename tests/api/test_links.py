"""Links of answers: each leads to what it says, and /init's Content-Location to the very bytes that it answered."""

import base64
import hashlib
import random
from typing import Any

import httpx
import pytest

from service.api.entries import layer_example
from service.api.examples import EXAMPLES, LARGE_EXAMPLES
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS
from service.stream.dtypes import DTYPES
from tests.told import apart

DENSE = {"type": "dense", "shape": [5, 4], "activation": "relu", "name": "fc1"}
ONE = {"seed": 3, "layers": [{**DENSE, "bias": None}]}
QUERIES = [
    "", "?include=statistics", "?include=weights,statistics", "?include=statistics,weights", "?format=npz",
    "?format=safetensors", "?format=npy", "?format=svg&include=statistics",
]  # fmt: skip


def ask(client: httpx.Client, spec: Any, path: str = "/init") -> Any:
    answer = client.post(path, json=spec)
    assert answer.status_code == 200, answer.text
    return answer.json()


def parameters(answer: Any) -> list[Any]:
    return [parameter for layer in answer["layers"] for parameter in layer["parameters"]]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_content_location_leads_to_the_same_bytes(client: httpx.Client, query: str, layout: str) -> None:
    answer = client.post(f"/init{query}", json={**ONE, "layout": layout})
    again = client.get(answer.headers["content-location"])
    assert again.status_code == 200
    assert again.content == answer.content
    assert again.headers["content-type"] == answer.headers["content-type"]


def test_so_it_does_by_accept(client: httpx.Client) -> None:
    answer = client.post("/init", json=ONE, headers={"accept": "application/vnd.safetensors"})
    assert answer.headers["content-location"].endswith(".safetensors")
    assert client.get(answer.headers["content-location"]).content == answer.content


@pytest.mark.parametrize("name", EXAMPLES)
def test_so_it_does_for_every_example(client: httpx.Client, name: str) -> None:
    """With the seed that was drawn where there was none, and pointers of warnings into the spec as it was posted."""
    answer = client.post("/init", json=EXAMPLES[name]["value"])
    assert client.get(answer.headers["content-location"]).content == answer.content


@pytest.mark.parametrize("kind", LAYERS)
def test_every_link_of_a_layer_leads_to_what_it_says(client: httpx.Client, kind: str) -> None:
    for layout in LAYOUTS:
        spec = {**layer_example(kind), "layout": layout}
        every = parameters(ask(client, spec)), parameters(ask(client, spec, "/init?include=statistics"))
        for parameter, statistics in zip(*every, strict=True):
            links = parameter["links"]
            assert links.keys() == {"npy", "raw", "statistics"}
            assert client.get(links["npy"]).content == base64.b64decode(parameter["npy"])
            assert hashlib.sha256(client.get(links["raw"]).content).hexdigest() == parameter["sha256"]
            assert client.get(links["statistics"]).json() == statistics


@pytest.mark.parametrize("path", ["/init", "/plan"])
def test_every_link_of_an_answer_leads_to_what_it_says(client: httpx.Client, path: str) -> None:
    links = ask(client, ONE, path)["links"]
    assert links.keys() == {"json", "npz", "safetensors", "statistics", "svg", "index"}
    for name, query in {
        "json": "", "statistics": "?include=statistics", "svg": "?format=svg&include=statistics",
        "npz": "?format=npz", "safetensors": "?format=safetensors",
    }.items():  # fmt: skip
        assert links[name].startswith("/weights/")
        assert client.get(links[name]).content == client.post(f"/init{query}", json=ONE).content


def test_links_of_a_plan_are_those_of_its_weights(client: httpx.Client) -> None:
    planned, made = ask(client, ONE, "/plan"), ask(client, ONE)
    assert planned["links"] == made["links"]
    assert [each["links"] for each in parameters(planned)] == [each["links"] for each in parameters(made)]


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_a_dtype_has_no_form_for_has_no_link(client: httpx.Client, dtype: str) -> None:
    answer = ask(client, {**ONE, "dtype": dtype}, "/init?include=statistics")
    lacking = {"json", "npz", "npy"} if dtype == "bfloat16" else set()
    assert answer["links"].keys() == {"json", "npz", "safetensors", "statistics", "svg", "index"} - lacking
    (kernel,) = parameters(answer)
    assert kernel["links"].keys() == {"npy", "raw", "statistics"} - lacking
    for link in (*answer["links"].values(), *kernel["links"].values()):
        assert client.get(link).status_code == 200, link


def test_a_parameter_of_pytorch_is_its_one_dotted_name(client: httpx.Client) -> None:
    (kernel,) = parameters(ask(client, {**ONE, "layout": "pytorch"}))
    assert kernel["links"]["npy"].rpartition("/")[2] == "fc1.weight.npy"


def test_a_recipe_has_links_and_short_ones(client: httpx.Client) -> None:
    answer = ask(client, {"recipe": "gpt2", "seed": 1}, "/plan")
    assert len(answer["links"]["safetensors"]) < 120
    (bias,) = [each for each in parameters(answer) if each["links"]["raw"].endswith("/h.0.ln_1.bias.raw")]
    assert client.get(bias["links"]["raw"]).content == bytes(4 * 768)


def test_what_is_too_large_to_make_has_links_too(client: httpx.Client) -> None:
    """Ranges of it can be made, and parameters."""
    for example in LARGE_EXAMPLES.values():
        answer = ask(client, example["value"], "/plan")
        assert client.head(answer["links"]["safetensors"]).status_code == 200


def long(seed: int = 1) -> dict[str, Any]:
    """Return a spec whose text does not become short enough for an address."""
    draw = random.Random(seed)
    names = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=100)) for _ in range(120)]
    return {"seed": seed, "layers": [{"type": "dense", "shape": [1, 1], "name": name} for name in names]}


@pytest.mark.parametrize("path", ["/init", "/plan"])
def test_a_spec_too_long_for_an_address_has_no_links_and_says_why(client: httpx.Client, path: str) -> None:
    answer = client.post(path, json=long())
    assert "links" not in answer.json()
    assert not any("links" in parameter for parameter in parameters(answer.json()))
    assert "content-location" not in answer.headers
    (warning,) = answer.json()["warnings"]
    assert warning.keys() == {"code", "pointer", "detail", "try"}
    assert (warning["code"], warning["pointer"]) == ("no-address", "")
    assert "6,000 characters" in warning["detail"]
    assert "INITSERVE_SPECS" in warning["detail"]


def test_an_answers_length_is_told_beforehand_with_its_links(client: httpx.Client) -> None:
    for spec in (ONE, long(), {**ONE, "layers": [{**DENSE, "shape": [900, 900]}]}):
        answer = client.post("/init", json=spec)
        assert int(answer.headers["content-length"]) == len(answer.content)


def test_nothing_wrong_with_a_spec_is_told_otherwise_for_its_length(client: httpx.Client) -> None:
    """A long spec is written out in a second step; what cannot be written is refused as in one."""
    short, wide = ({**spec, "dtype": "bfloat16"} for spec in (ONE, long()))
    refused = [client.post("/init?format=npz", json=spec) for spec in (short, wide)]
    assert [each.status_code for each in refused] == [422, 422]
    assert apart(refused[0]) == apart(refused[1])


def test_links_do_not_make_an_answer_a_thousand_times_its_question(client: httpx.Client) -> None:
    """An address of some thousand characters in each of thousands of links would be 40 MiB of them."""
    names = (hashlib.sha256(str(place).encode()).hexdigest()[:6] for place in range(400))
    layers = [{"name": name, "type": "multi_head_attention", "shape": [4, 2, 2]} for name in names]
    spec = {"seed": 1, "layers": layers}
    planned = client.post("/plan", json=spec)
    assert len(planned.content) < 4 * 2**20
    assert [warning["code"] for warning in planned.json()["warnings"]] == ["links-left-out"]
    assert all("links" not in each for layer in planned.json()["layers"] for each in layer["parameters"])
    posted = client.post("/init", json=spec)
    found = client.get(posted.headers["content-location"])
    assert found.content == posted.content
    at = planned.json()["links"]["npz"].removesuffix(".npz")
    assert client.head(f"{at}/{layers[0]['name']}/query/kernel.npy").status_code == 200
