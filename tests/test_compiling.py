"""Kernels compiled ahead: every one of them, in processes of their own, in the order in which they are wanted."""

import asyncio
import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import service
from service import compiling
from service.compiling import MODULES, Compilation
from service.stream.targets import KERNELS

ROOT = Path(__file__).parents[1]
# What the environment of these tests does not have is needed for them.
OF_EXTRAS = {"service.materialize.engines.dask", "service.materialize.engines.ray"}
ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"


def test_every_kernel_is_compiled_ahead() -> None:
    for module in pkgutil.walk_packages(service.__path__, "service."):
        if not module.name.endswith("__main__") and module.name not in OF_EXTRAS:
            importlib.import_module(module.name)
    holding = [kernel.function.__module__ for kernel in KERNELS if kernel.function.__module__.startswith("service.")]
    assert set(holding) == set(MODULES)


def test_importing_the_service_compiles_and_loads_nothing() -> None:
    program = "import service.api.app; from service.stream.targets import KERNELS; " \
        "print(len(KERNELS) > 40, [kernel for kernel in KERNELS if kernel.dispatcher.overloads])"  # fmt: skip
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True []"


def missing(monkeypatch: pytest.MonkeyPatch, program: str) -> Compilation:
    monkeypatch.setattr(compiling, "missing", lambda: list(MODULES))
    monkeypatch.setattr(compiling, "PROGRAM", program)
    monkeypatch.setattr(compiling, "AT_ONCE", 1)
    return Compilation()


def test_what_somebody_waits_for_is_compiled_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> list[str]:
        compilation = missing(monkeypatch, ECHO)
        order: list[str] = []

        async def note(module: str) -> None:
            await compilation.wait_for(module)
            order.append(module)

        waiting = [asyncio.create_task(note(module)) for module in reversed(MODULES)]
        compilation.prefer("service.replay.keras.kernels.tensorflow64")  # which takes its words from stream.kernels
        await asyncio.gather(compilation.run(), *waiting)
        return order

    order = asyncio.run(run())
    assert order[:2] == ["service.stream.kernels", "service.replay.keras.kernels.tensorflow64"]
    assert sorted(order) == sorted(MODULES)


@pytest.mark.parametrize("program", ["", "import sys; sys.exit(1)", "import sys; input(); sys.exit(1)"])
def test_nobody_waits_for_a_process_that_has_ended(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    async def run() -> None:
        compilation = missing(monkeypatch, program)
        async with asyncio.timeout(30.0):
            await asyncio.gather(compilation.run(), compilation.wait_for(MODULES[-1]))

    asyncio.run(run())


def test_a_server_that_stops_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "process"

    async def run() -> None:
        program = f"import os, pathlib, time; pathlib.Path({str(file)!r}).write_text(str(os.getpid())); time.sleep(60)"
        task = asyncio.create_task(missing(monkeypatch, program).run())
        while not (file.exists() and file.read_text()):
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    with pytest.raises(ProcessLookupError):
        os.kill(int(file.read_text()), 0)


def test_where_nothing_is_missing_or_nothing_can_be_kept_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "is_kept", lambda function: False)
    monkeypatch.setattr(compiling, "can_be_kept", lambda function: False)
    assert not Compilation().needed
    monkeypatch.setattr(compiling, "can_be_kept", lambda function: True)
    assert Compilation().needed
    monkeypatch.setattr(compiling, "is_kept", lambda function: True)
    assert not Compilation().needed


def test_a_process_whose_asker_was_killed_ends_without_a_word() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    variables = {**os.environ, "PYTHONPATH": str(ROOT)}
    order = [sys.executable, "-c", compiling.PROGRAM]
    try:
        run = subprocess.run(
            order,
            env=variables,
            input="service.stream.rounding\n" * 2,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        os.close(writing)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(("kept", "writable"), [(True, False), (False, True), (False, False)])
def test_kernels_that_cannot_be_kept_are_known_at_start(
    monkeypatch: pytest.MonkeyPatch, kept: bool, writable: bool
) -> None:
    monkeypatch.setattr(compiling, "is_kept", lambda kernel: kept)
    monkeypatch.setattr(compiling, "can_be_kept", lambda kernel: writable)
    assert compiling.unkept() is not (kept or writable)
