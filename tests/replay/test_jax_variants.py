"""jax-threefry-jit/1 and jax-threefry-original/1 against values that the real JAX made, and what they refuse."""

import hashlib
from typing import Any

import numpy as np
import pytest

from service.errors import UnsupportedCombination
from service.replay.jax.random import OriginalDraws, Uniform, hashed
from service.specs.spec import Spec
from service.stream.addresses import Runs
from tests.replay.jax_golden import arrays_of, cases_of, name_of

ALGORITHMS = {"jax(jit)": "jax-threefry-jit/1", "jax(threefry_partitionable=False)": "jax-threefry-original/1"}
CASES = [case for framework in ALGORITHMS for case in cases_of(framework)]
SCHEMES: dict[str, Any] = {
    "normal(0.02)": {"name": "jax:normal", "stddev": 0.02},
    "uniform(0.3)": {"name": "jax:uniform", "maxval": 0.3},
    "glorot_uniform()": "glorot_uniform",
    "he_normal()": "he_normal",
    "variance_scaling(2.0, 'fan_out', 'normal')": {
        "name": "jax:variance_scaling", "scale": 2.0, "mode": "fan_out", "distribution": "normal"
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_golden(case: dict[str, Any]) -> None:
    scheme = SCHEMES[case["call"].removeprefix("I.").partition("(key")[0]]
    layer = {"type": "tensor", "name": "w", "shape": case["shape"], "scheme": scheme}
    (made,) = arrays_of(algorithm=ALGORITHMS[case["framework"]], seed=case["seed"], layers=[layer]).values()
    assert hashlib.sha256(made).hexdigest() == case["sha256"]


@pytest.mark.parametrize("count", [1, 2, 7, 2500])
def test_words_were_made_by_halves(count: int) -> None:
    """Element i of n had the first word of the counter (i, i + half), element i + half its second."""
    half = (count + 1) // 2
    pairs = [hashed((0, 5), (i, i + half if i + half < count else 0)) for i in range(half)]
    words = np.array([*(pair[0] for pair in pairs), *(pair[1] for pair in pairs)][:count], np.uint32)
    wanted = (words >> 9).astype(np.float32) * np.float32(2.0**-23)
    found = np.empty(count, np.float32)
    law = Uniform(np.float32(0.0), np.float32(1.0))
    fill = OriginalDraws((0, 5), law, "float32", count).open()
    fill(Runs.one(0, count), found)
    np.testing.assert_array_equal(found, wanted)
    last = np.empty(1, np.float32)
    fill(Runs.one(count - 1, 1), last)
    assert last[0] == wanted[-1]


def test_what_they_do_not_give_is_refused() -> None:
    layer = {"type": "tensor", "shape": [3, 4], "scheme": {"name": "random_normal", "mean": 0.5}}
    with pytest.raises(UnsupportedCombination, match="at once") as caught:
        Spec.model_validate({"algorithm": "jax-threefry-jit/1", "seed": 1, "layers": [layer]}).plan()
    assert (caught.value.pointer, caught.value.remedy) == ("/layers/0/scheme", {"algorithm": "jax-threefry/1"})
    wide = {"type": "tensor", "shape": [2**16, 2**16]}
    with pytest.raises(UnsupportedCombination, match="in parts then"):
        Spec.model_validate({"algorithm": "jax-threefry-original/1", "seed": 1, "layers": [wide]}).plan()
    for algorithm in ALGORITHMS.values():
        with pytest.raises(UnsupportedCombination, match="float16"):
            Spec.model_validate({"algorithm": algorithm, "dtype": "float16", "layers": [layer]}).plan()
