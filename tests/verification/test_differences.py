"""A difference is found wherever it stands, and told with its index, its values and how large it is."""

import io
import math
import struct
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from service.networks.plan import Plan
from service.stream.drawing import BLOCK
from service.stream.dtypes import DTYPES
from tests.verification import file_of, planned, verify

# A scalar, a vector, a matrix that is made as a whole, kernels in groups and turned round, gates, more than two blocks.
LAYERS: list[dict[str, Any]] = [
    {"name": "scalar", "type": "tensor", "shape": [], "scheme": "ones"},
    {"name": "square", "type": "dense", "shape": [24, 24], "scheme": "orthogonal"},
    {"name": "kernels", "type": "conv2d", "shape": [3, 3, 8, 8], "groups": 2},
    {"name": "gates", "type": "lstm", "shape": [5, 3]},
    {"name": "large", "type": "tensor", "shape": [BLOCK // 256 + 1, 2, 256], "scheme": "he_normal"},
]
PLANS = {layout: planned(layers=LAYERS, layout=layout) for layout in ("keras", "pytorch")}
PLANS["torch"] = planned(algorithm="torch-cpu/1", layers=[*LAYERS[2:4], {**LAYERS[4], "scheme": "random_normal"}])
KEYS = [(layout, parameter.key) for layout, plan in PLANS.items() for parameter in plan.parameters]


def arrays_of(plan: Plan) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(io.BytesIO(file_of(plan, "npz"))) as opened:
        return dict(opened)


ARRAYS = {layout: arrays_of(plan) for layout, plan in PLANS.items()}


def saved(arrays: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


def entry(answer: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (each for each in answer["parameters"] if each["name"] == name)
    return dict(found)


@pytest.mark.parametrize(("layout", "key"), KEYS)
@pytest.mark.parametrize("backwards", [False, True])
def test_the_first_a_middle_and_the_last_element_of_every_array(layout: str, key: str, backwards: bool) -> None:
    arrays = ARRAYS[layout]
    count = arrays[key].size
    for place in {0, count // 2, count - 1}:
        changed = arrays[key].copy()
        index = np.unravel_index(place, changed.shape)
        changed[index] += np.float32(0.5)
        order = np.asfortranarray if backwards and changed.ndim else np.asarray
        answer = verify(saved({**arrays, key: order(changed)}), PLANS[layout])
        assert not answer["equal"]
        assert [each["name"] for each in answer["parameters"] if not each["equal"]] == [key]
        found = entry(answer, key)
        before, after = arrays[key][index], changed[index]
        assert found["first_difference"] == {
            "index": [int(each) for each in index],
            "expected": float(before),
            "found": float(after),
            "expected_bits": f"0x{before.view(np.uint32):08x}",
            "found_bits": f"0x{after.view(np.uint32):08x}",
        }
        assert found["differing"] == 1
        assert found["max_abs_difference"] == abs(float(after) - float(before))
        assert answer["summary"].startswith(f"1 of {len(arrays)} parameters differ, first {key} at ")


def test_of_several_differences_the_first_in_c_order_the_largest_and_how_many() -> None:
    arrays = ARRAYS["keras"]
    changed = arrays["large/value"].copy()
    for place, by in ((BLOCK + 5, 3.0), (2 * BLOCK + 1, 1.0), (BLOCK + 300, 2.0)):
        changed.flat[place] = np.float32(by)
    for order in (np.ascontiguousarray, np.asfortranarray):
        found = entry(verify(saved({**arrays, "large/value": order(changed)}), PLANS["keras"]), "large/value")
        index = [int(each) for each in np.unravel_index(BLOCK + 5, changed.shape)]
        assert found["first_difference"]["found_bits"] == "0x40400000"
        assert (found["first_difference"]["index"], found["differing"]) == (index, 3)
        apart = np.abs(changed.astype(np.float64) - arrays["large/value"]).max()
        assert found["max_abs_difference"] == apart


HALVES = {"name": "w", "type": "tensor", "shape": [3, 4], "scheme": "he_normal", "fan_in": 4}
OTHER_BITS = {
    "float16": ("<H", 0x8000, 0x7E01, 0x7C00),
    "bfloat16": ("<H", 0x8000, 0x7FC1, 0x7F80),
    "float32": ("<I", 0x80000000, 0x7FC00001, 0x7F800000),
    "float64": ("<Q", 0x8000000000000000, 0x7FF8000000000001, 0x7FF0000000000000),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_minus_zero_infinity_and_no_number_are_told_by_their_bits(dtype: str) -> None:
    plan = planned(dtype=dtype, layers=[{"name": "w", "type": "tensor", "shape": [3, 4], "scheme": "zeros"}])
    file = file_of(plan, "safetensors")
    code, minus_zero, nan, infinity = OTHER_BITS[dtype]
    size = struct.calcsize(code)
    for bits, told, apart in ((minus_zero, 0.0, 0.0), (nan, "NaN", "NaN"), (infinity, "Infinity", "Infinity")):
        place = len(file) - size * 5
        found = entry(verify(file[:place] + struct.pack(code, bits) + file[place + size :]), "w/value")
        assert not found["equal"]
        first = found["first_difference"]
        assert (first["index"], first["found"], found["max_abs_difference"]) == ([1, 3], told, apart)
        assert first["found_bits"] == f"0x{bits:0{2 * size}x}"
        assert first["expected_bits"] == f"0x{0:0{2 * size}x}"
        assert math.copysign(1.0, first["found"]) < 0 if bits == minus_zero else True


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_is_compared(dtype: str) -> None:
    plan = planned(dtype=dtype, layers=[HALVES])
    file = bytearray(file_of(plan, "safetensors"))
    assert verify(bytes(file))["equal"]
    file[-1] ^= 1  # of the most significant byte
    first = entry(verify(bytes(file)), "w/value")["first_difference"]
    assert first["index"] == [2, 3]
    assert int(first["found_bits"], 16) == int(first["expected_bits"], 16) ^ 1 << 8 * (DTYPES[plan.dtype].size - 1)


def test_what_is_missing_too_much_or_of_another_kind() -> None:
    arrays = dict(ARRAYS["keras"])
    missing = arrays.pop("gates/lstm_cell/bias")
    arrays["square/kernel"] = arrays["square/kernel"].astype(np.float64)
    arrays["kernels/bias"] = arrays["kernels/bias"][:-1]
    arrays["gates/lstm_cell/biases"] = missing
    arrays["steps"] = np.arange(3)
    for file in (saved(arrays), save(arrays)):
        answer = verify(file, PLANS["keras"])
        assert (answer["missing"], sorted(answer["unexpected"])) == (
            ["gates/lstm_cell/bias"],
            ["gates/lstm_cell/biases", "steps"],
        )
        dtype, shape = entry(answer, "square/kernel"), entry(answer, "kernels/bias")
        assert (dtype["equal"], dtype["dtype"], dtype["found_dtype"]) == (False, "float32", "float64")
        assert (shape["equal"], shape["shape"], shape["found_shape"]) == (False, [8], [7])
        compared = ("differing", "first_difference", "max_abs_difference")
        assert [shape[name] for name in compared] == [None] * 3
        assert [entry(answer, "scalar/value")[name] for name in compared] == [0, None, 0.0]
        total = len(ARRAYS["keras"])
        assert answer["totals"] == {
            "parameters": total, "equal": total - 3, "different": 2, "missing": 1, "unexpected": 2,
        }  # fmt: skip


def test_the_summary_tells_what_is_wrong_first_and_by_bits_what_its_value_does_not_tell() -> None:
    plan = planned(layers=[{"name": "w", "type": "tensor", "shape": [3], "scheme": "zeros"}, *LAYERS[:1]])
    for changed, told in {
        -0.0: "-0.0 (0x80000000), not 0.0 (0x00000000)",
        np.nan: "NaN (0x7fc00000), not 0.0 (0x00000000)",
        -np.inf: "-Infinity, not 0.0",
        0.5: "0.5, not 0.0",
    }.items():
        values = np.zeros(3, np.float32)
        values[1] = changed
        beside = {"x": np.ones(1), "y": np.ones(1)}
        answer = verify(saved({"w/value": values, **beside}), plan)
        first = f"1 of 2 parameters differ, first w/value at [1]: {told}"
        assert answer["summary"] == f"{first}; 1 missing, first scalar/value; 2 not in the spec, first x"
    answer = verify(saved({"w/value": np.zeros(4), "scalar/value": np.ones((), np.float32)}), plan)
    wanted = "first w/value: float64 of shape [4], not float32 of shape [3]"
    assert answer["summary"] == f"1 of 2 parameters differ, {wanted}"


def test_very_many_names_are_counted_and_a_thousand_told() -> None:
    layers = [{"name": f"l{index}", "type": "dense", "shape": [1, 1]} for index in range(700)]
    plan = planned(layers=layers)
    arrays = {f"{layer['name']}/{name}": np.ones((1, 1)[: 2 - (name == "bias")], np.float32)
              for layer in layers[:600] for name in ("kernel", "bias")}  # fmt: skip
    arrays |= {f"more{index}" + "x" * 300: np.zeros(1, np.float32) for index in range(1500)}
    answer = verify(save(arrays), plan)
    assert answer["totals"] == {
        "parameters": 1400, "equal": 0, "different": 1200, "missing": 200, "unexpected": 1500,
    }  # fmt: skip
    assert (len(answer["parameters"]), len(answer["missing"]), len(answer["unexpected"])) == (1000, 200, 1000)
    assert max(map(len, answer["unexpected"])) == 257


def test_of_very_many_parameters_those_that_differ_are_told_first() -> None:
    plan = planned(layers=[{"name": f"l{index}", "type": "dense", "shape": [1, 1]} for index in range(700)])
    file = bytearray(file_of(plan, "safetensors"))
    file[-1] ^= 1
    answer = verify(bytes(file))
    assert len(answer["parameters"]) == 1000
    assert (answer["parameters"][0]["name"], answer["parameters"][0]["equal"]) == ("l699/bias", False)
