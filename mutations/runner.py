"""Runs the tests that reach a mutant, on a copy of the project, in a process forked from one that collected them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from types import FrameType
from typing import Any

import _pytest.main
import pytest

from mutations.configuration import ROOT, Configuration
from mutations.mutants import Mutant
from mutations.patching import forget_results, outermost, patch

COPIED = ("service", "tests", "mutations", "benchmarks", "docs", "examples", "openapi", "requirements", "deploy")
SERVERS = {"server", "client", "running"}  # fixtures of tests whose other half is another process
QUIET = ("-x", "-q", "--no-header", "-p", "no:cacheprovider")
CANNOT = 2  # a mutant that no loaded function can be given
DOCUMENT = "tests/test_openapi.py"  # holds the fields of everything that can be asked for
STARTS = "tests/conftest.py:Server.__init__"  # what those call that start one of their own


@dataclass(frozen=True, slots=True)
class Outcome:
    """`by` is the test that noticed; empty where none did."""

    mutant: Mutant
    seen: bool
    by: str
    seconds: float


def copy_project(root: Path, place: Path) -> None:
    """Copy what tests read."""
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


def fork(run: Callable[[Path], int], place: Path, limit: float) -> tuple[int, str]:
    """Run in a process of its own; return its status, 1 where it takes too long, and what it wrote to the file."""
    answer = place / "mutation.txt"
    answer.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setsid()
            code = run(answer)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(code)
    code = wait(child, limit)
    return code, answer.read_text() if answer.exists() else ""


def wait(child: int, limit: float) -> int:
    """Return a process group's exit status; ends what is left of it, in any case after `limit` seconds."""
    end = time.monotonic() + limit
    code = None
    while code is None and time.monotonic() < end:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            code = os.waitstatus_to_exitcode(status)
        else:
            time.sleep(0.01)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    if code is None:
        os.waitpid(child, 0)
    return 1 if code is None else code


@dataclass(frozen=True, slots=True)
class Queues:
    """Between the processes; an outcome of None says that a process is ready, `reached` has what each test calls."""

    tasks: "Queue[Mutant | None]"
    outcomes: "Queue[Outcome | None]"
    reached: "Queue[str]"


class Runner:
    """A plugin of pytest: once the tests are collected, it takes mutants from the queue instead of running them."""

    def __init__(self, number: int, place: Path, queues: Queues, config: Configuration) -> None:
        self.number, self.place, self.queues, self.config = number, place, queues, config
        self.reached: dict[str, set[str]] = {}  # by test: the functions that it calls, as PATH:NAME
        self.seconds: dict[str, float] = {}  # that a test takes
        self.answer: Path | None = None  # where a test that fails is written down
        self.noticed: dict[Path, list[str]] = {}  # by file: tests that noticed something, the latest first

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if self.number == 0:  # it finds out for all
            code, text = fork(lambda answer: self._trace(session, answer), self.place, 3600.0)
            if code:
                raise SystemExit(f"a test fails before anything is changed: {text}")
            for _ in range(self.config.processes):
                self.queues.reached.put(text)
        for test, (seconds, names) in json.loads(self.queues.reached.get()).items():
            self.reached[test], self.seconds[test] = set(names), seconds
        self.queues.outcomes.put(None)
        while (mutant := self.queues.tasks.get()) is not None:
            self.queues.outcomes.put(self._outcome(session, mutant))
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self.answer is not None and report.failed:
            self.answer.write_text(report.nodeid)

    def _trace(self, session: pytest.Session, answer: Path) -> int:
        """Run every test once; write how long each takes, and the functions that it calls."""
        reached: dict[str, tuple[float, list[str]]] = {}
        inside = str(self.place / "service") + os.sep
        calls: set[Any] = set()

        def note(frame: FrameType, event: str, argument: object) -> None:
            calls.add(frame.f_code)

        self.answer = answer
        for position, item in enumerate(session.items):
            forget_results()
            calls.clear()
            began = time.monotonic()
            following = session.items[position + 1] if position + 1 < len(session.items) else None
            threading.settrace(note)
            sys.settrace(note)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            sys.settrace(None)
            threading.settrace(None)
            if answer.exists():
                return 1
            names = {
                f"{Path(code.co_filename).relative_to(self.place)}:{outermost(code)}"
                for code in calls
                if code.co_filename.startswith((inside, str(self.place / "tests/conftest.py")))
            }
            reached[item.nodeid] = (time.monotonic() - began, sorted(names))
        answer.write_text(json.dumps(reached))
        return 0

    def _outcome(self, session: pytest.Session, mutant: Mutant) -> Outcome:
        """Return whether a test fails, or they take four times as long, with this mutant in place."""
        began, file = time.monotonic(), self.place / mutant.path
        source = file.read_bytes()
        compiled = b"numba" in source or b"compiled(" in source
        items = self._items(session, mutant, compiled)
        limit = self.config.least_seconds + 4.0 * sum(self.seconds[item.nodeid] for item in items)

        def run(answer: Path) -> int:
            self.answer = answer
            if compiled or not patch(mutant, file, source):
                return CANNOT
            session.items[:] = items
            with suppress(session.Failed, session.Interrupted):
                _pytest.main.pytest_runtestloop(session)
            return int(session.testsfailed > 0)

        file.write_bytes(mutant.applied(source))
        try:
            code, by = (CANNOT, "") if not mutant.function else fork(run, self.place, limit)
            if code == CANNOT:
                code, by = self._anew([item.nodeid for item in items], limit)
        finally:
            file.write_bytes(source)
            bring_back_kernels(self.place)
        if by:
            known = self.noticed.setdefault(mutant.path, [])
            self.noticed[mutant.path] = [by, *(each for each in known if each != by)]
        return Outcome(mutant, code != 0, by or "a crash, or the limit of time", time.monotonic() - began)

    def _items(self, session: pytest.Session, mutant: Mutant, compiled: bool) -> list[pytest.Item]:
        """Return the tests about the file that reach the function, first those that have noticed something.

        What is done once when a module is loaded is tried on those that reach any function of the file, and where none
        does, or where kernels are compiled, whose calls cannot be seen, on all.
        """
        about = tuple(self.config.tests_of(mutant.path))
        known = self.noticed.get(mutant.path, [])
        beginning = f"{mutant.path}:{mutant.function}"

        def served(item: pytest.Item) -> bool:
            return bool(SERVERS & set(getattr(item, "fixturenames", ()))) or STARTS in self.reached[item.nodeid]

        def reaches(item: pytest.Item) -> bool:
            names = self.reached[item.nodeid]
            if mutant.function:
                return beginning in names
            return item.nodeid.startswith(DOCUMENT) or any(name.startswith(beginning) for name in names)

        def order(item: pytest.Item) -> tuple[bool, int, float]:
            rank = known.index(item.nodeid) if item.nodeid in known else len(known)
            return served(item), rank, self.seconds[item.nodeid]

        found = [item for item in session.items if item.nodeid.startswith(about)]
        near = [item for item in found if reaches(item) or served(item)]
        return sorted(found if compiled or not (near or mutant.function) else near, key=order)

    def _anew(self, tests: list[str], limit: float) -> tuple[int, str]:
        """Run tests in a process that imports everything anew: for what is done once, when a module is loaded."""
        listed = self.place / "tests.txt"
        listed.write_text("\n".join(tests))
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", *QUIET, *self.config.options, f"@{listed}"], cwd=self.place,
            start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        try:
            said, _ = child.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            said, _ = child.communicate()
        failed = [line.split()[1] for line in said.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return child.returncode, failed[0] if failed else ""


def work(number: int, queues: Queues, config: Configuration, tests: list[str]) -> None:
    """Copy the project, collect the tests, run mutants until there are none."""
    with tempfile.TemporaryDirectory(prefix="mutations-") as name:
        place = Path(name).resolve()
        copy_project(ROOT, place)
        os.environ |= {
            "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(place / ".hypothesis"),
        }  # fmt: skip
        sys.dont_write_bytecode = True
        os.chdir(place)
        sys.path.insert(0, str(place))
        silent = os.open(place / "mutation.log", os.O_WRONLY | os.O_CREAT)
        os.dup2(silent, 1)
        runner = Runner(number, place, queues, config)
        pytest.main([*QUIET, "--capture=sys", *config.options, *tests], plugins=[runner])
