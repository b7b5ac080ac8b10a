"""A real client: curl, which throws away what it gets and says how long that took."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

from benchmarks.measuring import Side
from benchmarks.processes import running

HEADER = 128  # bytes before the values of an .npy file
CURL = ["curl", "--silent", "--noproxy", "*", "--header", "content-type: application/json"]


class WrongAnswer(RuntimeError):
    """A server's answer was not what was asked for."""


def tensor(scheme: object, shape: list[int], seed: int, algorithm: str = "initserve/1") -> dict[str, Any]:
    layer = {"name": "w", "type": "tensor", "shape": shape, "scheme": scheme}
    return {"algorithm": algorithm, "seed": seed, "layers": [layer]}


def download(url: str, sizes: range, spec: dict[str, Any] | None = None, unix: str = "") -> float:
    """Get a URL, or post a spec to it; return the seconds until the last byte of an answer of such a size.

    `unix` is the Unix domain socket by which to reach the server, if any.
    """
    way = ["--unix-socket", unix] if unix else []
    command = [*CURL, *way, "--output", "/dev/null", "--write-out", "%{time_total} %{size_download} %{http_code}"]
    body = [] if spec is None else ["--data", json.dumps(spec)]
    found = subprocess.run([*command, *body, url], capture_output=True, text=True)
    seconds, size, status = found.stdout.split()
    if found.returncode or status != "200" or int(size) not in sizes:
        raise WrongAnswer(f"curl ended with {found.returncode}: status {status}, {size} bytes from {url}")
    return float(seconds)


def exactly(size: int) -> range:
    return range(size, size + 1)


def npy(server: str, scheme: object, shape: list[int], seeds: Iterator[int], algorithm: str = "initserve/1") -> Side:
    """Return the side that fetches one float32 tensor as .npy, under a new seed each time."""
    size = exactly(HEADER + 4 * prod(shape))
    return lambda: download(f"{server}/init?format=npy", size, tensor(scheme, shape, next(seeds), algorithm))


@contextmanager
def streaming(server: str, elements: int, times: int) -> Iterator[subprocess.Popen[bytes]]:
    """Fetch a large answer in the background, over and over, until the end of the block."""
    body = json.dumps(tensor("random_normal", [elements], seed=0))
    parts = ["--output", "/dev/null", f"{server}/init?format=npy"] * times
    with running([*CURL, "--data", body, *parts]) as process:
        yield process
