"""Large answers over loopback: whole, exact in length, stopped when nobody reads them."""

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load

from tests.conftest import Server, serving

JSON = {"content-type": "application/json"}


def spec(*shape: int, **more: Any) -> bytes:
    layer = {"name": "w", "type": "tensor", "shape": list(shape), "scheme": "glorot_uniform", **more}
    return json.dumps({"seed": 1, "layers": [layer]}).encode()


def test_a_large_file_is_whole_and_of_the_declared_length(server: str, tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    with (
        file.open("wb") as out,
        httpx.stream("POST", f"{server}/init?format=safetensors", content=spec(5000, 5000), headers=JSON) as answer,
    ):
        assert answer.headers["content-disposition"] == 'attachment; filename="weights.safetensors"'
        for part in answer.iter_raw():
            out.write(part)
    assert file.stat().st_size == int(answer.headers["content-length"])
    with safe_open(file, framework="numpy") as tensors:
        values = tensors.get_tensor("w/value")
    limit = np.sqrt(6 / 10_000)
    assert values.shape == (5000, 5000)
    assert 0.9999 * limit < np.abs(values).max() <= limit


def test_large_json_is_whole_and_of_the_declared_length(client: httpx.Client) -> None:
    answer = client.post("/init?include=weights,statistics", content=spec(700, 700), headers=JSON)
    assert len(answer.content) == int(answer.headers["content-length"]) > 2_500_000
    (parameter,) = answer.json()["layers"][0]["parameters"]
    assert parameter["statistics"]["count"] == 490_000
    small = client.post("/init?format=safetensors", content=spec(700, 700), headers=JSON)
    assert load(small.content)["w/value"].shape == (700, 700)


def busy(server: Server) -> float:
    """Return the processor time that the server has taken, in seconds."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_reading(server: Server, body: bytes, count: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    head = "POST /init?format=safetensors HTTP/1.1\r\nhost: x\r\ncontent-type: application/json"
    connection.sendall(f"{head}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
    while count > 0:
        count -= len(connection.recv(2**16))
    return connection


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_client_that_hangs_up_stops_the_work() -> None:
    with serving() as server:
        for _ in range(5):
            start_reading(server, spec(20_000, 20_000), 2**20).close()  # 1.6 GB each, were they read
        time.sleep(0.5)
        before = busy(server)
        time.sleep(1.0)
        assert busy(server) - before < 0.2


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_client_that_does_not_read_stops_the_work_too() -> None:
    with serving() as server, start_reading(server, spec(20_000, 20_000), 2**20):
        time.sleep(0.5)
        before = busy(server)
        time.sleep(1.0)
        assert busy(server) - before < 0.2
        assert httpx.get(f"{server.url}/livez", timeout=2.0).status_code == 200


def test_small_answers_come_while_a_large_one_goes_out(running: Server) -> None:
    with httpx.stream(
        "POST", f"{running.url}/init?format=safetensors", content=spec(20_000, 10_000), headers=JSON
    ) as large:
        parts = large.iter_raw()
        for _ in range(5):
            next(parts)
            assert httpx.get(f"{running.url}/livez", timeout=2.0).status_code == 200
            assert httpx.post(f"{running.url}/init", content=spec(3, 3), headers=JSON, timeout=2.0).status_code == 200
