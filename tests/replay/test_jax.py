"""jax-threefry/1 against values that the real JAX made, and what it refuses."""

import os
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from service.errors import InitserveError, NotExact
from service.replay.jax.kernels import threefry
from service.replay.jax.random import JaxDraws, Normal, fold_in, key_of, split
from service.specs.spec import Spec
from service.stream.addresses import Runs
from service.stream.drawing import BLOCK
from tests.replay.jax_golden import arrays_of, cases_of, digest, folded_normal, name_of
from tests.specs.test_golden import host_has

GOLDEN = cases_of("jax")
OF_KEYS = ("key data", "split", "fold_in", "bits")
UNDER_JIT = "initializers under jit"
VALUES = [case for case in GOLDEN if case["primitive"] not in (*OF_KEYS, UNDER_JIT)]
ARGUMENTS = {
    "uniform(key, (64, 33), dt, -0.1, 0.1)": {"name": "random_uniform", "minval": -0.1, "maxval": 0.1},
    "uniform(key, (1001,), dt)": {"name": "random_uniform", "minval": 0.0, "maxval": 1.0},
    "normal(key, (1001,), dt)": {"name": "random_normal", "stddev": 1.0},
    "truncated_normal(key, -2, 2, (1001,), dt)": {"name": "truncated_normal", "stddev": 1.0},
    "normal(0.02)(key, (64, 33))": {"name": "random_normal", "stddev": 0.02},
    "truncated_normal(0.02)(key, (64, 33))": {"name": "truncated_normal", "stddev": 0.02},
    "orthogonal(2.0)(key, (3, 3, 4, 8))": {"name": "orthogonal", "gain": 2.0},
}


def scheme_of(call: str) -> Any:
    """Return the scheme that the call of a golden case is."""
    plain = re.fullmatch(r"I\.(\w+)\(\)\(key, \(64, 33\), dt\)", call)
    if plain:
        return plain[1]
    return ARGUMENTS[call.removeprefix("jax.random.").removeprefix("I.")]


def tensor(scheme: Any, shape: list[int], seed: int, dtype: str = "float32", **more: Any) -> bytes:
    layer = {"type": "tensor", "name": "w", "shape": shape, "scheme": scheme}
    return arrays_of(algorithm="jax-threefry/1", seed=str(seed), dtype=dtype, layers=[layer], **more)["w/value"]


@pytest.mark.parametrize("case", VALUES, ids=name_of)
def test_golden(case: dict[str, Any]) -> None:
    asked = case["shape"], case["seed"], case["dtype"]
    if "out_axis=0" in case["call"]:  # an embedding's own default
        layer = {"type": "embedding", "name": "e", "shape": case["shape"]}
        made = arrays_of(algorithm="jax-threefry/1", seed=case["seed"], layers=[layer])["e/embedding"]
        assert digest(made) == case["sha256"]
    elif case["note"] == "lapack":
        with pytest.raises(NotExact):
            tensor(scheme_of(case["call"]), *asked)
        found = np.frombuffer(tensor(scheme_of(case["call"]), *asked, exact=False), np.float32)[:4]
        np.testing.assert_allclose(found, [float.fromhex(x) for x in case["first4"]], rtol=0, atol=2e-6)
    else:
        assert digest(tensor(scheme_of(case["call"]), *asked)) == case["sha256"]


@pytest.mark.parametrize("case", [case for case in GOLDEN if case["primitive"] in OF_KEYS], ids=name_of)
def test_golden_keys(case: dict[str, Any]) -> None:
    key = key_of(case["seed"])
    if case["primitive"] == "bits":
        words = np.empty(np.prod(case["shape"]), np.uint32)
        threefry.fill_words(np.array(key, np.uint32), np.zeros(1, np.uint64), words.size, words)
        made = words.astype(case["dtype"])
    else:
        found = {"key data": key, "split": split(key, 5), "fold_in": fold_in(key, 7)}
        made = np.array(found[case["primitive"]], np.uint32)
    assert digest(made) == case["sha256"]


def test_golden_under_jit() -> None:
    (case,) = [case for case in GOLDEN if case["primitive"] == UNDER_JIT]
    made = folded_normal(key_of(case["seed"]), int(np.prod(case["shape"])), np.float32(0.02))
    assert digest(made) == case["sha256"]
    assert digest(tensor({"name": "random_normal", "stddev": 0.02}, case["shape"], case["seed"])) != case["sha256"]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("scheme", ["jax:uniform", "jax:normal", "jax:truncated_normal"])
def test_any_elements_by_themselves(scheme: str, dtype: str) -> None:
    layer = {"type": "tensor", "shape": [3, BLOCK], "scheme": scheme}
    spec = {"algorithm": "jax-threefry/1", "seed": 1, "dtype": dtype, "layers": [layer]}
    (parameter,) = Spec.model_validate(spec).plan().parameters
    assert not any(each.whole for each in parameter.draws.values())
    whole = np.concatenate(list(parameter.blocks()))
    for first, count in ((0, 1), (5, 2000), (BLOCK - 1, 3), (2 * BLOCK + 7, 1025)):
        np.testing.assert_array_equal(parameter.open().draw(first, count), whole[first : first + count])


@pytest.mark.parametrize(("starts", "length"), [([7, 3, 90], 5), (list(range(0, 4000, 3)), 1), ([5, 2**20], 1500)])
def test_runs(starts: list[int], length: int) -> None:
    drawn = JaxDraws(key_of(3), Normal.free("float32"), "float32", 2**21)
    whole, out = np.empty(2**21, np.float32), np.empty(len(starts) * length, np.float32)
    drawn.open()(Runs.one(0, whole.size), whole)
    runs = Runs(np.array(starts, np.uint64), length)
    drawn.open()(runs, out)
    np.testing.assert_array_equal(out, whole[runs.addresses()])


def test_counters_have_64_bits() -> None:
    drawn = JaxDraws(key_of(0), Normal.free("float32"), "float32", 2**33)
    across, apart = np.empty(2000, np.float32), np.empty(1000, np.float32)
    drawn.open()(Runs.one(2**32 - 1000, 2000), across)
    drawn.open()(Runs.one(2**32, 1000), apart)
    np.testing.assert_array_equal(across[1000:], apart)
    drawn.open()(Runs.one(0, 1000), apart)
    assert not np.array_equal(across[1000:], apart)


def test_only_a_seeds_low_32_bits_count() -> None:
    assert tensor("glorot_normal", [5, 4], 7) == tensor("glorot_normal", [5, 4], 2**40 + 7)


@pytest.mark.parametrize(
    ("layer", "dtype", "pointer"),
    [
        ({"scheme": {"name": "sparse", "sparsity": 0.5}}, "float32", "/layers/0/scheme"),
        ({"scheme": "siren"}, "float32", "/layers/0/scheme"),
        ({"scheme": "torch:trunc_normal"}, "float32", "/layers/0/scheme"),
        ({"scheme": {"name": "truncated_normal", "preserve_std": True}}, "float32", "/layers/0/scheme"),
        ({"scheme": "lecun_normal", "shape": [7]}, "float32", "/layers/0/scheme"),
        ({"scheme": "orthogonal"}, "bfloat16", "/layers/0/scheme"),
        ({"scheme": "lecun_normal", "fan_in": 9}, "float32", "/layers/0/fan_in"),
        ({"scheme": "lecun_normal", "seed": str(2**63)}, "float32", "/layers/0/seed"),
        ({"scheme": "lecun_normal"}, "float64", "/dtype"),
        ({"scheme": {"name": "random_uniform", "minval": -5e4, "maxval": 5e4}}, "float16", "/layers/0/scheme"),
    ],
)
def test_what_jax_does_not_have(layer: dict[str, Any], dtype: str, pointer: str) -> None:
    spec = {"algorithm": "jax-threefry/1", "seed": 1, "dtype": dtype}
    with pytest.raises(InitserveError) as caught:
        Spec.model_validate({**spec, "layers": [{"type": "tensor", "shape": [4, 4], **layer}]}).plan()
    assert caught.value.pointer == pointer


SCRIPT = """
from tests.replay.test_jax import tensor, digest
for scheme in ("jax:uniform", "jax:normal", "lecun_normal"):
    print(digest(tensor(scheme, [40, 33], 5)))
"""


@pytest.mark.long
@pytest.mark.parametrize("processor", ["nehalem", "haswell"])
def test_other_processors_give_the_same_bytes(processor: str) -> None:
    """Nehalem has no fused multiply-add: libm's stands in."""
    if not host_has(processor):
        pytest.skip(f"this machine cannot run code for {processor}")
    environment = {**os.environ, "NUMBA_CPU_NAME": processor}
    found = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    expected = [digest(tensor(scheme, [40, 33], 5)) for scheme in ("jax:uniform", "jax:normal", "lecun_normal")]
    assert found.stdout.split() == expected
