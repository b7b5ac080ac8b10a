"""The local engine: what becomes of numbers when workers die, and of workers when whoever asked does."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from service.materialize.engines.engine import TRIES
from service.materialize.engines.processes import Processes
from service.processors import processors
from tests.materialize import works

ROOT = Path(__file__).parents[2]
PATIENCE = 20.0  # seconds, of a machine that does much else


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_every_number_comes_to_one_outcome_and_its_bytes_are_told_of() -> None:
    told: list[int] = []
    found = {
        number: (result, error) for number, result, error in Processes(2).map(works.square, range(20), told.append)
    }
    assert found == {number: (number**2, None) for number in range(20)}
    assert sum(told) == sum(range(20))


def test_a_worker_that_is_killed_is_replaced_and_only_its_number_made_anew(tmp_path: Path) -> None:
    told: list[int] = []
    outcomes = [*Processes(2).map(partial(works.dies_once, str(tmp_path)), range(4), told.append)]
    assert sorted(outcomes) == [(number, number, None) for number in range(4)]
    assert sorted(each.name for each in tmp_path.iterdir()) == ["1", "3"]
    assert sum(told) == 4000
    assert -1000 in told  # what had come of the numbers that were begun anew


def test_a_number_over_which_every_worker_dies_is_given_up_and_the_others_are_made() -> None:
    told: list[int] = []
    outcomes = {each.number: each for each in Processes(1).map(works.dies_over_three, range(5), told.append)}
    assert {number: outcomes[number].result for number in (0, 1, 2, 4)} == {0: 0, 1: 1, 2: 2, 4: 4}
    assert outcomes[3].error == f"{TRIES} processes ended over it, the last with 9"
    assert sum(told) == 4 * 7


def test_what_is_raised_is_told_at_once_by_a_worker_that_goes_on() -> None:
    told: list[int] = []
    outcomes = {each.number: each for each in Processes(1).map(works.refuses_three, range(5), told.append)}
    assert outcomes[3] == (3, None, "three is refused")
    assert [outcomes[number].result for number in (0, 1, 2, 4)] == [0, 1, 2, 4]
    assert sum(told) == 4 * 7


PROGRAM = """
import functools, sys
sys.path.insert(0, sys.argv[1])
from service.materialize.engines.processes import Processes
from tests.materialize import works
for _ in Processes(2).map(functools.partial(works.waits, sys.argv[2]), range(2), print): pass
"""


@contextmanager
def at_work(folder: Path) -> Iterator["tuple[subprocess.Popen[bytes], list[int]]"]:
    """Run two workers, by a process of their own; yield that and theirs once both are at work."""
    command = [sys.executable, "-c", PROGRAM, str(ROOT), str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: len([*folder.iterdir()]) == 2)
            yield process, [int(each.name) for each in folder.iterdir()]
        finally:
            process.kill()


def test_whoever_is_interrupted_ends_the_workers_within_a_second_and_lets_them_clear_away(tmp_path: Path) -> None:
    with at_work(tmp_path) as (process, crew):
        process.send_signal(signal.SIGINT)
        sent = time.monotonic()
        process.wait(PATIENCE)
        assert time.monotonic() - sent < 5.0  # a second, and what a busy machine makes of it
        assert not any(map(alive, crew))
    assert (tmp_path / "cleared").exists()


def test_workers_end_when_whoever_asked_is_killed(tmp_path: Path) -> None:
    with at_work(tmp_path) as (process, crew):
        process.kill()
        process.wait()
        until(lambda: not any(map(alive, crew)))
    assert (tmp_path / "cleared").exists()


@pytest.mark.parametrize("workers", [1, 2, 64])
def test_threads_and_workers_are_no_more_than_there_are_processors(workers: int) -> None:
    engine = Processes(workers)
    for count in (0, 1, 2, 5, 1000):
        threads = engine.threads(count)
        assert threads >= 1
        assert threads * min(workers, max(count, 1)) <= max(processors(), workers)
    assert Processes().workers == processors()


def test_a_worker_imports_nothing_of_http() -> None:
    (outcome,) = Processes(1).map(works.modules, [0], lambda more: None)
    assert outcome.result is not None
    assert not {"fastapi", "starlette", "uvicorn"}.intersection(outcome.result)


def test_making_and_verifying_import_nothing_of_http() -> None:
    program = (
        "import sys, service.materialize.making, service.materialize.verifying, service.materialize.run;"
        "sys.exit(len({'fastapi', 'starlette', 'uvicorn'}.intersection(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
