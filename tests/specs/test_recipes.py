"""Recipes: published models, as layers and rules that a spec could state itself."""

import pytest

from service.networks.layouts import LAYOUTS
from service.networks.plan import Plan
from service.specs.counting import count
from service.specs.recipes import RECIPES, Named, expand
from service.specs.rules import matcher
from service.specs.spec import Spec
from service.specs.starts import STARTS


def schemes(planned: Plan) -> dict[str, str]:
    return {parameter.key: parameter.source.choice.scheme.name for parameter in planned.parameters}


@pytest.mark.parametrize(
    ("recipe", "size", "elements"),
    [
        ("gpt2", "small", 124_439_808),
        ("gpt2", "xl", 1_557_611_200),
        ("bert", "base", 109_482_240),
        ("bert", "large", 335_141_888),
        ("t5", "small", 60_506_624),
        ("t5", "base", 222_903_552),
        ("vit", "base", 86_389_248),
    ],
)
def test_recipes_have_the_published_sizes(recipe: str, size: str, elements: int) -> None:
    assert Spec.model_validate({"recipe": recipe, "size": size, "seed": 42}).plan().elements == elements


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_layers_and_rules_that_a_spec_could_state(name: str) -> None:
    expanded = expand(Named(name))
    layers = [layer for layer in expanded.layers if layer["name"] not in expanded.tied_layers]
    document = {"seed": 1, "layout": "pytorch", "layers": layers, "rules": list(expanded.rules)}
    stated = Spec.model_validate(document).plan()
    named = Spec.model_validate({"seed": 1, "recipe": name}).plan()
    assert schemes(named) == schemes(stated)
    assert named.written_out()["layers"] == stated.written_out()["layers"]
    assert Spec.model_validate(named.written_out()).plan().elements == named.elements
    assert named.warnings == ()


def test_gpt2_narrows_what_it_writes_to_the_stream() -> None:
    planned = Spec.model_validate({"seed": 1, "recipe": "gpt2"}).plan()
    found = {p.key: p.expectation.deviation for p in planned.parameters}
    assert found["h.0.attn.c_attn.weight"] == pytest.approx(0.02)
    assert found["h.11.mlp.c_proj.weight"] == pytest.approx(0.02 / 24**0.5)
    assert found["h.0.ln_1.bias"] == found["h.0.mlp.c_fc.bias"] == 0.0


def test_a_specs_own_rules_change_a_recipe() -> None:
    rules = [{"match": "wte/embeddings", "scheme": "zeros"}]
    planned = Spec.model_validate({"seed": 1, "recipe": "gpt2", "rules": rules}).plan()
    assert schemes(planned)["wte.weight"] == "zeros"


@pytest.mark.parametrize("name", STARTS)
def test_every_rule_of_a_recipe_matches_in_every_size_and_layout_and_the_same(name: str) -> None:
    for size in RECIPES[name].sizes:
        rules = expand(Named(name, size)).rules
        for layout in LAYOUTS:
            planned = Spec.model_validate({"recipe": name, "size": size, "layout": layout, "seed": 1}).plan()
            assert planned.warnings == ()
            for parameter in planned.parameters:
                for each, source in parameter.array.sources.items():
                    path = f"{parameter.layer}/{each}"
                    asked = [rule["scheme"]["name"] for rule in rules if matcher(rule["match"])(path)]
                    assert not asked or source.choice.scheme.name == asked[-1]


def test_a_rule_of_ones_own_is_pointed_at_in_the_document_as_posted() -> None:
    rules = [{"match": "wte/embeddings", "scheme": "zeros"}, {"match": "nowhere", "scheme": "ones"}]
    warnings = Spec.model_validate({"seed": 1, "recipe": "gpt2", "rules": rules}).plan().warnings
    assert {warning.code: warning.pointer for warning in warnings} == {
        "symmetric-weights": "/rules/0/scheme",
        "unused-rule": "/rules/1/match",
    }


@pytest.mark.parametrize("name", RECIPES)
def test_a_count_is_that_of_the_plan(name: str) -> None:
    size = min(RECIPES[name].sizes, key=lambda each: count(name, each).arrays)
    plan = Spec.model_validate({"recipe": name, "size": size, "seed": 1}).plan()
    assert count(name, size) == (len(plan.parameters), plan.elements)


TEXT = {"vocab_size": 31, "hidden_size": 24, "intermediate_size": 20, "num_hidden_layers": 1, "head_dim": 4}
LABELLED: dict[str, object] = {**TEXT, "model_type": "gemma3_text"}


@pytest.mark.parametrize(
    ("stated", "meant"),
    [
        ({"config": LABELLED}, "gemma3_text"),
        ({"config": TEXT}, "gemma3_text"),
        ({"size": "1b"}, "gemma3_text"),
        ({"size": "1b", "config": {"num_hidden_layers": 1}}, "gemma3_text"),
        ({"config": {"text_config": TEXT, "vision_config": {"num_hidden_layers": 1}}}, "gemma3"),
        ({"config": {"model_type": "gemma3", "text_config": TEXT}}, "gemma3"),
        ({"size": "4b"}, "gemma3"),
        ({}, "gemma3"),
    ],
)
def test_a_part_of_a_model_is_known_by_its_config_or_size(stated: dict[str, object], meant: str) -> None:
    found = Spec.model_validate({"recipe": "gemma3", "seed": 1, **stated}).plan()
    alone = Spec.model_validate({"recipe": meant, "seed": 1, **stated}).plan()
    assert found.canonical_json() == alone.canonical_json()
    assert [each.key for each in found.parameters] == [each.key for each in alone.parameters]
