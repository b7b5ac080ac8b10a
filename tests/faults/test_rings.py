"""What a request leaves is freed at once: nothing leads in a ring to itself, which only the collector would find.

It looks through everything seldom, since that holds up all requests: rings that live through its first looks, as those
of a refusal that waits for a moment do, are memory that grows without end.
"""

import io
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.api.test_clients import DEEP, TRAINING
from tests.conftest import Server
from tests.faults.asking import request
from tests.faults.collected import VARIABLE
from tests.faults.observed import wait_until

COUNT = 10  # requests at once
TRIES = 5


def asked(method: str, path: str, body: bytes = b"", media_type: str = "application/json") -> bytes:
    return request(method, path, body, {"content-type": media_type, "connection": "close"})


def posted(path: str, document: Any) -> bytes:
    return asked("POST", path, json.dumps(document).encode())


def saved() -> bytes:
    file = io.BytesIO()
    np.savez(file, a=np.zeros((300, 300), np.float32))
    return file.getvalue()


LAYERS = [{"type": "dense", "shape": [8, 8], "scheme": "he_normal"}] * 100  # read by a thread
MATRIX = {"type": "tensor", "shape": [600, 600], "scheme": "orthogonal"}
KINDS = {
    "a probe": asked("GET", "/livez"),
    "an address that is none": asked("GET", "/nothing"),
    "no HTTP": b"GET\r\n\r\n",
    "small weights": posted("/init", {"seed": 1, "layers": LAYERS[:1]}),
    "weights of many layers": posted("/init?format=npz", {"seed": 1, "layers": LAYERS}),
    "a stream": posted("/init?format=npz", {"seed": 1, "layers": [{"type": "dense", "shape": [1024, 1024]}]}),
    "decompositions": posted("/init?format=npz", {"seed": 1, "layers": [MATRIX] * 2}),
    "a spec at fault": posted("/init", {"layers": [{"type": "dens", "shape": [1]}]}),
    "a long spec at fault": posted("/init", {"layers": [*LAYERS, {"type": "dens", "shape": [1]}]}),
    "a plan that cannot be": posted("/plan", {"layers": [*LAYERS, {**MATRIX, "dtype": "float16", "gain": 1e30}]}),
    "a deep diagnosis": posted("/diagnose", DEEP),
    "a network that cannot be": posted("/diagnose", {"layers": [*LAYERS, {"type": "dense", "shape": [9, 8]}]}),
    "a training": posted("/train?format=events", TRAINING),
    "a file of nobody's spec": asked("POST", "/verify", saved(), "application/octet-stream"),
    "half a file": asked("POST", "/verify", saved()[:4000], "application/octet-stream"),
}


class Collected(Server):
    module = "tests.faults.collected"


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    told = tmp_path_factory.mktemp("collected") / "counts"
    told.touch()
    server = Collected(**{VARIABLE: str(told)})
    try:
        server.wait_until_ready()
        yield server, told
    finally:
        server.stop()


def freed(server: Server, told: Path) -> int:
    """Return how many objects only a look for rings has freed."""
    before = len(told.read_text().splitlines())
    os.kill(server.process.pid, signal.SIGUSR1)
    wait_until(lambda: told.read_text().count("\n") > before)
    return int(told.read_text().splitlines()[-1])


def ask_at_once(server: Server, sent: bytes, seconds: float) -> None:
    """Send a request on some connections and leave after so long, with all of the answers or none."""
    with ExitStack() as stack:
        lines = [stack.enter_context(socket.create_connection(("127.0.0.1", server.port))) for _ in range(COUNT)]
        for line in lines:
            line.sendall(sent)
        end = time.monotonic() + seconds
        for line in lines:
            with suppress(OSError):
                while (left := end - time.monotonic()) > 0:
                    line.settimeout(left)
                    if not line.recv(2**20):
                        break


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs signals")
@pytest.mark.parametrize("seconds", [0.02, 0.5], ids=["cut off", "answered"])
@pytest.mark.parametrize("name", KINDS)
def test_a_request_leaves_nothing_that_leads_to_itself(
    collected: tuple[Server, Path], name: str, seconds: float
) -> None:
    server, told = collected
    found = []
    for _ in range(
        TRIES
    ):  # at first much is made that stays; and what is under way when it is cut off ends a bit later
        ask_at_once(server, KINDS[name], seconds)
        time.sleep(0.05)
        found.append(freed(server, told))
        if len(found) > 1 and found[-1] < COUNT:
            break
    assert min(found[1:]) < COUNT, found
