"""A Unix domain socket against TCP on the loopback: small requests over one connection, and a large answer."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.curl import HEADER, download, exactly, tensor
from benchmarks.measuring import Comparison, Section, Side, alternate, seeds
from benchmarks.processes import ROOT, environment, module
from benchmarks.servers import initserve

REQUESTS = 500  # of a run
SHAPE = [4096, 4096]  # 64 MiB


def measure(rounds: int) -> Section:
    section = Section("A Unix domain socket against TCP on the loopback")
    new = seeds()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "socket"))
        with initserve(INITSERVE_SOCKET=path) as server:
            small = alternate(asking(path), asking(str(server.port)), rounds)
            section.comparisons.append(Comparison(f"{REQUESTS} small requests, Unix socket", "TCP", small))
            large = alternate(fetching(server.url, new, path), fetching(server.url, new), rounds)
            section.comparisons.append(Comparison("64 MiB of zeros, Unix socket", "TCP", large))
    return section


def asking(address: str) -> Side:
    """Return the side that asks for small answers, one after the other on one connection."""
    command = module("benchmarks.small_client", address, str(REQUESTS))

    def run() -> float:
        found = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, check=True)
        return float(sum(json.loads(found.stdout)))

    return run


def fetching(url: str, new: Iterator[int], unix: str = "") -> Side:
    """Return the side that fetches a large answer which takes next to nothing to make."""
    size = exactly(HEADER + 4 * SHAPE[0] * SHAPE[1])
    return lambda: download(f"{url}/init?format=npy", size, tensor("zeros", SHAPE, next(new)), unix)
