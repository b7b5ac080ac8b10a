"""Rules: schemes by pattern on names, for whole models; what they cost, and what to say of one that means nothing."""

import fnmatch
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.api.entries import layer_example
from service.errors import TooLarge
from service.networks.layers import LAYERS as LAYERS_BY_TYPE
from service.networks.layouts import LAYOUTS, Sum
from service.networks.plan import Plan
from service.specs.matching import MOST_COMPARISONS
from service.specs.rules import matcher, price
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


def test_the_name_that_the_answer_shows_matches_too() -> None:
    # zero_init_residual of a ResNet, as its state_dict has the name
    layers = [{"name": "layer4.1.bn2", "type": "batch_norm", "shape": [4]}]
    planned = plan({"match": "*.bn2.weight", "scheme": "zeros"}, layers=layers, layout="pytorch")
    assert schemes(planned)["layer4.1.bn2.weight"] == "zeros"
    assert schemes(planned)["layer4.1.bn2.bias"] == "zeros"  # the usual start of a shift
    assert planned.warnings == ()
    assert schemes(plan({"match": "*.bn2/gamma", "scheme": "zeros"}, layers=layers, layout="pytorch")) == schemes(
        planned
    )


def test_an_array_of_several_parameters_means_all_of_them() -> None:
    attention = plan({"match": "*.in_proj_weight", "scheme": "ones"}, layout="pytorch").layers[0]
    (joined,) = (each for each in attention.parameters if each.name == "in_proj_weight")
    assert {joined.array.sources[name].choice.scheme.name for name in joined.array.arrangement.sources()} == {"ones"}
    assert {"query/kernel", "key/kernel", "value/kernel"} == set(joined.array.arrangement.sources())


CONSTANT = {"name": "constant", "value": 0.125}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", LAYERS_BY_TYPE)
def test_every_array_can_be_named_as_it_is_shown_or_says_what_to_name(kind: str, layout: str) -> None:
    spec = {"layers": [{**layer_example(kind)["layers"][0], "name": "a"}], "layout": layout, "seed": 1}
    keys = [parameter.key for parameter in Spec.model_validate(spec).plan().parameters]
    for key in keys:
        match = key
        for _ in range(2):
            planned = Spec.model_validate({**spec, "rules": [{"match": match, "scheme": CONSTANT}]}).plan()
            unused = [warning for warning in planned.warnings if warning.code == "unused-rule"]
            if not unused:
                break
            match = unused[0].remedy["match"]
        assert not unused, (key, match)
        (shown,) = (parameter for parameter in planned.parameters if parameter.key == key)
        assert shown.source.choice.reason == "as asked", (key, match)
        if shown.source.stated.zero_row is None and not isinstance(
            shown.array.arrangement, Sum
        ):  # two rows of a GRU's bias
            assert (shown.expectation.mean, shown.expectation.deviation) == (0.125, 0.0), (key, match)


@pytest.mark.parametrize(
    ("rule", "layout", "words", "nearest"),
    [
        ("block_1.mlp/kernle", "keras", "the nearest name", "block_1.mlp/kernel"),
        ("block_7.mlp/kernel", "keras", "the nearest name", "block_0.mlp/kernel"),
        ("*.mlp.wieght", "pytorch", "the nearest name", "block_0.mlp.weight"),
        ("*.mlp.weight", "keras", "only in the layout pytorch", "block_0.mlp/kernel"),
        ("encoder/*", "keras", "the nearest name", None),
        ("?", "keras", "the nearest name", None),
    ],
)
def test_a_rule_that_matches_nothing_is_warned_of(rule: str, layout: str, words: str, nearest: str | None) -> None:
    planned = plan({"match": "*/bias", "scheme": "zeros"}, {"match": rule, "scheme": "he_normal"}, layout=layout)
    (warning,) = planned.warnings
    assert (warning.code, warning.pointer) == ("unused-rule", "/rules/1/match")
    assert words in warning.detail
    assert nearest in (None, warning.remedy["match"])
    mended = plan({"match": "*/bias", "scheme": "zeros"}, {"scheme": "he_normal", **warning.remedy}, layout=layout)
    assert "unused-rule" not in {each.code for each in mended.warnings}


def test_a_gate_alone_is_a_part_of_a_parameter() -> None:
    lstm = [{"type": "lstm", "shape": [4, 4]}]
    (warning,) = plan({"match": "*/ii/kernel", "scheme": "ones"}, layers=lstm, layout="flax").warnings
    assert warning.code == "unused-rule"
    assert "only a part of" in warning.detail
    assert (
        plan({"match": "*/i?/kernel", "scheme": "lecun_normal", "because": "so"}, layers=lstm, layout="flax").warnings
        == ()
    )


RULED: list[dict[str, Any]] = [
    {"type": "dense", "shape": [4, 4]}, {"type": "batch_norm", "shape": [4]}, {"type": "lstm", "shape": [4, 4]},
    {"type": "gru", "shape": [4, 4]}, {"type": "multi_head_attention", "shape": [4, 2, 2]},
]  # fmt: skip


@pytest.mark.parametrize("pattern", ["*/bias", "*bias", "*/kernel", "*/gamma", "*", "lstm*", "*/recurrent_*"])
@pytest.mark.parametrize("defaults", ["recommended", "pytorch"])
def test_a_rule_by_canonical_paths_gives_the_same_network_in_every_layout(pattern: str, defaults: str) -> None:
    rule = {"match": pattern, "scheme": CONSTANT, "because": "so"}
    found = []
    for layout in LAYOUTS:
        planned = plan(rule, layers=RULED, layout=layout, defaults=defaults)
        found.append({
            f"{each.layer}/{name}": source.choice.scheme for each in planned.parameters
            for name, source in each.array.sources.items()
        })  # fmt: skip
    assert found[0] == found[1] == found[2]


def test_a_parameter_that_only_its_shown_name_fits_is_told_of() -> None:
    layers = [{"name": "fc", "type": "dense", "shape": [4, 4]}, {"name": "bn", "type": "batch_norm", "shape": [4]}]
    (warning,) = plan({"match": "*/bias", "scheme": "zeros"}, layers=layers, layout="flax").warnings
    assert (warning.code, warning.pointer) == ("partly-used-rule", "/rules/0/match")
    assert "bn/beta" in warning.detail
    assert plan({"match": "*/bias", "scheme": "zeros"}, layers=layers).warnings == ()
    assert plan({"match": "*.bias", "scheme": "zeros"}, layers=layers, layout="pytorch").warnings == ()


def test_a_rule_over_no_parameters_at_all_is_warned_of() -> None:
    (warning,) = plan({"match": "*", "scheme": "ones"}, layers=[{"type": "dropout"}]).warnings
    assert (warning.code, warning.remedy) == ("unused-rule", {})


def test_a_rule_that_a_later_one_wins_over_is_not_unused() -> None:
    rules = [{"match": "*/bias", "scheme": "ones"}, {"match": "*/bias", "scheme": "zeros"}]
    assert plan(*rules).warnings == ()


STACKED: dict[str, Any] = {"type": "lstm", "shape": [4, 4], "num_layers": 64, "bidirectional": True}


def test_too_many_parameters_are_refused_before_rules_are_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(pattern: str) -> None:
        raise AssertionError("a pattern was compiled")

    monkeypatch.setattr("service.specs.matching.matcher", forbidden)
    rules = [{"match": "*a" * 60, "scheme": "zeros"}] * 64
    with pytest.raises(TooLarge, match="parameters"):
        Spec.model_validate({"layers": [STACKED] * 600, "rules": rules}).plan()


def test_comparisons_are_counted_before_any_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [STACKED] * 4
    few = [{"match": "*/kernel", "scheme": "glorot_uniform", "because": "so"}] * 64
    assert not Spec.model_validate({"layers": layers, "rules": few, "seed": 1}).plan().warnings
    monkeypatch.setattr("service.specs.matching.matcher", lambda pattern: pytest.fail("a pattern was compiled"))
    for pattern in ("*a" * 60, "*" + "?a" * 60 + "*"):
        with pytest.raises(TooLarge, match="comparisons") as caught:
            Spec.model_validate({"layers": layers, "rules": [{"match": pattern, "scheme": "zeros"}] * 64}).plan()
        assert caught.value.pointer == "/rules"


def test_a_price_is_no_less_than_the_work() -> None:
    """A piece between two stars is looked for once; one with a `?` may be tried at every place, all of it."""
    assert price("*/kernel") == price("h.?.attn/*") == price("a*b") == 1
    assert price("*a*b*c*") == 4
    assert price("*" + "a?" * 60 + "*") == 121
    assert MOST_COMPARISONS == 2**22
