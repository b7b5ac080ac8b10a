"""Bounds of one client: how many requests it has under way, and how much of a processor it uses a minute."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from service.api.door import accounts
from service.api.door.accounts import Accounts
from service.api.problems import RequestProblem
from tests.api.test_clients import is_idle
from tests.api.test_flow import SMALL, begin, counters, read, wait_until
from tests.api.test_protocol import PATIENCE
from tests.conftest import Server, serving

JSON = {"content-type": "application/json"}
# As huggingface_hub reads it (utils/_http.py), which waits so long before it asks again.
TOLD = re.compile(r'"(\w+)"\s*;\s*r\s*=\s*(\d+)\s*;\s*t\s*=\s*(\d+)')


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(accounts, "time", self)

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def told(bounds: Accounts, client: str) -> dict[str, tuple[int, int]]:
    header = dict(bounds.headers(client))[b"ratelimit"].decode()
    return {name: (int(left), int(seconds)) for name, left, seconds in TOLD.findall(header)}


def refused(bounds: Accounts, client: str, seconds: float | None = None) -> RequestProblem:
    with pytest.raises(RequestProblem) as caught:
        bounds.enter(client) if seconds is None else bounds.hold(client, seconds)
    assert caught.value.code == "too-many-requests"
    return caught.value


def test_so_many_requests_of_one_client_are_under_way_and_those_of_others_are_not_counted() -> None:
    bounds = Accounts(3, 0)
    for left in (2, 1, 0):
        bounds.enter("a")
        assert told(bounds, "a") == {"requests": (left, 1)}
    assert refused(bounds, "a").headers == {"retry-after": "1"}
    bounds.enter("b")
    bounds.leave("a")
    bounds.enter("a")
    refused(bounds, "a")


def test_seconds_are_held_by_their_price_taken_as_they_are_measured_and_come_back_within_a_minute(
    clock: Clock,
) -> None:
    bounds = Accounts(64, 30.0)
    bounds.enter("a")
    release = bounds.hold("a", 20.0)
    assert told(bounds, "a")["processor"][0] == 10
    assert refused(bounds, "a", 20.0).headers == {"retry-after": "20"}  # 10 seconds more, at half a second a second
    bounds.hold("b", 20.0)
    bounds.spend("a", 5.0)
    release()
    release()
    assert told(bounds, "a")["processor"] == (25, 10)
    bounds.hold("a", 20.0)()
    clock.now += 10.0
    bounds.hold("a", 30.0)()
    clock.now += 3600.0
    bounds.enter("a")
    assert told(bounds, "a")["processor"][0] == 30  # and no more is saved up


def test_what_is_dearer_than_a_minutes_worth_may_begin_with_a_full_bucket_and_is_paid_back(clock: Clock) -> None:
    bounds = Accounts(64, 30.0)
    bounds.enter("a")
    release = bounds.hold("a", 90.0)
    bounds.spend("a", 90.0)
    release()
    bounds.leave("a")
    late = refused(bounds, "a")
    assert late.headers["retry-after"] == "121"  # and the request itself takes some
    clock.now += 121.0
    bounds.enter("a")


def test_accounts_of_clients_that_are_gone_do_not_pile_up(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts, "MOST_IDLE", 100)
    for seconds in (0.0, 30.0):
        bounds = Accounts(64, seconds)
        bounds.enter("stays")
        for number in range(1000):
            bounds.enter(f"client {number}")
            bounds.leave(f"client {number}")
        assert len(bounds._accounts) <= 101
        bounds.leave("stays")


def test_refusals_wait_the_longer_the_more_of_them_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def sleeping(seconds: float) -> None:
        waited.append(seconds)
        await sleep(0)

    async def refuse(count: int) -> None:
        bounds = Accounts(3, 0)
        await asyncio.gather(*(bounds.put_off("many") for _ in range(count)), bounds.put_off("one"))
        assert not bounds._put_off

    monkeypatch.setattr(asyncio, "sleep", sleeping)
    asyncio.run(refuse(100))
    assert waited[:3] == pytest.approx([0.02, 0.04, 0.06])
    assert waited[99:] == [1.0, 0.02]


@pytest.fixture(scope="module")
def bounded() -> Iterator[Server]:
    with serving(INITSERVE_MAX_REQUESTS_PER_CLIENT="3") as server:
        yield server


@pytest.fixture(scope="module")
def metered() -> Iterator[Server]:
    with serving(INITSERVE_MAX_PROCESSOR_SECONDS_PER_MINUTE="2") as server:
        yield server


def test_who_has_too_many_requests_under_way_gets_429_and_another_client_goes_on(bounded: Server) -> None:
    with ExitStack() as stack:
        for _ in range(3):
            assert read(stack.enter_context(begin(bounded)), 12) == b"HTTP/1.1 200"
        answer = httpx.post(f"{bounded.url}/init", content=SMALL, headers=JSON)
        assert (answer.status_code, answer.json()["type"]) == (429, "/problems/too-many-requests")
        assert answer.headers["retry-after"] == "1"
        assert TOLD.search(answer.headers["ratelimit"])[1] == "requests"  # type: ignore[index]
        assert '"requests";q=3' in answer.headers["ratelimit-policy"]
        for path in ("/livez", "/readyz", "/metrics"):
            assert httpx.get(f"{bounded.url}{path}").status_code == 200
        other = httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"))
        answer = stack.enter_context(other).post(f"{bounded.url}/init", content=SMALL, headers=JSON)
        assert (answer.status_code, TOLD.findall(answer.headers["ratelimit"])[0]) == (200, ("requests", "2", "1"))
        assert counters(bounded)['rejections_total{reason="requests-in-flight"}'] >= 1
    wait_until(lambda: is_idle(bounded))


def test_who_uses_up_its_seconds_gets_429_until_they_come_back(metered: Server) -> None:
    local = httpx.HTTPTransport(local_address="127.0.0.3")
    with httpx.Client(base_url=metered.url, transport=local, timeout=PATIENCE) as client:
        seen = []
        for _ in range(50):
            answer = client.post("/diagnose", json=DEEP)
            seen.append(answer.status_code)
            if answer.status_code == 429:
                break
        assert set(seen[:-1]) == {200}
        assert seen[-1] == 429
        assert "2 seconds of a processor a minute" in answer.json()["detail"]
        assert 1 <= int(answer.headers["retry-after"]) <= 600
        assert '"processor";q=2;w=60' in answer.headers["ratelimit-policy"]
        assert {name for name, _, _ in TOLD.findall(answer.headers["ratelimit"])} == {"requests", "processor"}
        wait_until(lambda: client.post("/init", content=SMALL, headers=JSON).status_code == 200)
    assert httpx.post(f"{metered.url}/diagnose", json=DEEP, timeout=PATIENCE).status_code == 200


DEEP = {"layers": [{"type": "dense", "shape": [64, 64], "activation": "gelu"}] * 40, "seed": 1, "batch": 256}
