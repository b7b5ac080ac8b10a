"""Runs tests on a copy of the project with one mutant in it, in a process forked from one that has the libraries."""

import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

from mutations.configuration import ROOT, Configuration
from mutations.mutants import Mutant

COPIED = ("service", "tests", "mutations", "benchmarks", "docs", "examples", "openapi", "requirements", "clients")
LIBRARIES = ("fastapi", "httpx", "hypothesis", "numba", "numpy", "pydantic", "pytest", "safetensors", "scipy.stats")


@dataclass(frozen=True, slots=True)
class Outcome:
    """`by` is the test that noticed; empty where none did."""

    mutant: Mutant
    seen: bool
    by: str
    seconds: float


def copy_project(root: Path, place: Path) -> None:
    """Copy what tests read; times are kept, so that compiled kernels are found in the copy too."""
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, place / name, ignore=shutil.ignore_patterns("node_modules", ".pytest_cache"))
    for file in root.iterdir():
        if file.is_file():
            shutil.copy2(file, place / file.name)


def bring_back_kernels(place: Path) -> None:
    """Copy the compiled kernels anew that a mutant's own have taken the place of."""
    for kept in (ROOT / "service").rglob("__pycache__/*.nb[ci]"):
        copy = place / kept.relative_to(ROOT)
        if not copy.exists():
            shutil.copy2(kept, copy)


class Runner:
    """One copy of the project, and a process that has the libraries and nothing of the project."""

    def __init__(self, root: Path, place: Path) -> None:
        copy_project(root, place)
        self.place = place
        self.noticed: dict[Path, list[str]] = {}  # by file: tests that noticed something, the latest first
        os.environ |= {
            "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(place / ".hypothesis"),
        }  # fmt: skip
        sys.dont_write_bytecode = True
        for library in LIBRARIES:
            __import__(library)

    def run(self, mutant: Mutant, tests: list[str], options: list[str], limit: float) -> Outcome:
        """Return whether a test fails, or takes longer than `limit` seconds, with this mutant in place."""
        file, began = self.place / mutant.path, time.monotonic()
        known = self.noticed.setdefault(mutant.path, [])
        original, status = file.read_bytes(), file.stat()
        file.write_bytes(mutant.applied(original))
        try:
            code, failed = self._tests([*known[:3], *tests], options, limit)
        finally:
            file.write_bytes(original)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
            bring_back_kernels(self.place)
        if failed and "::" in failed:
            self.noticed[mutant.path] = [failed, *(each for each in known if each != failed)]
        return Outcome(mutant, code != 0, failed, time.monotonic() - began)

    def _tests(self, tests: list[str], options: list[str], limit: float) -> tuple[int, str]:
        """Return pytest's exit status, 0 where all passed, and the first test that failed."""
        log = self.place / "mutation.log"
        child = os.fork()
        if child == 0:
            self._become_pytest(tests, options, log)
        code = wait(child, limit)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        failed = [line.split()[1] for line in lines if line.startswith(("FAILED ", "ERROR "))]
        return code, failed[0] if failed else "a crash, or the time limit" if code else ""

    def _become_pytest(self, tests: list[str], options: list[str], log: Path) -> None:
        code = 1
        try:
            os.setsid()
            os.chdir(self.place)
            sys.path.insert(0, str(self.place))
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            import pytest

            quiet = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # the libraries are there already
            code = int(pytest.main(["-x", "-q", "--no-header", "-p", "no:cacheprovider", *quiet, *options, *tests]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def wait(child: int, limit: float) -> int:
    """Return a process group's exit status; ends what is left of it, in any case after `limit` seconds."""
    end = time.monotonic() + limit
    code = None
    while code is None and time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
        else:
            time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if code is None:
        os.waitpid(child, 0)
    return 1 if code is None else code


def work(tasks: "Queue[Mutant | None]", outcomes: "Queue[Outcome]", config: Configuration) -> None:
    with tempfile.TemporaryDirectory(prefix="mutations-") as place:
        runner = Runner(ROOT, Path(place))
        while (mutant := tasks.get()) is not None:
            outcomes.put(runner.run(mutant, config.tests_of(mutant.path), config.options, config.limit_seconds))
