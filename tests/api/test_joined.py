"""POST /plan?include=network: how layers are joined, and a recipe written out to be changed and sent again."""

import json
from typing import Any

import httpx
import pytest
from safetensors.numpy import load

NO_HEAD = {"recipe": "gpt2", "config": {"n_layer": 2, "n_embd": 32, "n_head": 2, "vocab_size": 64}, "seed": "7"}
WRITTEN_OUT = [
    NO_HEAD,
    {**NO_HEAD, "head": "causal_lm"},
    {"recipe": "torchvision_resnet", "size": "resnet18", "seed": "7"},
    {"recipe": "fixup", "seed": "7"},
    {"recipe": "unet_2d", "config": {"block_out_channels": [32, 64, 64, 64]}, "seed": "7"},
    {"recipe": "lenet5", "seed": "7", "rules": [{"match": "*bias", "seed": f"{2**63 + 1}"}]},
]


def network(client: httpx.Client, spec: object) -> dict[str, object]:
    answer = client.post("/plan?include=network", json=spec)
    assert answer.status_code == 200, answer.text
    found: dict[str, object] = answer.json()["network"]
    return found


def formulas(layers: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    return {(layer["name"], each["name"]): each["formula"] for layer in layers for each in layer["parameters"]}


@pytest.mark.parametrize("spec", WRITTEN_OUT, ids=lambda spec: f"{spec['recipe']}-{spec.get('head')}")
def test_a_recipe_written_out_has_the_same_weights(client: httpx.Client, spec: dict[str, object]) -> None:
    found = network(client, spec)
    assert found["replaces"]
    layers, shape = found["layers"], found["input_shape"]
    stated = {"seed": "7", "layout": client.post("/plan", json=spec).json()["layout"], "layers": layers}
    stated |= {"rules": found["rules"]} | ({} if shape is None else {"input_shape": shape})
    stated = json.loads(json.dumps(stated), parse_int=lambda text: int(float(text)))  # as JavaScript reads it
    one, other = (client.post("/plan", json=each).json()["layers"] for each in (spec, stated))
    assert formulas(one) == formulas(other)
    few = {"select": f"{one[-1]['name']}*"}
    one, other = (load(client.post("/init?format=safetensors", json=each | few).content) for each in (spec, stated))
    assert one.keys() == other.keys()
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_every_layer_says_what_it_takes_and_the_shape_that_it_gives(client: httpx.Client) -> None:
    found = network(client, NO_HEAD)
    inputs, outputs = found["inputs"], found["outputs"]
    assert isinstance(inputs, dict)
    assert isinstance(outputs, dict)
    assert inputs["h.0.add_1"] == ["add", "h.0.attn.c_proj"]
    assert inputs["h.1.ln_1"] == ["h.0.add_2"]
    assert outputs["h.0.attn.c_attn"] == [[32, 96]]
    assert outputs["h.0.attn.split"] == [[32, 32]] * 3
    assert outputs["ln_f"] == [[32, 32]]


def test_a_stack_is_joined_one_after_the_other_and_has_shapes_once_an_input_is_stated(client: httpx.Client) -> None:
    layers = [{"type": "dense", "shape": [4, 8]}, {"name": "out", "type": "dense", "shape": [8, 3]}]
    found = network(client, {"seed": 1, "layers": layers})
    assert found["inputs"] == {"dense_0": ["input"], "out": ["dense_0"]}
    assert (found["outputs"], found["config"]) == (None, None)
    found = network(client, {"seed": 1, "input_shape": [5, 4], "layers": layers})
    assert found["outputs"] == {"dense_0": [[5, 8]], "out": [[5, 3]]}


def test_a_published_model_tells_its_config_in_full(client: httpx.Client) -> None:
    config = network(client, {"recipe": "gpt2", "size": "medium", "config": {"vocab_size": 65}})["config"]
    assert isinstance(config, dict)
    assert (config["n_layer"], config["n_embd"], config["vocab_size"]) == (24, 1024, 65)
    assert config["model_type"] == "gpt2"


def test_what_is_known_by_its_weights_alone_tells_no_inputs(client: httpx.Client) -> None:
    for spec in ({"recipe": "mamba"}, {"recipe": "distilbert", "head": "masked_lm"}):
        found = network(client, spec)
        assert (found["inputs"], found["outputs"]) == (None, None)
        assert found["layers"]


def test_under_a_framework_s_own_stream_a_recipe_stays(client: httpx.Client) -> None:
    found = network(client, {**NO_HEAD, "algorithm": "torch-cpu/1"})
    assert not found["replaces"]
    assert found["inputs"]


def test_a_listing_of_tensors_tells_no_network_and_another_word_is_refused(client: httpx.Client) -> None:
    spec = {"seed": 1, "tensors": {"fc.weight": [3, 4]}}
    assert client.post("/plan?include=network", json=spec).json()["network"] is None
    assert "network" not in client.post("/plan", json=spec).json()
    refused = client.post("/plan?include=weights", json=spec)
    assert refused.status_code == 422
    assert "network" in refused.json()["detail"]


def test_a_recipe_says_how_a_config_json_names_it(client: httpx.Client) -> None:
    entry = client.get("/recipes/gpt2").json()
    assert (entry["model_type"], entry["library"]) == ("gpt2", "transformers")
    assert entry["architectures"]["causal_lm"] == "GPT2LMHeadModel"
    assert "model_type" not in client.get("/recipes/lenet5").json()
