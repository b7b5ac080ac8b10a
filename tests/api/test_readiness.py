"""Readiness: initserve/1 first, the frameworks' streams when their kernels are compiled; whoever is early waits."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from service.api import readiness
from service.api.app import create_app
from service.api.problems import RequestProblem
from service.api.readiness import Readiness
from service.compiling import Compilation
from service.pipeline import Workers
from service.replay import ALGORITHMS
from service.settings import Settings
from service.specs import self_test
from service.specs.addresses import packed

NAMES = ["initserve/1", *ALGORITHMS]


class Held(Compilation):
    """Kernels that are compiled when a test says so."""

    def __init__(self) -> None:
        self.preferred: list[str] = []
        self.over = asyncio.Event()

    @property
    def needed(self) -> bool:
        return True

    def prefer(self, module: str) -> None:
        self.preferred.append(module)

    async def wait_for(self, module: str) -> None:
        await self.over.wait()


def asking(algorithm: Any) -> bytes:
    return json.dumps({"algorithm": algorithm, "layers": []}).encode()


def test_a_request_that_is_early_waits_and_its_kernels_come_next(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readiness, "agrees", lambda name: True)

    async def run() -> None:
        held = Held()
        found = Readiness(held, [])
        settling = asyncio.create_task(found.settle())
        early = asyncio.create_task(found.admit(asking("jax-threefry/1").replace(b"/", b"\\u002f")))
        for other in (asking("initserve/1"), asking("unknown/1"), asking([]), b"{", b"[]", b"[" * 100_000):
            assert await found.admit(other) == 0.0
        await asyncio.sleep(0.05)
        assert not early.done()
        assert held.preferred == ["service.replay.jax.algorithm"]
        assert [found.is_ready(name) for name in NAMES] == [True] + [False] * len(ALGORITHMS)
        held.over.set()
        assert await early > 0.0
        await settling
        assert all(map(found.is_ready, NAMES))
        assert await found.admit(asking("torch-cpu/1")) == 0.0

    with caplog.at_level(logging.INFO, "initserve"):
        asyncio.run(run())
    (line,) = caplog.messages
    assert "All streams are ready" in line


def test_a_wait_has_an_end_that_says_when_to_ask_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "PATIENCE", 0.02)

    async def run() -> None:
        await Readiness(Held(), []).admit(asking("torch-cpu/1"))

    with pytest.raises(RequestProblem, match="are being compiled") as refused:
        asyncio.run(run())
    assert (refused.value.code, refused.value.headers) == ("stream-not-ready", {"retry-after": "10"})


@asynccontextmanager
async def serving() -> AsyncIterator[httpx.AsyncClient]:
    """Start an application in this process, so that a test may change what it is made of."""
    app = create_app(Settings())
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here", timeout=60.0) as client,
    ):
        yield client


LAYERS = [{"type": "tensor", "shape": [3], "scheme": "random_normal"}]


def test_a_stream_of_other_bytes_is_refused_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(self_test.REPLAYED, "jax-threefry/1", "0" * 64)

    async def run() -> None:
        async with serving() as client:
            refused = await client.post("/init", json={"algorithm": "jax-threefry/1", "layers": LAYERS})
            assert refused.status_code == 503
            assert refused.json()["type"] == "/problems/stream-not-ready"
            assert "other bytes" in refused.json()["detail"]
            assert "retry-after" not in refused.headers
            posted = {"algorithm": "jax-threefry/1", "layers": LAYERS, "seed": "1"}
            text = json.dumps(posted, sort_keys=True, separators=(",", ":"))
            address = f"/weights/{packed(text)}.safetensors"
            assert (await client.get(address)).json()["type"] == "/problems/stream-not-ready"
            assert (await client.head(address)).status_code == 200  # not a number is drawn for it
            for name in set(NAMES) - {"jax-threefry/1"}:
                answer = await client.post("/init", json={"algorithm": name, "seed": 1, "layers": LAYERS})
                assert answer.status_code == 200
                assert (await client.get(f"/algorithms/{name}")).json()["ready"]
            told = (await client.get("/algorithms")).json()["algorithms"]
            assert [each["name"] for each in told if not each["ready"]] == ["jax-threefry/1"]
            assert (await client.get("/readyz")).status_code == 200

    asyncio.run(run())
    assert [message for message in caplog.messages if "jax-threefry/1 comes out in other bytes" in message]


def test_a_replica_whose_own_bytes_differ_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(self_test.DIGESTS, "he_normal", "0" * 64)

    async def run() -> None:
        async with serving() as client:
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["disagreements"] == ["he_normal"]
            assert not (await client.get("/algorithms/initserve/1")).json()["ready"]

    asyncio.run(run())


def test_a_replica_of_which_a_line_stands_still_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with serving() as client:
            for seconds, status in ((119.0, 200), (121.0, 503)):
                lines = {"short": (0, 0.0), "heavy": (2, seconds)}
                monkeypatch.setattr(Workers, "lines", lambda _, lines=lines: lines)
                ready = await client.get("/readyz")
                assert ready.status_code == status
                assert ready.json()["lines"]["heavy"] == {"waiting": 2, "seconds_without_movement": seconds}

    asyncio.run(run())


def test_an_answer_says_that_it_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    async def admit(self: Readiness, body: bytes) -> float:
        return 1.25

    monkeypatch.setattr(Readiness, "admit", admit)

    async def run() -> None:
        async with serving() as client:
            answer = await client.post("/plan", json={"layers": LAYERS})
            assert "kernels;dur=1250.000" in answer.headers["server-timing"]
            assert "server-timing" not in (await client.get("/readyz")).headers

    asyncio.run(run())


def test_every_stream_of_a_running_server_becomes_ready(client: httpx.Client) -> None:
    for name in ALGORITHMS:  # each waits until it is
        assert client.post("/init", json={"algorithm": name, "seed": 1, "layers": LAYERS}).status_code == 200
        assert client.get(f"/algorithms/{name}").json()["ready"]
    assert all(each["ready"] for each in client.get("/algorithms").json()["algorithms"])
