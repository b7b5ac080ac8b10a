"""What a diagnosis holds in memory is known from its sizes, refused or admitted by them, and never more."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.test_clients import is_idle, post
from tests.api.test_flow import MIB, counters, needs_proc, wait_until
from tests.api.test_protocol import PATIENCE
from tests.conftest import Server, serving

WIDE = {"seed": 1, "layers": [{"type": "dense", "shape": [2048, 2048], "activation": "relu"}] * 6, "batch": 256}
IMAGES = {
    "seed": 1,
    "input_shape": [56, 56, 32],
    "layers": [{"type": "conv2d", "shape": [3, 3, 32, 32], "padding": "same", "activation": "relu"}] * 6,
    "batch": 16,
}
STEPS = {"steps": 2, "optimizer": "adam", "learning_rate": 1e-3}
COUNTED = {"distributions": True}


def peak(server: Server) -> int:
    """Return the most memory that the server has held, and begin anew."""
    folder = Path(f"/proc/{server.process.pid}")
    found = next(line for line in folder.joinpath("status").read_text().splitlines() if line.startswith("VmHWM"))
    folder.joinpath("clear_refs").write_text("5")
    return int(found.split()[1]) * 1024


def dense(inputs: int, outputs: int, **more: Any) -> dict[str, Any]:
    return {"type": "dense", "shape": [inputs, outputs], "activation": "relu", **more}


# Those that took most beside their price: inputs larger than all else, an output and a norm that are, a network of
# zeros, of which steps on a part of the batch are taken, and one whose output comes in float32.
DEAREST: dict[str, Any] = {
    "inputs": {"seed": 1, "layers": [dense(16384, 4)], "batch": 1024},
    "outputs": {"seed": 1, "layers": [dense(4, 16384)], "batch": 1024},
    "norm": {"seed": 1, "layers": [{"type": "layer_norm", "shape": [8192]}], "batch": 1024},
    "zeros": {"seed": 1, "layers": [dense(2560, 2560, scheme="zeros")] * 5, "batch": 128},
    "words": {
        "seed": 1,
        "layers": [{"type": "embedding", "shape": [100_000, 128]}, dense(128, 128), dense(128, 16384)],
        "batch": 128,
    },
}


@needs_proc
@pytest.mark.parametrize(
    "document",
    [
        WIDE,
        IMAGES,
        WIDE | STEPS,
        IMAGES | COUNTED,
        *(pytest.param(one, marks=pytest.mark.long) for one in DEAREST.values()),
    ],
    ids=["wide", "images", "steps", "distributions", *DEAREST],
)
def test_a_diagnosis_holds_no_more_than_it_was_admitted_for(document: Any) -> None:
    warm = {"seed": 1, "layers": [{"type": "dense", "shape": [8, 8]}]}
    with serving() as server:  # of its own: in one that has done much, memory that is used again does not show
        assert httpx.post(f"{server.url}/diagnose", json=warm, timeout=PATIENCE).status_code == 200
        peak(server)
        before = peak(server)
        with post(server, "/diagnose", json.dumps(document).encode()) as connection:
            wait_until(lambda: counters(server)["standing_in_flight_bytes"] > 0)
            admitted = counters(server)["standing_in_flight_bytes"]
            connection.settimeout(PATIENCE * 3)
            assert connection.recv(12) == b"HTTP/1.1 200"
        held = peak(server) - before
    assert held <= admitted
    assert admitted < 6 * held  # nor is far too much kept for it


def test_what_is_more_than_there_is_in_all_is_too_large_and_what_is_more_than_now_is_refused_for_now() -> None:
    small: dict[str, Any] = {"seed": 1, "layers": [{"type": "dense", "shape": [8, 8]}]}
    with serving(INITSERVE_MAX_STANDING_BYTES_IN_FLIGHT=str(150 * MIB)) as server:
        refused = httpx.post(f"{server.url}/diagnose", json=WIDE, timeout=PATIENCE)
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/too-large")
        assert "bytes in memory at once" in refused.json()["detail"]
        long = {**small, "layers": small["layers"] * 200, "batch": 1024}
        with post(server, "/diagnose", json.dumps(long).encode()):
            wait_until(lambda: counters(server)["standing_in_flight_bytes"] > 0)
            refused = httpx.post(f"{server.url}/diagnose", json=small, timeout=PATIENCE)
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/busy")
        wait_until(lambda: is_idle(server))
        assert httpx.post(f"{server.url}/diagnose", json=small, timeout=PATIENCE).status_code == 200


def test_what_is_too_much_to_run_is_refused_in_no_time(running: Server) -> None:
    wide = {"seed": 1, "layers": [{"type": "dense", "shape": [2**16, 2**16]}] * 3}
    began = time.monotonic()
    refused = httpx.post(f"{running.url}/diagnose", json=wide, timeout=PATIENCE)
    assert time.monotonic() - began < 5.0  # milliseconds where the machine has nothing else to do
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/too-large")
