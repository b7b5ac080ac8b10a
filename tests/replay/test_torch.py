"""torch-cpu/1 against values that the real torch made."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import NotExact
from service.replay.torch.draws import State, one_by_one
from service.replay.torch.kernels import mersenne
from service.replay.torch.kernels import values as kernels
from service.replay.torch.mersenne import MersenneTwister
from service.specs.spec import Spec
from tests.replay.torch_calls import Modules, Tensor, Timm

CASES = [
    case
    for case in json.loads((Path(__file__).parents[1] / "golden" / "frameworks.json").read_text())["cases"]
    if case["framework"].startswith(("torch", "timm"))
]
WITH_WORDS = ("mt19937", "randperm", "non-contiguous")
ON_SPECS = [case for case in CASES if not any(word in case["primitive"] for word in WITH_WORDS)]


def layers_of(call: str) -> list[dict[str, Any]]:
    names = {"e": Tensor, "nn": Modules(), "timm": Timm(), "math": math, "dt": None}
    found = eval(call.replace("dtype=dt", ""), names)
    return found if isinstance(found, list) else [found]


def data(spec: dict[str, Any]) -> list[bytes]:
    plan = Spec.model_validate(spec).plan()
    return [b"".join(block.tobytes() for block in parameter.blocks()) for parameter in plan.parameters]


@pytest.mark.parametrize("case", ON_SPECS, ids=lambda case: f"{case['id']} {case['primitive']} {case['dtype']}")
def test_golden(case: dict[str, Any]) -> None:
    name = "torch-cpu-default/1" if "ATEN" in case["framework"] else "torch-cpu/1"
    name = "torch-cpu-2.11/1" if case["version"].startswith("2.11") else name
    spec = {"algorithm": name, "seed": str(case["seed"]), "dtype": case["dtype"]}
    spec["layers"] = layers_of(case["call"])
    if case["note"] == "lapack":
        with pytest.raises(NotExact):
            Spec.model_validate(spec).plan()
        found = np.frombuffer(data({**spec, "exact": False})[0], np.dtype(case["dtype"]))[:4]
        tolerance = 2e-6 if case["dtype"] == "float32" else 1e-14
        np.testing.assert_allclose(found, [float.fromhex(x) for x in case["first4"]], rtol=0, atol=tolerance)
    else:
        assert hashlib.sha256(b"".join(data(spec))).hexdigest() == case["sha256"]


@pytest.mark.parametrize(
    "case", [case for case in CASES if "mt19937" in case["primitive"]], ids=lambda case: case["seed"]
)
def test_golden_words(case: dict[str, Any]) -> None:
    words = np.empty(case["shape"], np.uint32)
    MersenneTwister.of(case["seed"]).raw(0, words)
    mersenne.temper(words)
    assert hashlib.sha256((words & 0x7FFFFFFF).tobytes()).hexdigest() == case["sha256"]


def test_golden_permutation() -> None:
    (case,) = [case for case in CASES if "randperm" in case["primitive"]]
    (count,) = case["shape"]
    raw, order = np.empty((1, count - 1), np.uint32), np.empty((1, count), np.int64)
    MersenneTwister.of(case["seed"]).raw(0, raw.reshape(-1))
    kernels.first_of_permutations(raw, np.empty(count, np.int64), order)
    assert hashlib.sha256(order.tobytes()).hexdigest() == case["sha256"]


def test_golden_normals_one_by_one() -> None:
    (case,) = [case for case in CASES if "non-contiguous" in case["primitive"]]
    values, state = one_by_one(State(), math.prod(case["shape"]), MersenneTwister.of(case["seed"]))
    # Of a tensor that is not contiguous, normal_ walks the memory: here that of the transposed one.
    assert hashlib.sha256(values.astype(np.float32).tobytes()).hexdigest() == case["sha256"]
    assert state == State(2 * values.size)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_any_word_is_reached_from_any_other(seed: int) -> None:
    generator = np.random.MT19937()
    generator._legacy_seeding(seed)
    theirs = generator.random_raw(3_000_000).astype(np.uint32)
    walk = MersenneTwister.of(seed)
    for first, count in ((5, 3), (0, 700), (2_999_000, 1000), (623, 2), (100_000, 200_000), (99_999, 1), (0, 1)):
        words = np.empty(count, np.uint32)
        walk.raw(first, words)
        mersenne.temper(words)
        np.testing.assert_array_equal(words, theirs[first : first + count])


@pytest.mark.parametrize("distance", [2**23 + 1, 2**24 + 12345])
def test_a_jump_arrives_where_walking_does(distance: int) -> None:
    words, walked = np.empty(700, np.uint32), np.empty(distance + 700, np.uint32)
    MersenneTwister.of(3).raw(distance, words)
    MersenneTwister.of(3).raw(0, walked)
    np.testing.assert_array_equal(words, walked[distance:])


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("shape", [[3], [33, 40]])
def test_bounds_that_no_normal_comes_to_make_nothing_dearer(dtype: str, shape: list[int]) -> None:
    def planned(first: object) -> Any:
        layers = [{"type": "tensor", "shape": shape, "scheme": scheme} for scheme in (first, "random_normal")]
        return Spec.model_validate({"algorithm": "torch-cpu/1", "seed": 7, "dtype": dtype, "layers": layers}).plan()

    plain = planned({"name": "random_normal", "stddev": 0.2})
    far, near = (planned({"name": "torch:trunc_normal", "std": 0.2, "a": -cut, "b": cut}) for cut in (1.8, 1.7))
    for plan in (far, near):
        for ours, theirs in zip(plan.parameters, plain.parameters, strict=True):
            assert all(map(np.array_equal, ours.blocks(), theirs.blocks()))
    assert [draws.whole for each in far.parameters for draws in each.draws.values()] == [False, False]
    assert [draws.whole for each in near.parameters for draws in each.draws.values()] == [True, False]
