"""A listing of a model's tensors: the layers that have them, byte for byte, and what is said of each."""

import json
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from service.api.entries import layer_example
from service.formats.description import encode_plan
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS, OTHER_LAYOUTS
from service.networks.plan import Plan
from service.networks.telling.listing import MOST_PATTERNS
from service.specs.faults import faults_of
from service.specs.spec import Spec

# Whole blocks are told by their parts, whose streams have other names.
BLOCKS = {kind for kind in LAYERS if kind.startswith("transformer_") and kind != "transformers_conv1d"}
PARTS = BLOCKS | {"grouped_query_attention", "separable_conv1d", "separable_conv2d"}
MLP = {"fc1.weight": [6, 4], "fc1.bias": [6], "fc2.weight": [3, 6]}


def read(tensors: Any, **more: Any) -> Spec:
    return Spec.model_validate({"tensors": tensors, "seed": 7, **more})


def plan(tensors: Any, **more: Any) -> Plan:
    return read(tensors, **more).plan()


def values(plan: Plan) -> dict[str, bytes]:
    return {each.key: b"".join(block.tobytes() for block in each.blocks()) for each in plan.parameters}


def kinds(plan: Plan) -> dict[str, str]:
    return {each.key: each.taken_for.kind for each in plan.parameters if each.taken_for is not None}


def doubtful(spec: Spec) -> set[str]:
    assert spec.tensors is not None
    return {name for each in spec.tensors.told.doubts for name in each.names}


def fault(tensors: Any, **more: Any) -> tuple[str, str]:
    document = {"tensors": tensors, **more}
    with pytest.raises(ValidationError) as caught:
        Spec.model_validate(document)
    (found,) = faults_of(caught.value, document, Spec)
    return found.pointer, found.detail


def test_the_bytes_are_those_of_the_layers_that_are_meant() -> None:
    layers = [
        {"name": "fc1", "type": "dense", "shape": [4, 6]},
        {"name": "fc2", "type": "dense", "shape": [6, 3], "bias": None},
    ]
    stated = Spec.model_validate({"layers": layers, "layout": "pytorch", "seed": 7}).plan()
    assert values(plan(MLP)) == values(stated)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", [kind for kind in LAYERS if kind not in PARTS | {"dropout"}])
def test_the_listing_of_an_answer_gives_the_same_answer_or_a_warning(kind: str, layout: str) -> None:
    document = layer_example(kind) | {"layout": layout, "seed": 7}
    document["layers"][0]["name"] = f"a.{kind}"
    answer = Spec.model_validate(document).plan()
    again = read({each.key: list(each.shape) for each in answer.parameters}, layout=layout)
    expected, found = values(answer), values(again.plan())
    assert expected.keys() == found.keys()
    assert {name for name in expected if expected[name] != found[name]} <= doubtful(again)


def test_each_tensor_is_said_to_be_something_and_why() -> None:
    described = json.loads(
        encode_plan(plan({**MLP, "norm.weight": [3], "ids.position_ids": {"shape": [1, 9], "dtype": "int64"}}))
    )
    parameters = [each for layer in described["layers"] for each in layer["parameters"]]
    assert [each["taken_for"]["kind"] for each in parameters] == ["dense", "bias", "dense", "norm"]
    assert all(each["taken_for"]["why"] for each in parameters)
    assert described["left_alone"]["ids.position_ids"]["kind"] == "buffer"


def test_what_is_not_told_stays_a_bare_tensor_and_is_a_warning() -> None:
    told = plan({**MLP, "fc1.mystery": [5, 7]})
    (warning,) = told.warnings
    assert (warning.code, warning.pointer) == ("unknown-tensor", "/tensors/fc1.mystery")
    assert [layer.type for layer in told.layers if layer.name == "fc1.mystery"] == ["tensor"]


def test_a_tensor_of_which_a_rule_says_how_it_starts_is_in_no_doubt() -> None:
    listing = {**MLP, "fc1.mystery": [5, 7], "fc2.mystery": [5, 7]}
    (doubt,) = plan(listing, rules=[{"match": "fc1.mystery", "scheme": "glorot_normal"}]).warnings
    assert (doubt.code, doubt.pointer) == ("unknown-tensor", "/tensors/fc2.mystery")
    assert not plan(listing, rules=[{"match": "*.mystery", "scheme": "glorot_uniform"}]).warnings
    assert plan(listing, rules=[{"match": "*.mystery", "seed": 5}]).warnings


def test_rules_overrule_what_was_told() -> None:
    told = plan(MLP, rules=[{"match": "fc1.weight", "scheme": "ones"}, {"match": "fc2/kernel", "scheme": "zeros"}])
    arrays = {each.key: each.source.choice.scheme.name for each in told.parameters}
    assert arrays == {"fc1.weight": "ones", "fc1.bias": "zeros", "fc2.weight": "zeros"}


@pytest.mark.parametrize(
    "said",
    [
        {"fc2.weight": [3, 6], "fc1.bias": [6], "fc1.weight": [6, 4]},
        {name: {"shape": shape} for name, shape in MLP.items()},
        {name: {"shape": shape, "dtype": "F32", "data_offsets": [0, 0]} for name, shape in MLP.items()},
        {
            "__metadata__": {"format": "pt"},
            **{name: {"shape": shape, "dtype": "float32"} for name, shape in MLP.items()},
        },
        {"fc1": {"weight": [6, 4], "bias": [6]}, "fc2": {"weight": [3, 6]}},
    ],
)
def test_one_listing_has_one_canonical_text_however_it_is_said(said: dict[str, Any]) -> None:
    told = plan(said)
    assert told.canonical_json() == plan(MLP).canonical_json()
    assert [each.key for each in told.parameters] == ["fc1.weight", "fc1.bias", "fc2.weight"]
    again = Spec.model_validate(json.loads(told.canonical_json())).plan()
    assert (again.canonical_json(), values(again)) == (told.canonical_json(), values(told))


def test_layers_stand_in_their_natural_order() -> None:
    told = plan({f"layers.{number}.weight": [2, 2] for number in (10, 2, 1)})
    assert [layer.name for layer in told.layers] == ["layers.1", "layers.2", "layers.10"]


@pytest.mark.parametrize(
    ("tensors", "pointer", "says"),
    [
        ([["a", [2]]], "/tensors", "is an object"),
        ({}, "/tensors", "no tensor"),
        ({"a.weight": [2, 0]}, "/tensors/a.weight", "1 or more"),
        ({"a.weight": [2, 1.5]}, "/tensors/a.weight", "an integer"),
        ({"a.weight": 3}, "/tensors/a.weight", "an array of sizes"),
        ({"a.weight": [1] * 33}, "/tensors/a.weight", "at most 32"),
        ({"a.weight": "model-00001-of-00002.safetensors"}, "/tensors/a.weight", "an index has no shapes"),
        ({"a b": [2]}, "/tensors/a b", "made of letters"),
        ({"a/../b": [2]}, "/tensors/a~1..~1b", "nothing but dots"),
        ({"a" * 257: [2]}, f"/tensors/{'a' * 257}", "at most 256"),
        ({"a.weight": {"shape": [2, 2], "dtype": "float8_e4m3fn"}}, "/tensors/a.weight/dtype", "quantised"),
        ({"a.weight": {"shape": [2, 2], "dtype": "I8"}}, "/tensors/a.weight/dtype", "quantised"),
        ({"a.weight": {"shape": [2, 2], "dtype": "float31"}}, "/tensors/a.weight/dtype", "one of float32"),
        ({"a.weight": {"shape": [2, 2], "sizes": 1}}, "/tensors/a.weight/sizes", "no such field"),
        ({"a.qweight": [2, 2], "a.qzeros": [1, 2]}, "/tensors/a.qweight", "quantised"),
        ({"a.weight": [2, 2], "a.weight_scale_inv": [1, 1]}, "/tensors/a.weight_scale_inv", "quantised"),
        ({"e.up_blocks": [2, 2], "e.up_scales": [2, 1]}, "/tensors/e.up_blocks", "quantised"),
        ({"a": [2, 2], "a.weight": [3, 3]}, "/tensors/a", "a tensor and a module"),
        ({"position_ids": {"shape": [1, 5], "dtype": "int64"}}, "/tensors", "left alone"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(tensors: Any, pointer: str, says: str) -> None:
    found, detail = fault(tensors)
    assert found == pointer
    assert says in detail


def test_a_listing_stands_alone_and_under_the_services_own_stream() -> None:
    assert fault(MLP, layers=[{"type": "dense", "shape": [2, 2]}])[0] == "/tensors"
    assert fault(MLP, recipe="gpt2")[0] in ("/tensors", "/recipe", "/layers")
    assert fault(MLP, algorithm="torch-cpu/1")[0] == "/algorithm"
    found, detail = fault(MLP, layout="pytorhc")
    assert (found, detail.endswith("did you mean pytorch?")) == ("/layout", True)
    for layout in OTHER_LAYOUTS:
        assert fault(MLP, layout=layout) == (
            "/layout",
            f"tensors are told by the names of keras, pytorch, flax; {layout} has others",
        )


@pytest.mark.parametrize("value", [{}, {"v_proj_weight": []}, {"v_proj_weight": [4, 4, 4]}, {"in_proj_weight": [4]}])
def test_an_attention_without_the_shapes_of_one_is_none(value: dict[str, list[int]]) -> None:
    listing = {"q_proj_weight": [4, 4], "k_proj_weight": [4, 4], **value, "out_proj.weight": [4, 4]}
    told = plan({f"mixer.{name}": shape for name, shape in listing.items()})
    assert "multi_head_attention" not in {layer.type for layer in told.layers}


def test_a_separable_convolution_of_more_axes_than_there_are_is_none() -> None:
    listing = {"sep/depthwise_kernel": [2, 2, 2, 3, 1], "sep/pointwise_kernel": [1, 1, 1, 3, 4]}
    assert {layer.type for layer in plan(listing, layout="keras").layers} == {"tensor"}


@pytest.mark.parametrize("names", [("fc/kernel", "fc/kernel:0"), ("fc/kernel:0", "fc/kernel")])
def test_a_variable_with_and_without_its_tag_is_one(names: tuple[str, str]) -> None:
    pointer, detail = fault({name: [3, 4] for name in names}, layout="keras")
    assert pointer == "/tensors/" + names[1].replace("/", "~1")
    assert "stands twice" in detail


def test_a_pointer_leads_to_the_tensor_that_a_fault_is_about() -> None:
    told = plan({"net": {"fc": {"kernel": [4, 4]}}}, layout="flax", rules=[{"match": "*", "scheme": "zeros"}])
    assert "net/fc/kernel" in values(told)
    nested = plan({"params": {"odd": [4, 4]}}, layout="flax")
    assert [each.pointer for each in nested.warnings] == ["/tensors/params/odd"]


def test_a_tensor_of_the_top_has_its_own_name_alone() -> None:
    told = plan({"weight": [3, 4], "bias": [3]})
    assert kinds(told) == {"weight": "dense", "bias": "bias"}
    ruled = plan({"weight": [3, 4], "bias": [3]}, rules=[{"match": "weight", "scheme": "ones"}])
    assert set(values(ruled)["weight"]) == {0, 128, 63}


@pytest.mark.parametrize("twins", [{"a.b/kernel": [2, 2]}, {"params/a/b/kernel": [2, 2]}])
def test_two_parameters_never_have_one_stream(twins: dict[str, list[int]]) -> None:
    assert "needs another name" in fault({"a/b/kernel": [2, 2], **twins}, layout="flax")[1]


def test_a_network_has_the_same_values_whosever_names_it_is_listed_by() -> None:
    torch = values(plan({"net.fc.weight": [3, 4], "net.conv.weight": [5, 2, 3, 3]}))
    keras = values(plan({"net/fc/kernel": [4, 3], "net/conv/kernel": [3, 3, 2, 5]}, layout="keras"))
    flax = values(
        plan({"params": {"net": {"fc": {"kernel": [4, 3]}, "conv": {"kernel": [3, 3, 2, 5]}}}}, layout="flax")
    )
    assert list(keras.values()) == list(flax.values())
    turned = np.frombuffer(torch["net.conv.weight"], "f4").reshape(5, 2, 3, 3).transpose(2, 3, 1, 0)
    assert np.array_equal(turned.ravel(), np.frombuffer(keras["net/conv/kernel"], "f4"))
    layers = [{"name": "net.fc", "type": "dense", "shape": [4, 3], "bias": None}]
    stated = values(Spec.model_validate({"layers": layers, "seed": 7}).plan())
    assert stated["net.fc/kernel"] == keras["net/fc/kernel"] == flax["params/net/fc/kernel"]


def test_values_are_those_of_numpys_view_of_the_same_matrix() -> None:
    """PyTorch's (out, in) of a listing is Keras's (in, out) turned round."""
    torch = values(plan({"fc.weight": [3, 4]}))["fc.weight"]
    keras = values(plan({"fc/kernel": [4, 3]}, layout="keras"))["fc/kernel"]
    assert np.array_equal(np.frombuffer(torch, "f4").reshape(3, 4), np.frombuffer(keras, "f4").reshape(4, 3).T)


def test_tensors_have_the_dtypes_that_the_listing_states() -> None:
    half = {"shape": [3, 4], "dtype": "BF16"}
    told = plan({"fc.weight": half, "fc.bias": {"shape": [3], "dtype": "torch.float32"}, "out.weight": half})
    assert {each.key: each.dtype for each in told.parameters} == {
        "fc.weight": "bfloat16",
        "fc.bias": "float32",
        "out.weight": "bfloat16",
    }
    alone = plan({"fc.weight": [3, 4], "fc.bias": [3], "out.weight": [3, 4]}, dtype="bfloat16")
    assert values(told)["fc.weight"] == values(alone)["fc.weight"]
    again = Spec.model_validate(json.loads(told.canonical_json())).plan()
    assert values(again) == values(told)


def test_a_config_beside_a_listing_says_which_model_it_is_of() -> None:
    tensors = {"model.layers.0.input_layernorm.weight": [4], "model.layers.0.mlp.up_proj.weight": [8, 4]}
    told = plan(tensors, config={"model_type": "gemma", "hidden_size": 4, "dtype": "bfloat16"})
    norm = next(each for each in told.parameters if each.key.endswith("norm.weight"))
    assert (norm.source.choice.scheme.name, norm.dtype) == ("zeros", "float32")
    assert "1 + scale" in norm.source.choice.reason
    assert json.loads(told.canonical_json())["config"] == {"model_type": "gemma"}
    assert values(Spec.model_validate(json.loads(told.canonical_json())).plan()) == values(told)
    for config in ({}, {"model_type": 3}, "gemma"):
        assert fault(tensors, config=config)[0].startswith("/config")


def test_of_very_many_doubts_the_first_are_told_and_the_rest_are_counted() -> None:
    told = plan({f"odd{number}": [2, 3] for number in range(130)})
    assert len(told.warnings) == 101
    assert told.warnings[-1].detail.startswith("30 more tensors")
    alike = plan({f"layers.{number}.odd": [2, 3] for number in range(130)})
    (warning,) = alike.warnings
    assert warning.detail.endswith("and 127 more: state a rule for how they start")


def test_a_listing_in_which_too_much_is_unlike_is_refused() -> None:
    listing = {f"layer.{place}.weight": [place + 1, 2] for place in range(MOST_PATTERNS + 1)}
    with pytest.raises(ValidationError, match="may differ in more than numbers"):
        Spec.model_validate({"tensors": listing, "seed": 1})
    alike = {f"layer.{place}.weight": [3, 2] for place in range(MOST_PATTERNS + 1)}
    assert len(Spec.model_validate({"tensors": alike, "seed": 1}).plan().parameters) == len(alike)
