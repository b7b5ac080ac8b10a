"""Which processor the kernels are compiled for."""

import llvmlite.binding
import pytest
from numba.core import config

from service.stream import targets


@pytest.mark.parametrize(
    ("features", "level"),
    [
        (set(), "x86-64"),
        ({"avx2"}, "x86-64"),
        ({"avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"}, "x86-64-v3"),
        ({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}, "x86-64-v4"),
    ],
)
def test_a_machine_gets_the_best_level_that_it_has(
    monkeypatch: pytest.MonkeyPatch, features: set[str], level: str
) -> None:
    monkeypatch.setattr(
        llvmlite.binding, "get_host_cpu_features", lambda: dict.fromkeys(features, True) | {"sse4a": False}
    )
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(config, "CPU_NAME", None)
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    targets.choose_level()
    assert level == config.CPU_NAME
    assert targets.LEVELS[level][1] == config.CPU_FEATURES


def test_another_architecture_is_compiled_for_in_general(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(config, "CPU_NAME", None)
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    targets.choose_level()
    assert (config.CPU_NAME, config.CPU_FEATURES) == ("generic", "")


def test_what_the_environment_says_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CPU_NAME", "nehalem")
    monkeypatch.setattr(config, "CPU_FEATURES", None)
    targets.choose_level()
    assert (config.CPU_NAME, config.CPU_FEATURES) == ("nehalem", "")
