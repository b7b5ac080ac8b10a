"""The text of /metrics is made once for all who wait for it, and is never older than the question."""

import asyncio
import time

import pytest

from service.api.telemetry import exposing
from service.api.telemetry.exposing import OPEN_METRICS, TEXT, Exposer
from service.api.telemetry.metrics import Metrics


def test_fifty_who_ask_at_once_have_it_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    exposed = exposing.exposed

    def counting(*arguments: object) -> tuple[bytes, str]:
        nonlocal made
        made += 1
        return exposed(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(exposing, "exposed", counting)

    async def crowd() -> None:
        exposer = Exposer(Metrics())
        texts = await asyncio.gather(*(exposer.text(TEXT) for _ in range(50)))
        assert len(set(texts)) == 1

    asyncio.run(crowd())
    assert made == 1


def test_what_was_counted_before_one_asks_is_told_though_another_is_being_answered() -> None:
    async def ask() -> None:
        metrics = Metrics()
        exposer = Exposer(metrics)
        first = asyncio.create_task(exposer.text(TEXT))
        for _ in range(4):  # until it has begun
            await asyncio.sleep(0)
        metrics.count_problem("not-found")
        for media_type in (TEXT, OPEN_METRICS):
            text, _ = await exposer.text(media_type)
            assert b'initserve_problems_total{code="not-found"} 1.0' in text
        await first

    asyncio.run(ask())


def test_whoever_asks_without_pause_has_a_fifth_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*arguments: object) -> tuple[bytes, str]:
        time.sleep(0.02)
        return b"", ""

    monkeypatch.setattr(exposing, "exposed", slow)

    async def ask() -> float:
        exposer = Exposer(Metrics())
        began = time.monotonic()
        for _ in range(4):
            await exposer.text(TEXT)
        return time.monotonic() - began

    assert asyncio.run(ask()) >= 4 * 0.02 + 3 * exposing.REST * 0.02
