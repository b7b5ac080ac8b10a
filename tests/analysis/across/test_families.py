"""Families: what changes in a wider and in a deeper network, and what stays."""

from math import prod
from typing import Any

import pytest

from service.analysis.across.asked import Across
from service.analysis.across.family import members_of
from service.analysis.diagnosable import drawn_shapes
from service.errors import InvalidSpec
from service.networks.graph.graph import Graph
from service.specs.spec import Spec
from tests.analysis.across.families import STACK, dense

PLENTY = 2**40


def family(document: dict[str, Any], **asked: list[int]) -> list[Spec]:
    stated = {"seed": 3, **document}
    spec = Spec.model_validate(stated)
    layers = spec
    if spec.recipe is not None:
        network = spec.network
        written = spec.plan().written_out() | {"layers": [*network.layers], "input_shape": dict(network.input_shape)}
        layers = Spec.model_validate(written)
    return members_of(Across.model_validate(asked), stated, layers, drawn_shapes(layers, 2), PLENTY)


def sizes(spec: Spec) -> dict[str, Any]:
    return {str(layer.name): vars(layer).get("shape") for layer in spec.layers}


def test_what_goes_in_and_what_comes_out_stay() -> None:
    _, wide = family({"layers": STACK}, width=[64, 96])
    assert sizes(wide) == {"in": [32, 96], "hidden_1": [96, 96], "hidden_2": [96, 96], "out": [96, 10]}


def test_a_width_is_the_size_that_most_layers_have_and_others_are_in_proportion() -> None:
    layers = [dense("a", 8, 32), dense("b", 32, 64), dense("c", 64, 32), dense("d", 32, 5)]
    _, wide = family({"layers": layers}, width=[32, 48])
    assert sizes(wide) == {"a": [8, 48], "b": [48, 96], "c": [96, 48], "d": [48, 5]}


def test_images_keep_their_places_and_what_is_flattened_follows_its_channels() -> None:
    layers = [
        {"name": "c1", "type": "conv2d", "shape": [3, 3, 3, 8], "padding": "same"},
        {"name": "norm", "type": "group_norm", "shape": [8], "num_groups": 4},
        {"name": "pool", "type": "max_pool", "window": 2},
        {"name": "each", "type": "depthwise_conv2d", "shape": [3, 3, 8, 1], "padding": "same"},
        {"name": "own", "type": "conv2d", "shape": [3, 3, 8, 8], "padding": "same", "groups": 8},
        {"name": "flat", "type": "flatten"},
        dense("out", 4 * 4 * 8, 10),
    ]
    _, wide = family({"input_shape": [8, 8, 3], "layers": layers}, width=[8, 16])
    assert sizes(wide) == {
        "c1": [3, 3, 3, 16], "norm": [16], "pool": None, "each": [3, 3, 16, 1], "own": [3, 3, 16, 16], "flat": None,
        "out": [256, 10],
    }  # fmt: skip
    assert vars(wide.layers[4])["groups"] == 16
    assert vars(wide.layers[1])["num_groups"] == 4


def transformer(outputs: int | None) -> dict[str, Any]:
    layers: list[dict[str, Any]] = [
        {"name": "words", "type": "embedding", "shape": [50, 32]},
        {"name": "class", "type": "tensor", "shape": [1, 32], "inputs": []},
        {"name": "placed", "type": "add", "inputs": ["words", "class"]},
        {"name": "block_0.attention", "type": "multi_head_attention", "shape": [32, 4, 8]},
        {"name": "block_0.add", "type": "add", "inputs": ["placed", "block_0.attention"]},
        {"name": "block_1.attention", "type": "multi_head_attention", "shape": [32, 4, 8]},
        {"name": "block_1.add", "type": "add", "inputs": ["block_0.add", "block_1.attention"]},
        {"name": "norm", "type": "layer_norm", "shape": [32]},
    ]
    if outputs is None:
        return {"input_shape": [6], "layers": layers}
    return {
        "input_shape": [6],
        "layers": [*layers, {"name": "back", "type": "tied", "to": "words", "transposed": True}],
    }


@pytest.mark.parametrize("outputs", [None, 50])
def test_a_stream_is_as_wide_as_the_network_with_more_heads_of_the_same_size(outputs: int | None) -> None:
    _, wide = family(transformer(outputs), width=[32, 64])
    found = sizes(wide)
    assert found["words"] == [50, 64]
    assert found["class"] == [1, 64]
    assert found["block_1.attention"] == [64, 8, 8]
    assert found["norm"] == [64]


def test_heads_are_as_many_where_a_width_gives_no_whole_number_of_them() -> None:
    _, wide = family(transformer(None), width=[32, 40])
    assert sizes(wide)["block_0.attention"] == [40, 5, 8]
    _, wide = family(transformer(None), width=[32, 36])
    assert sizes(wide)["block_0.attention"] == [36, 4, 9]


def test_parts_of_a_split_and_what_is_joined_are_in_proportion() -> None:
    layers = [
        dense("wide", 8, 96),
        {"name": "split", "type": "split", "sizes": [32, 64]},
        {"name": "gate", "type": "activation", "activation": "sigmoid", "inputs": ["split:0"]},
        dense("half", 64, 32) | {"inputs": ["split:1"]},
        {"name": "gated", "type": "multiply", "inputs": ["gate", "half"]},
        {"name": "beside", "type": "concatenate", "inputs": ["gated", "half"]},
        dense("out", 64, 3),
    ]
    _, wide = family({"input_shape": [8], "layers": layers}, width=[96, 192])
    assert sizes(wide)["wide"] == [8, 192]
    assert vars(wide.layers[1])["sizes"] == [64, 128]
    assert sizes(wide)["half"] == [128, 64]
    assert sizes(wide)["out"] == [128, 3]


def test_what_several_last_layers_give_side_by_side_stays() -> None:
    layers = [
        dense("in", 4, 16, activation="tanh"), dense("body", 16, 16, activation="tanh"),
        dense("policy", 16, 2, inputs=["body"]), dense("value", 16, 1, inputs=["body"]),
        {"name": "both", "type": "concatenate", "inputs": ["policy", "value"]},
    ]  # fmt: skip
    _, wide = family({"input_shape": [4], "layers": layers}, width=[16, 32])
    assert sizes(wide) == {"in": [4, 32], "body": [32, 32], "policy": [32, 2], "value": [32, 1], "both": None}


def test_a_width_that_cannot_be_says_which_can() -> None:
    layers = [
        {"name": "a", "type": "conv2d", "shape": [3, 3, 3, 16], "padding": "same"},
        {"name": "norm", "type": "group_norm", "shape": [16], "num_groups": 4},
        {"name": "b", "type": "conv2d", "shape": [3, 3, 16, 16], "padding": "same"},
        {"name": "mean", "type": "global_average_pool"},
        dense("out", 16, 2),
    ]  # fmt: skip
    with pytest.raises(InvalidSpec, match="num_groups") as caught:
        family({"input_shape": [4, 4, 3], "layers": layers}, width=[16, 18])
    assert caught.value.pointer == "/across/width/1"


def taken(graph: Graph) -> dict[str, list[str]]:
    return {place.name: graph.names_taken(place) for place in graph.places}


def test_a_deeper_network_has_its_part_more_often_under_names_that_go_on() -> None:
    shallow, same, deep = family(transformer(50), depth=[1, 2, 4])
    assert [place.name for place in shallow.graph.places][3:] == ["block_0.attention", "block_0.add", "norm", "back"]
    assert taken(same.graph) == taken(Spec.model_validate({"seed": 3, **transformer(50)}).graph)
    found = taken(deep.graph)
    assert found["block_3.add"] == ["block_2.add", "block_3.attention"]
    assert found["block_2.attention"] == ["block_1.add"]
    assert found["norm"] == ["block_3.add"]
    assert len(found) == 3 + 2 * 4 + 2


def test_layers_without_names_repeat_too_and_keep_the_streams_that_they_had() -> None:
    layers = [dense("x", 8, 16), *[dense("x", 16, 16)] * 3, dense("x", 16, 2)]
    unnamed = [{key: value for key, value in layer.items() if key != "name"} for layer in layers]
    one, same, deep = family({"layers": unnamed}, depth=[1, 3, 5])
    streams = [
        [source.path for source in each.plan().parameters()] if False else [p.name for p in each.graph.places]
        for each in (one, same, deep)
    ]
    assert streams[0] == ["dense_0", "dense_1", "dense_4"]
    assert streams[1] == ["dense_0", "dense_1", "dense_2", "dense_3", "dense_4"]
    assert streams[2][:4] == streams[1][:4]
    assert len(set(streams[2])) == 7


@pytest.mark.parametrize(
    ("recipe", "config", "width", "same"),
    [
        ("gpt2", {"n_layer": 1}, 128, {"n_layer": 1, "n_embd": 128, "n_head": 2}),
        ("bert", {"num_hidden_layers": 1}, 96, {
            "num_hidden_layers": 1, "hidden_size": 96, "num_attention_heads": 1, "intermediate_size": 384}),
        ("t5", {"num_layers": 1}, 128, {"num_layers": 1, "d_model": 128, "d_ff": 512, "num_heads": 2}),
    ],
)  # fmt: skip
def test_a_published_model_is_widened_by_its_config(
    recipe: str, config: dict[str, Any], width: int, same: dict[str, Any]
) -> None:
    (_, wide) = family({"recipe": recipe, "config": config}, width=[width // 2, width])
    model = Spec.model_validate({"seed": 3, "recipe": recipe, "config": same})
    documents = {layer["name"]: layer for layer in model.network.layers}
    for layer in wide.layers:
        stated = documents[str(layer.name)]
        assert vars(layer).get("shape") == stated.get("shape"), layer.name
        assert vars(layer).get("heads") == stated.get("heads"), layer.name


@pytest.mark.parametrize(
    ("recipe", "member"), [("gpt2", "n_layer"), ("bert", "num_hidden_layers"), ("t5", "num_layers")]
)
def test_a_published_model_is_deepened_by_its_config(recipe: str, member: str) -> None:
    one, three = family({"recipe": recipe}, depth=[1, 3])
    for depth, found in ((1, one), (3, three)):
        model = Spec.model_validate({"seed": 3, "recipe": recipe, "config": {member: depth}})
        assert [place.name for place in found.graph.places] == [str(layer["name"]) for layer in model.network.layers]


@pytest.mark.parametrize("recipe", ["megatron", "deepnorm", "t_fixup", "mup", "lora"])
def test_a_start_is_built_in_its_own_numbers(recipe: str) -> None:
    usual, wide = family({"recipe": recipe}, width=[512, 1024])
    model = Spec.model_validate({"seed": 3, "recipe": recipe})
    assert [vars(layer).get("shape") for layer in usual.layers] == [
        layer.get("shape") for layer in model.network.layers
    ]  # fmt: skip
    # What a start's formulas make of the width is in the plan's distributions: T-Fixup's table is narrower by sqrt(2).
    before, after = (
        {p.key: p.source.distribution.deviation for layer in spec.plan().layers for p in layer.parameters}
        for spec in (usual, wide)
    )
    if recipe == "t_fixup":
        assert after["embedding/embeddings"] == pytest.approx(before["embedding/embeddings"] / 2**0.5)
    assert before.keys() == after.keys()


@pytest.mark.parametrize(
    ("recipe", "asked"),
    [
        ("lenet5", {"width": [60, 120]}), ("fixup", {"width": [16, 32]}), ("fixup", {"depth": [1, 2]}),
        ("unet", {"width": [8, 16]}), ("lstm_lm", {"width": [32, 64]}), ("lstm_lm", {"depth": [1, 2]}),
        ("mlp_mixer", {"width": [64, 128]}), ("mlp_mixer", {"depth": [1, 2]}), ("vgg16", {"width": [64, 128]}),
        ("resnet50", {"width": [64, 128]}), ("vit", {"width": [64, 128]}), ("vit", {"depth": [1, 2]}),
        ("llama", {"width": [64, 128]}), ("llama", {"depth": [1, 2]}), ("actor_critic", {"width": [32, 64]}),
    ],
)  # fmt: skip
def test_networks_of_recipes_go_across(recipe: str, asked: dict[str, list[int]]) -> None:
    smaller, larger = (sum(map(prod, shapes_in(spec))) for spec in family({"recipe": recipe}, **asked))
    assert smaller < larger


def shapes_in(spec: Spec) -> list[tuple[int, ...]]:
    return [parameter.shape for layer in spec.plan().layers for parameter in layer.parameters]
