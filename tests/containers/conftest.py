"""The containers, once for all tests of this folder; all of them are skipped where no Docker answers."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port
from tests.containers.fleet import Fleet

HERE = Path(__file__).parent


def why_not() -> str:
    """Return why there can be no containers here; "" where there can be."""
    if shutil.which("docker") is None:
        return "no docker here"
    for asked, meaning in ((["version"], "no Docker daemon answers"), (["compose", "version"], "no docker compose")):
        if subprocess.run(["docker", *asked], capture_output=True, timeout=60, check=False).returncode:
            return meaning
    return ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.containers)


@pytest.fixture(scope="session")
def fleet() -> Iterator[Fleet]:
    if reason := why_not():
        pytest.skip(f"{reason}: containers cannot be tested")
    found = Fleet(free_port())
    try:
        found.up()
        yield found
    finally:
        found.down()


@pytest.fixture
def outside(fleet: Fleet) -> Iterator[httpx.Client]:
    """A client that comes from outside, through nginx."""
    with httpx.Client(base_url=fleet.url, trust_env=False, timeout=60.0) as client:
        yield client
