"""A real server: what flows, breaks and takes time is never tested in process."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import hypothesis
import pytest

ROOT = Path(__file__).parents[1]
# A kernel is compiled when it is first called, in the middle of an example; what is slow is shown by a benchmark.
hypothesis.settings.register_profile("initserve", deadline=None)
hypothesis.settings.load_profile("initserve")
START = 60.0  # seconds: a first start compiles the kernels


def free_port() -> int:
    """Return a port that nobody has, below those that the kernel hands to clients of the tests running beside these."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Server:
    """A process of the service on a port of its own."""

    module = "service"  # what is run

    def __init__(self, **environment: str) -> None:
        self.port = int(environment.get("INITSERVE_PORT") or free_port())
        self.url = f"http://127.0.0.1:{self.port}"
        variables = {**os.environ, "INITSERVE_PORT": str(self.port), "PYTHONPATH": str(ROOT), **environment}
        # A pipe that nobody reads would fill up and stop the server.
        self.log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in stop
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.module, "serve"], env=variables, cwd=ROOT, stdout=self.log, stderr=self.log
        )

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                httpx.get(f"{self.url}/readyz").raise_for_status()
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"no answer from the server: {self.stop()}")

    def logged(self) -> str:
        """Return what it has logged so far; it goes on writing where it is."""
        descriptor = self.log.fileno()
        return os.pread(descriptor, os.fstat(descriptor).st_size, 0).decode()

    def stop(self) -> str:
        """End the process; return what it logged."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        with self.log:
            self.log.seek(0)
            return self.log.read()


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """Start a server with these settings beside the session's own."""
    server = Server(**environment)
    try:
        server.wait_until_ready()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def server(running: Server) -> str:
    """The address of the session's server."""
    return running.url


@pytest.fixture(scope="session")
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=90.0) as client:  # longer than a stream is waited for
        yield client
