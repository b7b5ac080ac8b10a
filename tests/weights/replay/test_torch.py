"""torch-cpu/1 against values that the real torch made."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.weights.errors import NotExact
from service.weights.model import Spec
from tests.weights.replay.torch_calls import Modules, Tensor

CASES = [
    case
    for case in json.loads((Path(__file__).parents[2] / "golden" / "frameworks.json").read_text())["cases"]
    if case["framework"] == "torch"
]
WITH_WORDS = ("mt19937", "randperm", "non-contiguous")
ON_SPECS = [case for case in CASES if not any(word in case["primitive"] for word in WITH_WORDS)]


def layers_of(call: str) -> list[dict[str, Any]]:
    names = {"e": Tensor, "nn": Modules(), "math": math, "dt": None}
    found = eval(call.replace("dtype=dt", ""), names)
    return found if isinstance(found, list) else [found]


def data(spec: dict[str, Any]) -> list[bytes]:
    plan = Spec.model_validate(spec).plan()
    return [b"".join(block.tobytes() for block in parameter.blocks()) for parameter in plan.parameters]


@pytest.mark.parametrize("case", ON_SPECS, ids=lambda case: f"{case['id']} {case['primitive']} {case['dtype']}")
def test_golden(case: dict[str, Any]) -> None:
    spec = {"algorithm": "torch-cpu/1", "seed": str(case["seed"]), "dtype": case["dtype"]}
    spec["layers"] = layers_of(case["call"])
    if case["note"] == "lapack":
        with pytest.raises(NotExact):
            Spec.model_validate(spec).plan()
        found = np.frombuffer(data({**spec, "exact": False})[0], np.dtype(case["dtype"]))[:4]
        tolerance = 2e-6 if case["dtype"] == "float32" else 1e-14
        np.testing.assert_allclose(found, [float.fromhex(x) for x in case["first4"]], rtol=0, atol=tolerance)
    else:
        assert hashlib.sha256(b"".join(data(spec))).hexdigest() == case["sha256"]
