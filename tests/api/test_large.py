"""Specs as large as real models, and as hostile as they may be: others are answered meanwhile, on a real server."""

import gzip
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from service.settings import Settings
from service.specs.spec import MOST_LAYERS
from tests.conftest import Server

Written = dict[str, Any]
# Generous: under load a process waits for its turn, and the interpreter's lock changes hands every five milliseconds.
QUICK = 2.0  # seconds
BOUND = 60.0  # seconds for a refusal, or an answer


def mixture(count: int) -> Iterator[Written]:
    """Yield layers as a mixture of experts has them: few kinds, long names."""
    kinds: list[Written] = [
        {"type": "dense", "shape": [7168, 2048], "bias": None, "scheme": {"name": "random_normal", "stddev": 0.02}},
        {"type": "dense", "shape": [2048, 7168], "bias": None},
        {"type": "rms_norm", "shape": [7168]},
    ]
    for index in range(count):
        yield {"name": f"model.layers.{index // 768}.mlp.experts.{index}.gate_proj", **kinds[index % len(kinds)]}


def answered(server: Server, path: str, body: bytes, **headers: str) -> tuple[httpx.Response, float]:
    """Post a body; return the answer, and the longest that another request took meanwhile."""

    def post() -> httpx.Response:
        return httpx.post(
            server.url + path, content=body, headers={"content-type": "application/json", **headers}, timeout=BOUND
        )

    longest = 0.0
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=server.url, timeout=BOUND) as others:
        answer = pool.submit(post)
        while not answer.done():
            began = time.monotonic()
            others.get("/livez").raise_for_status()
            longest = max(longest, time.monotonic() - began)
            time.sleep(0.01)
        return answer.result(), longest


@pytest.mark.parametrize("count", [20_000, pytest.param(MOST_LAYERS, marks=[pytest.mark.long, pytest.mark.alone])])
def test_others_are_answered_while_a_large_model_is_planned(count: int, running: Server) -> None:
    body = json.dumps({"seed": 1, "layout": "pytorch", "layers": list(mixture(count))}).encode()
    assert len(body) <= Settings().max_body_bytes
    answer, longest = answered(running, "/plan", gzip.compress(body, 1), **{"content-encoding": "gzip"})
    assert answer.status_code == 200
    assert answer.json()["totals"]["parameters"] == count
    assert longest < QUICK


STARS = [{"match": "*a?" * 60, "scheme": "zeros"}] * 64
HOSTILE: dict[str, tuple[bytes, int]] = {
    "arrays in arrays, deep": (b'{"layers":' + b"[" * 1_000_000, 413),
    "more values than may be": (b'{"layers":[' + b"[]," * 1_500_000 + b"[]]}", 413),
    "empty arrays": (b'{"layers":[' + b"[]," * 600_000 + b"[]]}", 413),
    "one name of megabytes": (json.dumps({"layers": [{"name": "a" * 2**22, "type": "dropout"}]}).encode(), 422),
    "long names": (
        json.dumps({"layers": [{"name": f"{i:0>129}", "type": "dropout"} for i in range(30_000)]}).encode(), 422
    ),
    "rules of many stars": (
        json.dumps({"layers": [{"type": "tensor", "shape": [1]}] * 20_000, "rules": STARS}).encode(), 422
    ),
    "one name twice, at the end": (
        json.dumps({"layers": [*mixture(20_000), *mixture(1)]}).encode(), 422
    ),
    "parameters beyond counting": (
        json.dumps({"layers": [{"type": "lstm", "shape": [4, 4], "num_layers": 1000}] * 1000}).encode(), 422
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_and_holds_nobody_up(name: str, running: Server) -> None:
    body, status = HOSTILE[name]
    answer, longest = answered(running, "/plan", body)
    assert answer.status_code == status
    assert len(answer.content) < 2**14
    assert longest < QUICK


@pytest.mark.parametrize(("path", "more"), [("/diagnose", {}), ("/train", {"task": "moons"})])
def test_what_runs_keeps_limits_of_its_own(path: str, more: Written, client: httpx.Client) -> None:
    answer = client.post(path, json={"seed": 1, "layers": [{"type": "dense", "shape": [2, 2]}] * 1025, **more})
    assert answer.status_code == 422
    assert "layers" in answer.json()["detail"]
    assert answer.json()["errors"][0]["pointer"] == "/layers"


def test_settings_say_how_many_layers_a_spec_may_have() -> None:
    assert Settings().max_layers == MOST_LAYERS == 100_000
