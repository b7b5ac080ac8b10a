"""Runs that are killed, interrupted, or two at once: the next one goes on, and what comes of it is the same."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.materialize.commands import PATIENCE, begun, digests, materialize
from tests.materialize.test_processes import alive

pytestmark = pytest.mark.long
SPEC = {"seed": 7, "layers": [{"type": "tensor", "shape": [1024, 1024], "scheme": "he_normal"}] * 24}
SHARDS = ("--shard-bytes", str(4 * 2**20))  # a tensor in each


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of a checkpoint that nobody disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    made = materialize(SPEC, folder, *SHARDS)
    assert made.returncode == 0, made.stderr
    return digests(folder)


def written(folder: Path) -> int:
    return len([*folder.glob("*.safetensors")])


def halves(folder: Path) -> list[Path]:
    return [*folder.glob(".initserve/*.part")]


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def workers_of(process: int) -> list[int]:
    children = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(each) for each in children.split()]


@contextmanager
def at_work(folder: Path) -> Iterator[tuple[list[int], Callable[[int], tuple[int, str]]]]:
    """Yield a run's workers, in the midst of shards, and what ends it by a signal and returns how it ended."""
    with begun(SPEC, folder, *SHARDS) as process:
        try:
            until(lambda: written(folder) >= 2 and bool(halves(folder)))
            crew = workers_of(process.pid)

            def end(number: int) -> tuple[int, str]:
                process.send_signal(number)
                _, said = process.communicate(timeout=PATIENCE)
                return process.returncode, said

            yield crew, end
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_leaves_nobody_and_nothing_half_written_and_says_how_to_go_on(
    tmp_path: Path, whole: dict[str, str], number: signal.Signals
) -> None:
    with at_work(tmp_path) as (crew, end):
        assert crew
        sent = time.monotonic()
        status, said = end(number)
        assert time.monotonic() - sent < 10.0  # a second, and what a busy machine makes of it
    assert status == 128 + number
    assert "run the same command again to go on" in said
    assert "Traceback" not in said
    assert not any(map(alive, crew))
    assert not halves(tmp_path)
    there = len([*tmp_path.glob(".initserve/*.json")])  # a record comes after its shard
    assert not (tmp_path / "model.safetensors.index.json").exists()
    again = materialize(SPEC, tmp_path, *SHARDS)
    assert again.returncode == 0
    assert f"{there} of which were there before" in again.stderr
    assert digests(tmp_path) == whole


def test_who_is_killed_leaves_nobody_and_the_next_clears_away(tmp_path: Path, whole: dict[str, str]) -> None:
    with at_work(tmp_path) as (crew, end):
        status, _ = end(signal.SIGKILL)
    assert status == -signal.SIGKILL
    until(lambda: not any(map(alive, crew)))
    assert materialize(SPEC, tmp_path, *SHARDS).returncode == 0
    assert digests(tmp_path) == whole


def test_workers_that_are_killed_in_mid_shard_are_replaced(tmp_path: Path, whole: dict[str, str]) -> None:
    with begun(SPEC, tmp_path, *SHARDS) as process:
        try:
            for count in (2, 6, 12):
                until(lambda count=count: written(tmp_path) >= count and bool(halves(tmp_path)))  # type: ignore[misc]
                for each in workers_of(process.pid):
                    with suppress(ProcessLookupError):
                        os.kill(each, signal.SIGKILL)
            _, said = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert digests(tmp_path) == whole


def test_two_at_once_both_end_well(tmp_path: Path, whole: dict[str, str]) -> None:
    with begun(SPEC, tmp_path, *SHARDS) as one, begun(SPEC, tmp_path, *SHARDS) as other:
        try:
            said = [each.communicate(timeout=PATIENCE)[1] for each in (one, other)]
        finally:
            one.kill()
            other.kill()
    assert (one.returncode, other.returncode) == (0, 0), said
    assert digests(tmp_path) == whole


def test_whatever_moment_it_is_killed_at_in_the_end_it_is_whole(tmp_path: Path, whole: dict[str, str]) -> None:
    chance = random.Random(time.time_ns())
    folder = tmp_path / "place"
    for _ in range(8):
        with begun(SPEC, folder, *SHARDS) as process:
            try:
                begin = written(folder)
                until(lambda: written(folder) > begin or process.poll() is not None)  # noqa: B023
                time.sleep(chance.uniform(0.0, 0.3))
            finally:
                process.kill()
                process.communicate(timeout=PATIENCE)
        if process.returncode == 0:
            break
    assert materialize(SPEC, folder, *SHARDS).returncode == 0
    assert digests(folder) == whole


def test_at_its_deadline_it_ends_and_names_what_is_missing(tmp_path: Path, whole: dict[str, str]) -> None:
    found = materialize(SPEC, tmp_path, *SHARDS, "--deadline", "0.001")
    assert found.returncode == 1
    assert "shards 1-24 of 24 are missing: the deadline has passed; run the same command again" in found.stderr
    assert not halves(tmp_path)
    assert materialize(SPEC, tmp_path, *SHARDS, "--deadline", "600").returncode == 0
    assert digests(tmp_path) == whole
