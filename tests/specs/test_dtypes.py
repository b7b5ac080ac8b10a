"""Dtypes of their own: a rule's before the layer's, the layer's before the spec's; the same draw, rounded otherwise."""

import io
import json
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from numpy.typing import NDArray

from service.api.entries import layer_example
from service.api.hub_listing import elements_by_dtype
from service.errors import InitserveError
from service.formats import FORMATS, Include, sharding
from service.formats.links import links_of, links_of_parameter, parameters_at
from service.networks.layers import LAYERS
from service.networks.plan import Plan
from service.replay import ALGORITHMS
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES, DtypeName
from tests.verification import file_of, verify

DENSE: dict[str, Any] = {"name": "a", "type": "dense", "shape": [5, 3], "bias": "random_normal"}


def plan(*layers: dict[str, Any], **more: Any) -> Plan:
    return Spec.model_validate({"seed": 7, "layers": list(layers or [DENSE]), **more}).plan()


def dtypes(planned: Plan) -> dict[str, str]:
    return {parameter.key: parameter.dtype for parameter in planned.parameters}


def values(planned: Plan) -> dict[str, NDArray[np.float64]]:
    return {
        each.key: DTYPES[each.dtype].read(np.concatenate([*each.blocks()])).astype(np.float64)
        for each in planned.parameters
        if each.elements
    }


def refused(*layers: dict[str, Any], **more: Any) -> InitserveError:
    with pytest.raises(InitserveError) as caught:
        plan(*layers, **more)
    return caught.value


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("layout", ["keras", "pytorch", "flax"])
def test_a_layer_of_every_type_has_its_own_dtype_and_the_values_of_a_spec_of_that_dtype(kind: str, layout: str) -> None:
    layer = layer_example(kind)["layers"][0] | {"name": "a"}
    mixed = plan({**layer, "dtype": "float64"}, {**DENSE, "name": "b"}, dtype="float16", layout=layout)
    of_layer = [each for each in mixed.parameters if each.layer == "a"]
    assert {each.dtype for each in of_layer} <= {"float64"}
    assert {each.dtype for each in mixed.parameters if each.layer == "b"} == {"float16"}
    wanted = values(plan(layer, dtype="float64", layout=layout))
    found = values(mixed)
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)


def test_the_last_rule_that_states_a_dtype_wins_over_the_layer_and_the_spec() -> None:
    rules = [
        {"match": "a/*", "dtype": "float64"},
        {"match": "a/kernel", "dtype": "bfloat16"},
        {"match": "*", "scheme": "ones"},
    ]
    layers = {**DENSE, "dtype": "float16"}, {**DENSE, "name": "b", "dtype": "half"}, {**DENSE, "name": "c"}
    found = plan(*layers, rules=rules)
    assert dtypes(found) == {
        "a/kernel": "bfloat16", "a/bias": "float64", "b/kernel": "float16", "b/bias": "float16", "c/kernel": "float32",
        "c/bias": "float32",
    }  # fmt: skip
    assert all(np.all(each == 1.0) for each in values(found).values())


def test_a_rule_of_a_dtype_alone_leaves_schemes_as_they_were() -> None:
    plain, typed = plan(), plan(rules=[{"match": "*/bias", "dtype": "float64"}])
    assert [each.source.choice for each in typed.parameters] == [each.source.choice for each in plain.parameters]
    wide, narrow = values(typed)["a/bias"], values(plain)["a/bias"]
    assert np.allclose(wide, narrow, rtol=2.0**-22, atol=0.0)
    assert not np.array_equal(wide, narrow)


def test_bytes_shards_and_totals_count_each_array_by_its_own_dtype() -> None:
    others = {**DENSE, "name": "b", "dtype": "bfloat16"}, {**DENSE, "name": "c", "dtype": "float64"}
    planned = plan(DENSE, *others)
    assert [each.bytes for each in planned.parameters] == [60, 12, 30, 6, 120, 24]
    assert planned.bytes == 252
    shards = sharding.shards(planned, 100)
    assert [[each.bytes for each in shard.parameters] for shard in shards] == [[60, 12], [120], [30, 6, 24]]
    index = json.loads(b"".join(sharding.encode_index(planned, 100).chunks()))
    assert index["metadata"]["total_size"] == 252


@pytest.mark.parametrize("order", [("float16", "float32", "float64"), ("bfloat16", "float64", "float16")])
def test_a_safetensors_file_of_several_dtypes_has_each_array_at_a_multiple_of_its_elements_size(
    order: tuple[DtypeName, ...],
) -> None:
    layers = [{**DENSE, "name": name, "dtype": dtype} for name, dtype in zip("abc", order, strict=True)]
    planned = plan(*layers)
    body = b"".join(FORMATS["safetensors"].encode(planned, Include()).chunks())
    length = int.from_bytes(body[:8], "little")
    entries = json.loads(body[8 : 8 + length])
    del entries["__metadata__"]
    for name, entry in entries.items():
        size = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}[entry["dtype"]]
        assert entry["data_offsets"][0] % size == 0, name
    if "bfloat16" not in order:
        read = safetensors.numpy.load(body)
        assert {name: array.dtype.name for name, array in read.items()} == dtypes(planned)
        assert all(np.array_equal(read[name].ravel(), array) for name, array in values(planned).items())


def test_an_npz_file_holds_each_array_in_its_own_dtype() -> None:
    planned = plan(DENSE, {**DENSE, "name": "b", "dtype": "float16"})
    read = np.load(io.BytesIO(b"".join(FORMATS["npz"].encode(planned, Include()).chunks())))
    assert {name: read[name].dtype.name for name in read} == dtypes(planned)
    assert all(np.array_equal(read[name].ravel(), array) for name, array in values(planned).items())


@pytest.mark.parametrize("format", ["json", "npz", "npy"])
@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"layers": [{**DENSE, "bias": None, "dtype": "bfloat16"}]}, "/layers/0/dtype"),
        ({"rules": [{"match": "none"}, {"match": "a/kernel", "dtype": "bf16"}]}, "/rules/1/dtype"),
        ({"dtype": "bfloat16"}, "/dtype"),
    ],
)
def test_what_has_no_npy_form_is_refused_where_its_dtype_is_said(
    format: str, more: dict[str, Any], pointer: str
) -> None:
    if "rules" in more:
        more = {"rules": [{"match": "a/kernel", "scheme": "ones"}, more["rules"][1]]}
    planned = Spec.model_validate({"seed": 1, "layers": [{**DENSE, "bias": None}], **more}).plan()
    with pytest.raises(InitserveError) as caught:
        FORMATS[format].encode(planned, Include())
    assert (caught.value.pointer, caught.value.remedy) == (pointer, {"format": "safetensors"})


def test_there_are_links_to_what_each_arrays_dtype_has_a_form_for() -> None:
    planned = plan(DENSE, rules=[{"match": "a/bias", "dtype": "bfloat16"}])
    assert not {"npz", "json"} & links_of(planned)["links"].keys()
    kernel, bias = (links_of_parameter(parameters_at(planned), each)["links"] for each in planned.parameters)
    assert "npy" in kernel
    assert "npy" not in bias


@pytest.mark.parametrize(
    ("layer", "more", "pointer"),
    [
        ({"dtype": "float16"}, {}, "/layers/0/dtype"),
        ({}, {"rules": [{"match": "a/kernel", "dtype": "float16"}]}, "/rules/0/dtype"),
        ({}, {"dtype": "float16"}, "/layers/0/scheme"),
    ],
)
def test_values_that_their_own_dtype_cannot_hold_are_refused_where_it_is_said(
    layer: dict[str, Any], more: dict[str, Any], pointer: str
) -> None:
    wide = {**DENSE, "scheme": {"name": "random_normal", "stddev": 30_000.0}}
    error = refused({**wide, **layer}, **more)
    assert (error.pointer, error.remedy) == (pointer, {"dtype": "float32"})
    assert plan({**wide, "dtype": "float32"}, dtype="float16").bytes == 72


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_parameters_of_one_array_have_one_dtype(dtype: str) -> None:
    layer = {"name": "a", "type": "lstm", "shape": [4, 3]}
    rules = [{"match": "*/recurrent_kernel", "dtype": dtype}]
    assert dtypes(plan(layer, rules=rules, dtype="float16"))["a/lstm_cell/recurrent_kernel"] == dtype
    attention = {"name": "a", "type": "multi_head_attention", "shape": [8, 2, 4]}
    error = refused(attention, rules=[{"match": "a/query/kernel", "dtype": dtype}], dtype="float16", layout="pytorch")
    assert (error.pointer, error.remedy) == ("/rules/0/dtype", {"dtype": "float16"})
    together = [{"match": f"a/{part}/kernel", "dtype": dtype} for part in ("query", "key", "value")]
    assert dtypes(plan(attention, rules=together, dtype="float16", layout="pytorch"))["a.in_proj_weight"] == dtype


def test_a_layers_dtype_that_is_the_specs_says_nothing() -> None:
    assert plan({**DENSE, "dtype": "float16"}, dtype="float16").canonical_json() == plan(dtype="fp16").canonical_json()
    assert '"dtype":"float16"' in plan({**DENSE, "dtype": "float16"}).canonical_json()
    mixed = plan({**DENSE, "dtype": "float16"}, rules=[{"match": "a/bias", "dtype": "float64"}])
    again = Spec.model_validate(json.loads(mixed.canonical_json())).plan()
    assert (again.canonical_json(), dtypes(again)) == (mixed.canonical_json(), dtypes(mixed))
    assert dtypes(Spec.model_validate(mixed.written_out()).plan()) == dtypes(mixed)


def test_what_a_framework_does_not_give_is_refused_where_it_is_asked_for() -> None:
    error = refused({**DENSE, "dtype": "float64"}, algorithm="jax-threefry/1")
    assert (error.pointer, error.remedy) == ("/layers/0/dtype", {"dtype": "float32"})
    error = refused(rules=[{"match": "*/bias", "dtype": "bfloat16"}], algorithm="numpy-pcg64/1")
    assert (error.pointer, error.remedy) == ("/rules/0/dtype", {"dtype": "float32"})


# Of torch's stream a number of another width takes other words, so that what follows is drawn otherwise.
STREAMS = [name for name, replay in ALGORITHMS.items() if len(replay.dtypes) > 1 and not name.startswith("torch")]


@pytest.mark.parametrize("algorithm", STREAMS)
def test_a_replayed_layer_of_its_own_dtype_has_the_values_of_a_spec_of_that_dtype(algorithm: str) -> None:
    layers = [{**DENSE, "name": name, "scheme": "random_uniform", "bias": "zeros"} for name in "abc"]
    first, *others = ALGORITHMS[algorithm].dtypes
    for other in others:
        mixed = values(plan(*(each | {"dtype": other} for each in layers[:2]), layers[2], algorithm=algorithm))
        whole, rest = (values(plan(*layers, algorithm=algorithm, dtype=dtype)) for dtype in (other, first))
        assert all(np.array_equal(mixed[key], (rest if key[0] == "c" else whole)[key]) for key in mixed), other


@pytest.mark.parametrize("step", [7, 2**20])
@pytest.mark.parametrize("format", ["safetensors", "npz"])
def test_a_file_of_several_dtypes_is_verified(format: str, step: int) -> None:
    layers = [{**DENSE, "dtype": "float16"}, {**DENSE, "name": "b"}, {**DENSE, "name": "c", "dtype": "float64"}]
    planned = plan(*layers)
    assert verify(file_of(planned, format), planned, step)["equal"]
    other = plan(*layers, rules=[{"match": "b/bias", "dtype": "float64"}])
    answer = verify(file_of(planned, format), other, step)
    assert {each["name"]: each["equal"] for each in answer["parameters"]} == {
        each.key: each.key != "b/bias" for each in planned.parameters
    }


def test_the_hub_counts_elements_by_dtype() -> None:
    planned = plan({**DENSE, "dtype": "bf16"}, {**DENSE, "name": "b"}, rules=[{"match": "*/bias", "dtype": "float64"}])
    assert elements_by_dtype(planned) == {"BF16": 15, "F64": 6, "F32": 15}


@pytest.mark.parametrize("dtype", DTYPES)
def test_slices_have_their_arrays_own_dtype(dtype: DtypeName) -> None:
    kernel = plan({**DENSE, "dtype": dtype}, dtype="float32").parameters[0]
    part = kernel.sliced([range(1, 5, 2), range(3)[::-1]])
    whole = np.concatenate([*kernel.blocks()]).reshape(kernel.shape)
    assert part.dtype == dtype
    assert np.concatenate([*part.blocks()]).tobytes() == np.ascontiguousarray(whole[1:5:2, ::-1]).tobytes()
