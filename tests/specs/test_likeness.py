"""Layers that are alike are decided and made once: what each comes to is what it comes to by itself."""

from typing import Any

import pytest

from service.api.entries import layer_example
from service.errors import UnsupportedCombination
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS, OTHER_LAYOUTS
from service.networks.plan import Plan, PlannedParameter
from service.specs.spec import Spec

Written = dict[str, Any]
DENSE: Written = {"type": "dense", "shape": [3, 2]}


def plan(*layers: Written, **more: Any) -> Plan:
    return Spec.model_validate({"seed": 7, "layers": list(layers), **more}).plan()


def told(parameter: PlannedParameter) -> tuple[Any, ...]:
    """Return all that an answer says of a parameter, and its bytes."""
    source = parameter.source
    values = b"".join(block.tobytes() for block in parameter.blocks())
    return parameter.key, parameter.shape, source.choice, source.fans, parameter.cost, parameter.expectation, values


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_among_its_like_is_what_it_is_alone(kind: str) -> None:
    layer = layer_example(kind)["layers"][0]
    rules = [
        {"match": "b/*", "scheme": {"name": "constant", "value": 0.5}, "because": "so"},
        {"match": "c/*", "seed": 3},
    ]
    layers = [{**layer, "name": name} for name in "abcd"]
    layers[3]["seed"] = 5
    together = plan(*layers, DENSE, rules=rules, layout="pytorch")
    alone = [plan(each, rules=rules, layout="pytorch") for each in layers]
    assert [told(each) for layer in together.layers[:4] for each in layer.parameters] == [
        told(each) for one in alone for each in one.parameters
    ]


def test_layers_that_are_alike_share_all_but_name_and_streams() -> None:
    first, second, other = plan(
        {**DENSE, "name": "a"}, {**DENSE, "name": "b", "seed": 1}, {**DENSE, "bias": "ones"}
    ).layers
    assert all(one.array is same.array for one, same in zip(first.parameters, second.parameters, strict=True))
    assert all(one.array is not two.array for one, two in zip(first.parameters, other.parameters, strict=True))
    assert first.parameters[0].draws != second.parameters[0].draws


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"scheme": {"name": "constant", "value": 0.0}}, {"scheme": {"name": "constant", "value": -0.0}}),
        ({"bias": None}, {}),
        ({"dtype": "float16"}, {"dtype": "float32"}),
        ({"activation": "relu"}, {"activation": "tanh"}),
        ({"gain": 1.0}, {}),
    ],
)
def test_what_changes_a_value_tells_layers_apart(one: Written, other: Written) -> None:
    first, second = plan({**DENSE, **one}, {**DENSE, **other}).layers
    assert first.parameters[0].array is not second.parameters[0].array


def test_the_rules_that_match_tell_layers_apart() -> None:
    rules = [{"match": "a/kernel", "scheme": "ones"}, {"match": "?/bias", "scheme": "ones", "dtype": "float16"}]
    first, second = plan({**DENSE, "name": "a"}, {**DENSE, "name": "b"}, rules=rules).layers
    assert [each.source.choice.scheme.name for each in first.parameters] == ["ones", "ones"]
    assert [each.source.choice.scheme.name for each in second.parameters] == ["glorot_uniform", "ones"]
    assert [each.dtype for each in second.parameters] == ["float32", "float16"]


def test_a_warning_leads_to_each_layer_that_it_is_about_and_is_said_once_of_a_rule() -> None:
    far = {**DENSE, "scheme": {"name": "random_normal", "stddev": 9.0}}
    assert [each.pointer for each in plan(far, DENSE, far).warnings] == ["/layers/0/scheme", "/layers/2/scheme"]
    rule = {"match": "*/kernel", "scheme": far["scheme"]}
    assert [each.pointer for each in plan(DENSE, DENSE, DENSE, rules=[rule]).warnings] == ["/rules/0/scheme"]


@pytest.mark.parametrize("layout", [*LAYOUTS, *OTHER_LAYOUTS])
@pytest.mark.parametrize("kind", LAYERS)
def test_what_layers_say_of_their_size_is_not_more_than_what_is_planned(kind: str, layout: str) -> None:
    layers = [{**layer_example(kind)["layers"][0], "name": name} for name in "ab"]
    try:
        elements = plan(*layers, layout=layout).cost.elements
    except UnsupportedCombination:
        return
    spec = Spec.model_validate({"layers": layers})
    assert not spec.has_more_than(elements)


def test_what_only_a_plan_tells_is_not_said_of_a_spec() -> None:
    layer = {**DENSE, "name": "a"}
    assert Spec.model_validate({"layers": [{"type": "dropout"}] * 99 + [layer]}).has_more_than(5)
    assert not Spec.model_validate({"layers": [layer]}).has_more_than(6)  # 3 · 2; the bias is not counted
    assert not Spec.model_validate({"layers": [layer], "select": "*bias"}).has_more_than(5)
    assert not Spec.model_validate({"recipe": "gpt2"}).has_more_than(5)
    assert not Spec.model_validate({"tensors": {"fc.weight": [10, 64]}}).has_more_than(5)
    assert not Spec.model_validate({"layers": [{"type": "dropout"}] * 100 + [layer]}).has_more_than(5)  # of the first
