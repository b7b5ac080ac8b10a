"""Golden cases of JAX and Flax, and answers to hold beside them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.replay.jax.kernels import xla
from service.replay.jax.random import JaxDraws, Key, Normal
from service.replay.rounding import Floats
from service.specs.spec import Spec
from service.stream.addresses import Runs

FILE = Path(__file__).parents[1] / "golden" / "frameworks.json"
CASES: list[dict[str, Any]] = json.loads(FILE.read_text())["cases"]


def cases_of(framework: str) -> list[dict[str, Any]]:
    return [case for case in CASES if case["framework"] == framework]


def name_of(case: dict[str, Any]) -> str:
    return f"{case['id']} {case['primitive']} {case['dtype']}"


def digest(*arrays: NDArray[Any] | bytes) -> str:
    return hashlib.sha256(b"".join(each if isinstance(each, bytes) else each.tobytes() for each in arrays)).hexdigest()


def arrays_of(**spec: Any) -> dict[str, bytes]:
    """Return the bytes of a spec's arrays by their keys."""
    plan = Spec.model_validate(spec).plan()
    return {each.key: b"".join(block.tobytes() for block in each.blocks()) for each in plan.parameters}


def folded_normal(key: Key, elements: int, deviation: np.float32) -> Floats:
    """Return a normal under jax.jit: erf_inv times the product of the constants, in float32."""
    uniform: Floats = np.empty(elements, np.float32)
    JaxDraws(key, Normal.free("float32").uniform, "float32", elements).open()(Runs.one(0, elements), uniform)
    inverse = np.empty_like(uniform)
    xla.fill_erf_inv(uniform, inverse)
    return inverse * np.float32(np.float32(2.0**0.5) * deviation)
