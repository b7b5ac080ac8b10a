"""Specs and their plans: layers, fans, layouts, choices, warnings, seeds."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.activations import ACTIVATIONS
from service.networks.plan import Plan, PlannedParameter
from service.networks.schemes import PRESETS
from service.specs.faults import faults_of
from service.specs.spec import Spec


def plan(*layers: dict[str, Any], **more: Any) -> Plan:
    return Spec.model_validate({"seed": 42, **more, "layers": list(layers)}).plan()


def first(*layers: dict[str, Any], **more: Any) -> PlannedParameter:
    return plan(*layers, **more).parameters[0]


DENSE = {"name": "a", "type": "dense", "shape": [32, 64]}
DROPOUT = {"type": "dropout"}
RULE = {"match": "*", "scheme": "zeros"}


@pytest.mark.parametrize(
    ("layer", "shape", "fans"),
    [
        (DENSE, (32, 64), (32, 64)),
        ({"type": "conv1d", "shape": [5, 16, 32]}, (5, 16, 32), (80, 160)),
        ({"type": "conv2d", "shape": [3, 3, 16, 32]}, (3, 3, 16, 32), (144, 288)),
        ({"type": "conv2d", "shape": [3, 3, 16, 32], "groups": 4}, (3, 3, 4, 32), (36, 72)),
        ({"type": "conv2d", "shape": [3, 3, 32, 32], "groups": 32}, (3, 3, 1, 32), (9, 9)),
        ({"type": "conv3d", "shape": [2, 3, 4, 5, 6]}, (2, 3, 4, 5, 6), (120, 144)),
        ({"type": "embedding", "shape": [100, 16]}, (100, 16), (100, 16)),
        ({"type": "tensor", "shape": [3, 3, 16, 32]}, (3, 3, 16, 32), (144, 288)),
        ({"type": "tensor", "shape": [4, 5], "fan_in": 7}, (4, 5), (7, 5)),
        ({"type": "tensor", "shape": []}, (), (1, 1)),
    ],
)
def test_layers_state_their_shapes_and_true_fans(
    layer: dict[str, Any], shape: tuple[int, ...], fans: tuple[int, int]
) -> None:
    parameter = first(layer)
    assert parameter.shape == shape
    assert (parameter.source.fans.fan_in, parameter.source.fans.fan_out) == fans


# (layer, layout) -> names and shapes as the framework's own layer has them.
LAYOUTS = [
    (DENSE, "keras", {"a/kernel": (32, 64), "a/bias": (64,)}),
    (DENSE, "pytorch", {"a.weight": (64, 32), "a.bias": (64,)}),
    (DENSE, "flax", {"a/kernel": (32, 64), "a/bias": (64,)}),
    ({"name": "a", "type": "conv1d", "shape": [5, 4, 6]}, "pytorch", {"a.weight": (6, 4, 5), "a.bias": (6,)}),
    ({"name": "a", "type": "conv2d", "shape": [3, 2, 4, 6], "groups": 2}, "keras",
     {"a/kernel": (3, 2, 2, 6), "a/bias": (6,)}),
    ({"name": "a", "type": "conv2d", "shape": [3, 2, 4, 6], "groups": 2}, "pytorch",
     {"a.weight": (6, 2, 3, 2), "a.bias": (6,)}),
    ({"name": "a", "type": "conv3d", "shape": [2, 3, 4, 5, 6], "bias": None}, "pytorch", {"a.weight": (6, 5, 2, 3, 4)}),
    ({"name": "a", "type": "conv3d", "shape": [2, 3, 4, 5, 6], "bias": None}, "flax", {"a/kernel": (2, 3, 4, 5, 6)}),
    ({"name": "a", "type": "embedding", "shape": [9, 4]}, "keras", {"a/embeddings": (9, 4)}),
    ({"name": "a", "type": "embedding", "shape": [9, 4]}, "pytorch", {"a.weight": (9, 4)}),
    ({"name": "a", "type": "embedding", "shape": [9, 4]}, "flax", {"a/embedding": (9, 4)}),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "layout", "expected"), LAYOUTS)
def test_names_and_shapes_are_the_frameworks(
    layer: dict[str, Any], layout: str, expected: dict[str, tuple[int, ...]]
) -> None:
    assert {p.key: p.shape for p in plan(layer, layout=layout).parameters} == expected


def values(parameter: PlannedParameter) -> Any:
    return np.concatenate(list(parameter.blocks())).reshape(parameter.shape)


@pytest.mark.parametrize("layer", [DENSE, {"name": "a", "type": "conv2d", "shape": [3, 2, 4, 600], "groups": 2}])
@pytest.mark.parametrize("scheme", ["he_normal", "orthogonal"])
def test_a_layout_only_moves_axes(layer: dict[str, Any], scheme: str) -> None:
    keras = values(first({**layer, "scheme": scheme}))
    pytorch = values(first({**layer, "scheme": scheme}, layout="pytorch"))
    assert np.array_equal(pytorch, np.moveaxis(keras, (-1, -2), (0, 1)))
    assert np.array_equal(values(first({**layer, "scheme": scheme}, layout="flax")), keras)


def test_blocks_of_any_layout_join_to_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = {"type": "conv2d", "shape": [3, 3, 7, 11], "scheme": "he_normal"}
    whole = {layout: values(first(layer, layout=layout)) for layout in ("keras", "pytorch")}
    monkeypatch.setattr("service.networks.plan.BLOCK", 50)
    for layout, expected in whole.items():
        parameter = first(layer, layout=layout)
        assert max(block.size for block in parameter.blocks()) <= 63
        assert np.array_equal(values(parameter), expected)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_auto_follows_the_activation_and_says_why(activation: str) -> None:
    parameter = first({**DENSE, "activation": activation})
    assert parameter.source.choice.scheme == PRESETS[ACTIVATIONS[activation].scheme]
    assert parameter.source.choice.reason.startswith(f"{activation}: ")


@pytest.mark.parametrize(
    ("activation", "scheme"),
    [("relu", "he_normal"), ("tanh", "glorot_uniform"), ("selu", "lecun_normal"), ("softmax", "glorot_uniform")],
)
def test_the_recommendations_of_record_hold(activation: str, scheme: str) -> None:
    assert first({**DENSE, "activation": activation}).source.choice.scheme.name == scheme


def test_defaults_of_keras_are_exactly_glorot_uniform_and_zeros() -> None:
    kernel, bias, table = plan(
        {**DENSE, "activation": "relu"}, {"type": "embedding", "shape": [9, 4]}, defaults="keras"
    ).parameters
    assert kernel.source.choice.scheme == PRESETS["glorot_uniform"]
    assert bias.source.choice.scheme == PRESETS["zeros"]
    assert (table.expectation.low, table.expectation.high) == (-0.05, 0.05)


@pytest.mark.parametrize(
    ("defaults", "kernel", "bias", "table"),
    [("pytorch", 1 / np.sqrt(3 * 32), 1 / np.sqrt(3 * 32), 1.0), ("flax", 1 / np.sqrt(32), 0.0, 1 / np.sqrt(4))],
)
def test_defaults_of_other_frameworks_have_their_deviations(
    defaults: str, kernel: float, bias: float, table: float
) -> None:
    found = plan(DENSE, {"type": "embedding", "shape": [9, 4]}, defaults=defaults).parameters
    assert [p.expectation.deviation for p in found] == pytest.approx([kernel, bias, table])


def test_a_gain_of_the_specs_own_takes_the_activations_place() -> None:
    parameter = first({**DENSE, "activation": "relu", "gain": 0.5})
    assert parameter.expectation.deviation == pytest.approx(0.5 / np.sqrt(32))
    assert "0.5" in parameter.source.choice.reason
    assert first({**DENSE, "activation": "tanh", "gain": 5 / 3}).expectation.deviation == pytest.approx(
        5 / 3 / np.sqrt(48)
    )


def test_auto_wins_over_defaults_and_a_stated_scheme_over_both() -> None:
    asked = {**DENSE, "activation": "relu"}
    assert first({**asked, "scheme": "auto"}, defaults="keras").source.choice.scheme.name == "he_normal"
    stated = first({**asked, "scheme": "lecun_uniform"}, defaults="keras")
    assert (stated.source.choice.scheme.name, stated.source.choice.reason) == ("lecun_uniform", "as asked")


def test_the_bias_has_a_scheme_of_its_own_and_null_leaves_it_out() -> None:
    assert plan({**DENSE, "bias": "ones"}).parameters[1].source.choice.scheme.name == "ones"
    assert len(plan({**DENSE, "bias": None}).parameters) == 1


def test_a_layer_depends_on_no_other() -> None:
    alone = values(first(DENSE))
    among = plan({"type": "dense", "shape": [3, 3]}, {**DENSE, "shape": [32, 64]}).parameters[2]
    assert np.array_equal(values(among), alone)


def test_a_layers_own_seed_wins() -> None:
    assert np.array_equal(values(first({**DENSE, "seed": 7})), values(first(DENSE, seed="7")))
    assert not np.array_equal(values(first({**DENSE, "seed": 7})), values(first(DENSE)))


def test_a_seed_left_out_is_drawn_and_returned() -> None:
    spec = Spec.model_validate({"layers": [DENSE]})
    seeds = {spec.plan().seed for _ in range(5)}
    assert len(seeds) == 5
    drawn = spec.plan()
    again = Spec.model_validate_json(drawn.canonical_json()).plan()
    assert np.array_equal(values(again.parameters[0]), values(drawn.parameters[0]))


def test_two_schemes_at_one_seed_differ_by_scale_alone() -> None:
    he, glorot = (values(first({**DENSE, "scheme": name})) for name in ("he_normal", "lecun_normal"))
    assert np.allclose(he / glorot, np.sqrt(2.0), rtol=1e-6)


@pytest.mark.parametrize(
    ("layer", "count", "words"),
    [
        ({**DENSE, "scheme": "zeros"}, 1, "nothing is learnt"),
        ({**DENSE, "scheme": {"name": "constant", "value": 5.0}}, 1, "every unit computes the same"),
        ({**DENSE, "scheme": {"name": "random_normal", "mean": 5.0, "stddev": 0.0}}, 1, "start at 5"),
        ({**DENSE, "scheme": "zeros", "bias": "ones"}, 1, "nothing"),
        ({**DENSE, "bias": "ones"}, 0, ""),
        ({"type": "tensor", "shape": [8], "scheme": "ones"}, 0, ""),
        ({"type": "tensor", "shape": [8, 2], "scheme": "ones"}, 1, "start at 1"),
    ],
)
def test_constant_weights_are_warned_of(layer: dict[str, Any], count: int, words: str) -> None:
    warnings = plan(layer).warnings
    assert len(warnings) == count
    for warning in warnings:
        assert (warning.code, warning.pointer) == ("symmetric-weights", "/layers/0/scheme")
        assert words in warning.detail
        assert not plan({**layer, **warning.remedy}).warnings


def test_layer_names_default_to_type_and_place_and_are_unique() -> None:
    found = plan({"type": "dense", "shape": [2, 2]}, {"type": "embedding", "shape": [2, 2]})
    assert [layer.name for layer in found.layers] == ["dense_0", "embedding_1"]
    with pytest.raises(InvalidSpec) as caught:
        plan({"name": "dense_1", "type": "dense", "shape": [2, 2]}, {"type": "dense", "shape": [2, 2]})
    assert caught.value.pointer == "/layers/1/name"


def normal(mean: float, stddev: float) -> dict[str, Any]:
    return {"name": "random_normal", "mean": mean, "stddev": stddev}


def uniform(low: float, high: float) -> dict[str, Any]:
    return {"name": "random_uniform", "minval": low, "maxval": high}


def cut(low: float, high: float) -> dict[str, Any]:
    return {"name": "bounded_normal", "mean": 0.0, "stddev": 1e5, "minval": low, "maxval": high}


# The farthest value from the mean that a word of 32 bits can give, in deviations (by SciPy).
FARTHEST = float(stats.norm.isf(0.5 / 2**32))
# What float16 holds, whose largest is 65504, and the like of it that it does not, below and above.
HELD: list[dict[str, Any]] = [
    {"name": "constant", "value": 65504.0}, {"name": "constant", "value": -65504.0},
    uniform(-65504.0, 65504.0), uniform(-1.0, 65504.0), uniform(-65504.0, 1.0), cut(-65504.0, 65504.0),
    normal(0.0, 10_000.0), normal(59_000.0, 1_000.0), normal(-59_000.0, 1_000.0),
    {"name": "truncated_normal", "stddev": 32_000.0},
]  # fmt: skip
BEYOND: list[dict[str, Any]] = [
    {"name": "constant", "value": 65536.0}, {"name": "constant", "value": -65536.0},
    uniform(-1.0, 65536.0), uniform(-65536.0, 1.0), cut(-1.0, 65536.0), cut(-65536.0, 1.0),
    normal(0.0, 65536.0 / FARTHEST), normal(60_000.0, 1_000.0), normal(-60_000.0, 1_000.0),
    {"name": "truncated_normal", "stddev": 33_000.0}, {"name": "he_normal", "scale": 1e12},
]  # fmt: skip


@pytest.mark.parametrize("scheme", HELD)
def test_values_that_a_dtype_holds_are_finite_in_it(scheme: dict[str, Any]) -> None:
    expected = first({**DENSE, "scheme": scheme}, dtype="float16").expectation
    for bound, way in ((expected.low, -FARTHEST), (expected.high, FARTHEST)):
        assert np.isfinite(np.float16(expected.mean + way * expected.deviation if bound is None else bound))


@pytest.mark.parametrize("scheme", BEYOND)
def test_values_that_a_dtype_cannot_hold_are_refused(scheme: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedCombination, match="do not fit float16, whose largest is 65504") as caught:
        plan({**DENSE, "scheme": scheme}, dtype="float16")
    assert (caught.value.pointer, caught.value.remedy) == ("/layers/0/scheme", {"dtype": "float32"})
    for dtype in ("float32", "bfloat16"):
        assert plan({**DENSE, "scheme": scheme}, dtype=dtype).parameters


def test_values_beyond_float32_need_float64() -> None:
    with pytest.raises(UnsupportedCombination) as caught:
        plan({**DENSE, "scheme": normal(0.0, 1e38)})
    assert caught.value.remedy == {"dtype": "float64"}
    assert np.isfinite(values(first({**DENSE, "scheme": normal(0.0, 1e38)}, dtype="float64"))).all()


def test_a_remedy_is_a_dtype_that_the_stream_has() -> None:
    with pytest.raises(UnsupportedCombination) as caught:
        plan({**DENSE, "scheme": normal(0.0, 1e38)}, algorithm="jax-threefry/1")
    assert caught.value.remedy is None


def test_a_gain_that_makes_values_too_large_is_pointed_at() -> None:
    with pytest.raises(UnsupportedCombination) as caught:
        plan({**DENSE, "activation": "relu", "gain": 1e6}, dtype="float16")
    assert caught.value.pointer == "/layers/0/gain"


def test_a_plan_of_any_size_costs_nothing() -> None:
    huge = plan({"type": "tensor", "shape": [2**31, 2**31], "scheme": "he_normal"})
    assert huge.elements == 2**62
    for scheme in PRESETS:
        with pytest.raises(TooLarge, match="64 bits") as caught:
            plan({"type": "tensor", "shape": [2**53 - 1] * 32, "scheme": scheme})
        assert caught.value.pointer == "/layers/0/shape"


def test_elements_are_counted_up_to_what_an_address_can_say() -> None:
    assert plan({"type": "tensor", "shape": [2**53 - 1, 1024]}).elements == 2**63 - 1024
    assert plan({"type": "tensor", "shape": [7, 7, 73, 127, 337, 92737, 649657]}).elements == 2**63 - 1
    with pytest.raises(TooLarge, match="64 bits"):
        plan({"type": "tensor", "shape": [2**52, 2048]})


def test_parameters_are_counted_up_to_their_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.specs.choosing.MOST_PARAMETERS", 8)
    assert len(plan(*[{"type": "dense", "shape": [2, 2]}] * 4).parameters) == 8
    with pytest.raises(TooLarge, match="more than 8 parameters") as caught:
        plan(*[{"type": "dense", "shape": [2, 2]}] * 4, {"type": "dense", "shape": [2, 2], "bias": None})
    assert caught.value.pointer == "/layers/4"


@pytest.mark.parametrize(
    ("most", "more", "pointer"),
    [
        ({"layers": [DROPOUT] * 100_000}, {"layers": [DROPOUT] * 100_001}, "/layers"),
        ({"rules": [RULE] * 64}, {"rules": [RULE] * 65}, "/rules"),
        ({"layers": [{**DROPOUT, "name": "a" * 128}]}, {"layers": [{**DROPOUT, "name": "a" * 129}]}, "/layers/0/name"),
        ({"rules": [{**RULE, "match": "*" * 256}]}, {"rules": [{**RULE, "match": "*" * 257}]}, "/rules/0/match"),
        ({"rules": [{**RULE, "because": "a" * 256}]}, {"rules": [{**RULE, "because": "a" * 257}]}, "/rules/0/because"),
        ({"seed": "18446744073709551615"}, {"seed": "18446744073709551616"}, "/seed"),
        ({"seed": 2**53 - 1}, {"seed": 2**53}, "/seed"),
    ],
)
def test_each_bound_of_a_spec_holds_from_there_on(most: dict[str, Any], more: dict[str, Any], pointer: str) -> None:
    Spec.model_validate({"layers": [DROPOUT], **most})
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate({"layers": [DROPOUT], **more})
    assert [fault.pointer for fault in faults_of(caught.value, {"layers": [DROPOUT], **more}, Spec)] == [pointer]


@pytest.mark.parametrize(
    "layers",
    [
        [
            {"name": "fc.weight", "type": "tensor", "shape": [2], "bare": True},
            {"name": "fc", "type": "dense", "shape": [2, 2]},
        ],
        [
            {"name": "m", "type": "multi_head_attention", "shape": [4, 2, 2]},
            {"name": "m.out_proj", "type": "dense", "shape": [4, 4]},
        ],
        [{"name": "__metadata__", "type": "tensor", "shape": [2], "bare": True}],
    ],
)
def test_no_two_arrays_share_a_key(layers: list[dict[str, Any]]) -> None:
    with pytest.raises(InvalidSpec, match="would be called"):
        Spec.model_validate({"layout": "pytorch", "layers": layers}).plan()


@pytest.mark.parametrize(
    "scheme",
    [
        {"name": "torch:trunc_normal", "mean": 0.5, "minval": 0.0, "maxval": 1e-45},
        {"name": "torch:trunc_normal", "mean": 1e38, "stddev": 1e38},
    ],
)
def test_bounds_between_which_nothing_lies_are_refused(scheme: dict[str, Any]) -> None:
    with pytest.raises(InvalidSpec, match="nothing of the distribution lies between"):
        Spec.model_validate({"layers": [{"type": "tensor", "shape": [5, 8], "scheme": scheme}]}).plan()
