"""The bytes of initserve/1 never change: golden digests, here, on other processors, and from the reference alone."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from service.networks.schemes import PRESETS
from service.replay import ALGORITHMS
from service.specs import self_test
from tests import reference
from tests.golden.write import FILE, SEALED, cases, digests, seal, words

GOLDEN: dict[str, Any] = json.loads(FILE.read_text())
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", GOLDEN["cases"])
def test_the_bytes_are_what_they_always_were(name: str) -> None:
    case = GOLDEN["cases"][name]
    assert digests(case["spec"]) == case["parameters"]


def test_the_file_is_what_it_was_when_it_was_closed() -> None:
    count, digest = SEALED
    assert seal(GOLDEN, count) == digest


def test_the_words_are_what_they_always_were() -> None:
    assert words() == GOLDEN["words"]


def test_every_scheme_has_a_golden_digest() -> None:
    assert {f"scheme {name}" for name in PRESETS} <= GOLDEN["cases"].keys() == cases().keys()


PLAIN = [
    "random_uniform",
    "small_uniform",
    "random_normal",
    "small_normal",
    "truncated_normal",
    "variance_scaling",
    "orthogonal",
]
PLAIN += [f"{author}_{kind}" for author in ("glorot", "he", "lecun") for kind in ("normal", "uniform")]


def from_reference(scheme: str) -> reference.Floats:
    """Draw the golden tensor (seed 42, shape [23, 17]) by the reference alone."""
    word = reference.words(42, "golden/value", 0, 391)
    if scheme == "orthogonal":
        return reference.orthogonal(42, "golden/value", 23, 17, 1.0)
    if scheme in ("random_uniform", "small_uniform"):
        bound = 0.05 if scheme == "random_uniform" else 0.001
        return reference.uniform(word, -bound, bound)
    if scheme in ("random_normal", "small_normal"):
        return reference.normal(word, 0.0, 0.05 if scheme == "random_normal" else 0.001)
    if scheme == "truncated_normal":
        return reference.normal(word, 0.0, 0.05, -2.0, 2.0)
    family, _, kind = scheme.partition("_")
    scale, fan = {"glorot": (1.0, 20.0), "he": (2.0, 23.0), "lecun": (1.0, 23.0), "variance": (1.0, 23.0)}[family]
    return reference.variance_scaling(word, scale, fan, "uniform" if kind == "uniform" else "truncated_normal")


@pytest.mark.parametrize("scheme", PLAIN)
def test_the_reference_alone_gives_the_golden_digests(scheme: str) -> None:
    (parameter,) = GOLDEN["cases"][f"scheme {scheme}"]["parameters"]
    drawn = from_reference(scheme)
    assert hashlib.sha256(drawn.tobytes()).hexdigest() == parameter["sha256"]
    if f"bfloat16 {scheme}" in GOLDEN["cases"]:
        (half,) = GOLDEN["cases"][f"bfloat16 {scheme}"]["parameters"]
        assert hashlib.sha256(reference.bfloat16(drawn).tobytes()).hexdigest() == half["sha256"]


def host_has(level: str) -> bool:
    import llvmlite.binding

    needs = {"haswell": {"avx2", "fma"}, "skylake-avx512": {"avx512f", "avx512dq", "avx512vl", "avx512bw"}}
    features = llvmlite.binding.get_host_cpu_features()
    return all(features.get(feature) for feature in needs.get(level, set()))


@pytest.mark.long
@pytest.mark.parametrize("processor", ["generic", "nehalem", "haswell", "skylake-avx512"])
def test_every_processor_gives_the_same_bytes(processor: str, tmp_path: Path) -> None:
    if not host_has(processor):
        pytest.skip(f"this machine cannot run code for {processor}")
    program = "import json; from tests.golden.write import cases, digests; " \
        "print(json.dumps({name: digests(spec) for name, spec in cases().items()}))"  # fmt: skip
    environment = {**os.environ, "NUMBA_CPU_NAME": processor, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    found = json.loads(run.stdout)
    assert {name: found[name] for name in GOLDEN["cases"]} == {
        name: case["parameters"] for name, case in GOLDEN["cases"].items()
    }


def test_the_self_test_agrees_and_notices_another_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    assert self_test.disagreements() == []
    monkeypatch.setitem(self_test.DIGESTS, "he_normal", "0" * 64)
    assert self_test.disagreements() == ["he_normal"]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_self_test_agrees_with_every_stream_and_notices_another_byte(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert self_test.agrees(name)
    monkeypatch.setitem(self_test.REPLAYED, name, "0" * 64)
    assert not self_test.agrees(name)
