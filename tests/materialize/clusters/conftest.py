"""The clusters, one at a time; what is here is left to make test-clusters."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.materialize.clusters.commands import SHARD_BYTES, SPEC, materialize
from tests.materialize.clusters.three import STARTED, Cluster

HERE = Path(__file__).parent
MISSING = [name for name in ("ray", "distributed") if importlib.util.find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.clusters)
            item.add_marker(pytest.mark.filterwarnings("default"))  # Ray and Dask warn of what is not ours to mend


@pytest.fixture(scope="session", autouse=True)
def importable_by_workers() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        for name in ("RAY_ADDRESS", "DASK_SCHEDULER_ADDRESS"):
            patch.delenv(name, raising=False)
        assert str(ROOT) in os.environ["PYTHONPATH"]
        yield


@pytest.fixture(scope="session", params=STARTED)
def cluster(request: pytest.FixtureRequest, importable_by_workers: None) -> Iterator[Cluster]:
    with STARTED[request.param]() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of SPEC that processes of this machine wrote."""
    place = tmp_path_factory.mktemp("local") / "checkpoint"
    made = materialize(SPEC, place)
    assert made.returncode == 0, made.stderr
    return place


@pytest.fixture(scope="session")
def address(client: httpx.Client) -> str:
    """Return where the service has the same checkpoint, without the file's name."""
    whole: str = client.post("/plan", json=SPEC).json()["links"]["safetensors"]
    return f"{whole.removesuffix('.safetensors')}/{{}}?shard_bytes={SHARD_BYTES}"
