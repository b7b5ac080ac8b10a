"""Two replicas that have nothing in common but their version answer everything in the same bytes, headers included."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from typing import Any

import httpx
import pytest

from tests.answered.asking import Asked
from tests.answered.requests import requests
from tests.conftest import ROOT, Server, serving
from tests.golden.write import cases

pytestmark = pytest.mark.long
# What is of the moment or of the connection, and not of what is answered; and how much a client may ask, of which a
# process of several has its share.
PASSING = {"date", "connection", "server-timing", "x-request-id", "ratelimit", "ratelimit-policy", "traceparent"}
# What tells of this very process, and is meant to.
OWN = {"metrics", "ready", "live"}
ONE = {"PYTHONHASHSEED": "0", "INITSERVE_DRAWING_THREADS": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
OTHER = {
    "PYTHONHASHSEED": "4711",
    "INITSERVE_DRAWING_THREADS": "5",
    "INITSERVE_PROCESSES": "2",
    "TZ": "Asia/Kathmandu",
    "LC_ALL": "tr_TR.UTF-8",
    "HOME": "/nowhere",
    "OPENBLAS_NUM_THREADS": "3",
    "PYTHONOPTIMIZE": "1",
    "PYTHONUTF8": "1",
}


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of both."""

    def variables(environment: dict[str, str], folder: str) -> dict[str, str]:
        return {**environment, "INITSERVE_SPECS": str(tmp_path_factory.mktemp(folder))}

    with ExitStack() as stack:
        one = stack.enter_context(client_of(stack.enter_context(serving(**variables(ONE, "one")))))
        with on_one_processor():
            other = stack.enter_context(client_of(stack.enter_context(serving(**variables(OTHER, "other")))))
        wait_for_streams(one)
        wait_for_streams(other)
        yield one, other


@contextmanager
def on_one_processor() -> Iterator[None]:
    """Let what is started meanwhile run on one processor alone, where the system has a word for that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usual)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def client_of(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=90.0, trust_env=False, headers={"host": "replicas.test"})


def wait_for_streams(client: httpx.Client) -> None:
    """Wait until every framework's stream is ready: what is listed then is the same."""
    deadline = time.monotonic() + 120.0
    while not all(stream["ready"] for stream in client.get("/algorithms").json()["algorithms"]):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def told(client: httpx.Client, asked: Asked) -> tuple[int, list[tuple[str, str]], bytes]:
    answer = client.request(
        asked.method, asked.target, headers={"x-request-id": "same", **asked.headers}, content=asked.body
    )
    said = sorted((name, value) for name, value in answer.headers.items() if name not in PASSING)
    return answer.status_code, said, answer.content


PLAIN = [
    asked
    for asked in requests()
    # Not those that lie about how long they are, to be refused before they are sent.
    if not asked.condition and asked.operation not in OWN and "content-length" not in asked.headers
]


def test_every_operation_answers_the_same_bytes_and_headers(replicas: tuple[httpx.Client, httpx.Client]) -> None:
    one, other = replicas
    assert len(PLAIN) > 100
    differing = [f"{asked.operation} {asked.name}" for asked in PLAIN if told(one, asked) != told(other, asked)]
    assert differing == []


def test_every_golden_case_is_the_same_file(replicas: tuple[httpx.Client, httpx.Client]) -> None:
    differing = []
    for (name, spec), format in zip(cases().items(), cycle(("safetensors", "npz", "json")), strict=False):
        one, other = (
            client.post(f"/init?format={format}", json=spec, headers={"x-request-id": "same"}) for client in replicas
        )
        assert {one.status_code, other.status_code} <= {200, 422}  # some formats have no such dtype
        if one.content != other.content or one.headers.get("content-location") != other.headers.get("content-location"):
            differing.append(f"{name} as {format}")
    assert differing == []


DENSE = [{"name": f"fc{number}", "type": "dense", "shape": [512, 512], "activation": "relu"} for number in range(6)]
TRAINED = [
    {"name": "fc1", "type": "dense", "shape": [2, 64], "activation": "relu"},
    {"name": "out", "type": "dense", "shape": [64, 2]},
]
STUDIES = [
    ("/diagnose", json.loads((ROOT / "examples/lenet5.json").read_text())),
    ("/diagnose", {"seed": 1, "layers": DENSE}),
    (
        "/train",
        {"task": "moons", "seed": 1, "steps": 50, "learning_rate": 0.1, "schemes": ["he_normal"], "layers": TRAINED},
    ),
]


@pytest.mark.parametrize(("target", "question"), STUDIES)
def test_what_is_measured_is_the_same_on_one_kind_of_processor(
    replicas: tuple[httpx.Client, httpx.Client], target: str, question: dict[str, Any]
) -> None:
    one, other = (client.post(target, json=question) for client in replicas)
    assert one.status_code == other.status_code == 200
    assert one.content == other.content


def test_a_file_taken_from_both_in_turns_is_the_file_of_either(replicas: tuple[httpx.Client, httpx.Client]) -> None:
    layers = [{"name": "t", "type": "tensor", "shape": [1000, 700], "scheme": "he_normal"}]
    made = replicas[0].post("/init?format=safetensors", json={"seed": 5, "layers": layers})
    address, size = made.headers["content-location"], len(made.content)
    etag = replicas[0].head(address).headers["etag"]
    step = size // 7
    parts = []
    for number, start in enumerate(range(0, size, step)):
        stop = min(start + step, size)
        wanted = {"range": f"bytes={start}-{stop - 1}", "if-range": etag}
        part = replicas[number % 2].get(address, headers=wanted)
        assert part.status_code == 206
        parts.append(part.content)
    assert b"".join(parts) == made.content
