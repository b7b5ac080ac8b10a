"""Rules and recipes: whole models by pattern."""

import fnmatch
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.errors import TooLarge
from service.networks.plan import Plan
from service.specs.recipes import RECIPES, expand
from service.specs.rules import matcher
from service.specs.spec import Spec

LAYERS: list[dict[str, Any]] = [
    {"name": "block_0.attention", "type": "multi_head_attention", "shape": [8, 2, 4]},
    {"name": "block_0.mlp", "type": "dense", "shape": [8, 16], "scheme": "he_normal", "activation": "relu"},
    {"name": "block_1.mlp", "type": "dense", "shape": [8, 16], "activation": "relu"},
]


def plan(*rules: dict[str, Any], **more: Any) -> Plan:
    return Spec.model_validate({"seed": 1, "layers": LAYERS, "rules": list(rules), **more}).plan()


def schemes(planned: Plan) -> dict[str, str]:
    return {parameter.key: parameter.source.choice.scheme.name for parameter in planned.parameters}


TEXT = st.text("ab*?.", max_size=12)


@given(pattern=TEXT, path=st.text("ab.", max_size=12))
@example(pattern="*a*b", path="aab")
@example(pattern="", path="")
def test_patterns_match_as_the_shells_do(pattern: str, path: str) -> None:
    assert bool(matcher(pattern)(path)) == fnmatch.fnmatchcase(path, pattern)


def matches(pattern: str, path: str) -> bool:
    """Say whether a pattern matches by a table of all its beginnings against all those of the path: n times m steps."""
    reached = [True, *([False] * len(path))]
    for symbol in pattern:
        if symbol == "*":
            reached = [any(reached[: end + 1]) for end in range(len(path) + 1)]
        else:
            steps = (before and symbol in ("?", letter) for before, letter in zip(reached, path, strict=False))
            reached = [False, *steps]
    return reached[-1]


# Patterns on which a matcher that goes back would try more ways than there are atoms, and paths that just fail.
@pytest.mark.parametrize("path", ["a" * 190, "a" * 189 + "b", "ab" * 95, "b" + "a" * 189])
@pytest.mark.parametrize(
    "pattern",
    ["*a" * 128, "*a" * 100 + "*b", "*?" * 128, "?*" * 127 + "b", "*" * 256, "*a?" * 80, "*" + "a?" * 60 + "*b"],
)
def test_a_pattern_that_could_run_for_ever_gives_its_answer(pattern: str, path: str) -> None:
    assert bool(matcher(pattern)(path)) == matches(pattern, path)


def test_rules_win_over_layers_and_later_over_earlier() -> None:
    found = schemes(
        plan(
            {"match": "*/kernel", "scheme": "lecun_normal"},
            {"match": "block_?.mlp/*", "scheme": "ones"},
            {"match": "block_0*kernel", "scheme": {"name": "random_normal", "stddev": 0.02}},
        )
    )
    assert found["block_0.mlp/kernel"] == "random_normal"
    assert found["block_1.mlp/kernel"] == "ones"
    assert found["block_0.attention/query/kernel"] == "random_normal"
    assert found["block_0.attention/query/bias"] == "zeros"


def test_auto_in_a_rule_follows_the_activation() -> None:
    assert schemes(plan({"match": "*", "scheme": "auto"}))["block_1.mlp/kernel"] == "he_normal"


def test_what_a_rule_breaks_is_pointed_at() -> None:
    planned = plan({"match": "*/bias", "scheme": "zeros"}, {"match": "*.mlp/kernel", "scheme": "zeros"})
    assert {warning.pointer for warning in planned.warnings} == {"/rules/1/scheme"}
    assert {tuple(warning.remedy.items()) for warning in planned.warnings} == {(("scheme", "he_normal"),)}
    assert not plan({"match": "*.mlp/kernel", "scheme": "zeros", "because": "a residual branch"}).warnings


def test_canonical_paths_match_whatever_the_layout() -> None:
    rule = {"match": "block_1.mlp/kernel", "scheme": "ones"}
    assert schemes(plan(rule, layout="pytorch"))["block_1.mlp.weight"] == "ones"


def test_too_many_parameters_are_refused() -> None:
    layers = [{"type": "lstm", "shape": [4, 4], "num_layers": 64, "bidirectional": True}] * 17
    with pytest.raises(TooLarge, match="parameters"):
        Spec.model_validate({"layers": layers}).plan()


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
    layers, rules = expand(name, None)
    stated = Spec.model_validate({"seed": 1, "layout": "pytorch", "layers": layers, "rules": rules}).plan()
    named = Spec.model_validate({"seed": 1, "recipe": name}).plan()
    assert schemes(named) == schemes(stated)
    assert named.canonical()["layers"] == stated.canonical()["layers"]
    assert Spec.model_validate(named.canonical()).plan().elements == named.elements
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


@pytest.mark.parametrize(
    "bad",
    [
        {"recipe": "gpt5"},
        {"recipe": "gpt2", "size": "huge"},
        {"recipe": "gpt2", "size": 5},
        {"recipe": 5},
        {"recipe": "gpt2", "layers": LAYERS},
        {"recipe": "gpt2", "rules": "all"},
        {"size": "small"},
    ],
)
def test_a_recipe_that_cannot_be_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Spec.model_validate(bad)
