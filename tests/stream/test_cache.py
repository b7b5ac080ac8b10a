"""Machine code that is kept: never of other source than there is, whatever the files' dates and whoever else starts."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from numba.core.dispatcher import Dispatcher

from service.analysis import kernels as analysis_kernels
from service.replay.jax.kernels import threefry
from service.replay.keras.kernels import tensorflow, tensorflow64
from service.replay.numpy.kernels import pcg64
from service.replay.torch.kernels import values
from service.stream import cache, householder, kernels, rounding, targets

ROOT = Path(__file__).parents[2]
INLINED = "from service.stream.targets import inlined\n\n\n@inlined\ndef more(x):\n    return x + 1\n"
KERNEL = """
from service.stream.targets import compiled
from service.stream.steps import more


@compiled("int64(int64)", "float64(float64)")
def kernel(x):
    return more(x) * 10
"""
PROGRAM = """
import json
from service.stream.loop import kernel
print(json.dumps({"made": [kernel(1), kernel(1.5)], "compiled": sum(kernel.dispatcher.stats.cache_misses.values())}))
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Another package `service`, of one kernel that calls a function of another file."""
    stream = tmp_path / "service" / "stream"
    stream.mkdir(parents=True)
    for name in ("service/__init__.py", "service/stream/__init__.py", "service/stream/targets.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "service/stream/cache.py", stream)
    (stream / "steps.py").write_text(INLINED)
    (stream / "loop.py").write_text(KERNEL)
    return tmp_path


def start(house: Path, **environment: str) -> subprocess.Popen[str]:
    variables = {**os.environ, "PYTHONPATH": str(house), **environment}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=house, env=variables, stdout=subprocess.PIPE, text=True
    )


def result(process: subprocess.Popen[str]) -> Any:
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return json.loads(out)


def machine_code(house: Path) -> list[Path]:
    return sorted(house.rglob("*.nb[ci]"))


def test_an_edit_of_a_function_in_another_file_is_compiled_and_leaves_nothing_old(house: Path) -> None:
    assert result(start(house)) == {"made": [20, 25.0], "compiled": 2}
    before = machine_code(house)
    (house / "service/stream/steps.py").write_text(INLINED.replace("x + 1", "x + 2"))
    assert result(start(house)) == {"made": [30, 35.0], "compiled": 2}
    assert len(machine_code(house)) == len(before) == 3
    assert not set(machine_code(house)) & set(before)


def test_a_copy_of_another_date_finds_its_machine_code_and_a_file_cut_short_is_made_again(
    house: Path, tmp_path: Path
) -> None:
    result(start(house))
    copy = tmp_path / "copy"
    shutil.copytree(house / "service", copy / "service", copy_function=shutil.copyfile)  # of now, not of then
    assert result(start(copy)) == {"made": [20, 25.0], "compiled": 0}
    for number, file in enumerate(machine_code(copy)):
        file.write_bytes(file.read_bytes()[: 20 * number])
    assert result(start(copy))["made"] == [20, 25.0]
    assert result(start(copy)) == {"made": [20, 25.0], "compiled": 0}


def test_processes_that_start_at_once_compile_once_a_processor_and_agree(house: Path) -> None:
    started = [start(house, NUMBA_CPU_NAME=name) for name in ("generic", "x86-64", "generic", "x86-64", "generic")]
    found = [result(process) for process in started]
    assert [each["made"] for each in found] == [[20, 25.0]] * 5
    assert sum(each["compiled"] for each in found) == 2 * 2
    assert len(machine_code(house)) == 2 * 3


def test_where_nothing_can_be_kept_kernels_are_compiled_all_the_same(house: Path) -> None:
    (house / "service/stream/__pycache__").write_text("a file where the folder should be")
    assert result(start(house, PYTHONDONTWRITEBYTECODE="1")) == {"made": [20, 25.0], "compiled": 2}


@pytest.mark.parametrize(
    "module", [kernels, householder, rounding, analysis_kernels, values, threefry, tensorflow, tensorflow64, pcg64]
)
def test_the_stamp_is_of_every_file_that_a_kernel_takes_functions_from(module: ModuleType) -> None:
    waiting = [value.dispatcher for value in vars(module).values() if isinstance(value, targets.Kernel)]
    functions: set[Dispatcher] = set()
    files: set[str] = set()
    while waiting:
        function = waiting.pop()
        if function in functions:
            continue
        functions.add(function)
        files.add(function.__module__)
        used = [function.py_func.__globals__.get(name) for name in function.py_func.__code__.co_names]
        waiting += [value for value in used if isinstance(value, Dispatcher)]
        files |= {value._defn.__module__ for value in used if hasattr(value, "_defn")}  # intrinsics
    assert len(functions) > 1
    assert cache.sources_of(module.__name__) >= files | {targets.__name__}
