"""What is seen of a server from outside: its memory, files, threads and processor time, and how long it takes."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server

MIB = 2**20
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


def status_of(server: Server) -> dict[str, str]:
    """Return /proc/PID/status."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines)


def memory_of(server: Server, field: str = "VmRSS") -> int:
    """Return the bytes of its memory that are in use, or with VmHWM the most that ever were."""
    return int(status_of(server)[field].split()[0]) * 1024


def threads_of(server: Server) -> int:
    return int(status_of(server)["Threads"])


def files_of(server: Server) -> int:
    """Return how many files and sockets it has open."""
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def processor_seconds_of(server: Server) -> float:
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def metrics_of(server: Server) -> dict[str, float]:
    """Return what /metrics says, by a sample's name without the service's, and its labels."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
    return {name.removeprefix("initserve_"): float(value) for name, _, value in samples}


def seconds_to_answer(client: httpx.Client, path: str = "/livez") -> float:
    """Return how long it takes until a GET is answered 200."""
    began = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - began


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
