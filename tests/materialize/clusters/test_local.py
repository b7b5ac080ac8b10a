"""Clusters that the command begins itself, and clusters that are not there."""

import os
import time
import uuid
from pathlib import Path

import pytest

from tests.conftest import free_port
from tests.materialize.clusters.commands import SPEC, materialize

SMALL = SPEC | {"layers": SPEC["layers"][:2]}


@pytest.mark.parametrize("engine", ["ray", "dask"])
def test_a_cluster_that_the_command_begins_ends_with_it(engine: str, tmp_path: Path) -> None:
    mark, temporary = uuid.uuid4().hex, tmp_path / "t"
    temporary.mkdir()
    place = tmp_path / "checkpoint"
    made = materialize(SMALL, place, "--engine", engine, "--workers", "2", INITSERVE_TEST=mark)
    assert made.returncode == 0, made.stderr
    assert (place / "SHA256SUMS").exists()
    deadline = time.monotonic() + 10
    while (left := having(mark)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left


def having(mark: str) -> list[str]:
    """Return the commands of processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes() and folder.name != str(os.getpid()):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


@pytest.mark.parametrize(
    ("option", "variable"), [("--address", "RAY_ADDRESS"), ("--scheduler", "DASK_SCHEDULER_ADDRESS")]
)
def test_a_cluster_that_is_not_there_is_told_of_in_a_line(option: str, variable: str, tmp_path: Path) -> None:
    engine = "ray" if variable == "RAY_ADDRESS" else "dask"
    address = f"127.0.0.1:{free_port()}"
    for arguments, environment in (([option, address], {}), ([], {variable: address})):
        made = materialize(SMALL, tmp_path / "c", "--engine", engine, *arguments, **environment)
        assert made.returncode == 2
        (line,) = [each for each in made.stderr.splitlines() if address in each]
        assert line.startswith(f"initserve: --engine {engine}: "), line
