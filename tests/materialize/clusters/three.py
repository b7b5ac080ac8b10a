"""Clusters of three workers on 127.0.0.1: Ray's, of three nodes beside its head, and Dask's, of three processes."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import NamedTuple

from service.materialize.engines import ENGINES, Asked
from service.materialize.engines.engine import Engine
from tests.conftest import free_port
from tests.nginx import wait_for

COUNT = 3
PATIENCE = 90.0  # seconds for workers to be there


class Cluster(NamedTuple):
    """A cluster that is there, and how a command is told of it."""

    engine: str
    option: str
    address: str

    @property
    def options(self) -> list[str]:
        return ["--engine", self.engine, self.option, self.address]

    def reached(self, workers: int | None = None) -> Engine:
        return ENGINES[self.engine](Asked(workers, self.address, self.address))


@contextmanager
def ray_cluster() -> Iterator[Cluster]:
    from ray.cluster_utils import Cluster as Nodes

    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        memory = 100 * 2**20
        nodes = Nodes(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "include_dashboard": False,
                "object_store_memory": memory,
                "temp_dir": folder,
            },
        )
        try:
            for _ in range(COUNT):
                nodes.add_node(wait=False, num_cpus=1, object_store_memory=memory)
            nodes.wait_for_nodes(PATIENCE)
            yield Cluster("ray", "--address", nodes.address)
        finally:
            nodes.shutdown()


@contextmanager
def dask_cluster() -> Iterator[Cluster]:
    from distributed import Client

    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="dask", ignore_cleanup_errors=True) as folder, ExitStack() as open_ones:

        def run(program: str, *arguments: str) -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", f"distributed.cli.{program}", *arguments, "--no-dashboard"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            open_ones.callback(ended, process)
            return process

        wait_for(port, run("dask_scheduler", "--host", "127.0.0.1", "--port", str(port)))
        for number in range(COUNT):
            name = ["--name", str(number), "--nthreads", "1", "--memory-limit", "0"]
            run("dask_worker", address, *name, "--host", "127.0.0.1", "--local-directory", folder)
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(COUNT, timeout=PATIENCE)
        yield Cluster("dask", "--scheduler", address)


def ended(process: "subprocess.Popen[bytes]") -> None:
    """Let a process end those that it has begun, and itself."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


STARTED: dict[str, Callable[[], AbstractContextManager[Cluster]]] = {"ray": ray_cluster, "dask": dask_cluster}
