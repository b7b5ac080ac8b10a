"""Metrics say what was done: against what was asked, counted by hand."""

import asyncio
import socket
import time

import httpx
import pytest

from service.api.admission import Room
from service.api.problems import RequestProblem
from service.api.telemetry import lag
from service.api.telemetry.metrics import Metrics
from service.settings import Settings
from tests.api.telemetry.scraped import Scrape, families, grown
from tests.api.test_flow import wait_until
from tests.conftest import Server, serving

DENSE = [{"name": "fc", "type": "dense", "shape": [30, 20]}]
VALUES = 30 * 20 + 20
SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}


WAYS = ["format=npz", "include=weights", "format=safetensors", "include=statistics"]


@pytest.mark.parametrize(
    ("dtype", "query"),
    [(dtype, way) for dtype in SIZES for way in WAYS if dtype != "bfloat16" or way in WAYS[-2:]],  # NumPy has none
)
def test_bytes_are_counted_by_stream_and_dtype_as_they_are_stored_whatever_the_format(
    client: httpx.Client, server: str, dtype: str, query: str
) -> None:
    before = Scrape.of(server)
    spec = {"seed": 1, "dtype": dtype, "layers": DENSE}
    client.post(f"/init?{query}", json=spec).raise_for_status()
    assert grown(server, before, "drawn_bytes_total", algorithm="initserve/1", dtype=dtype) == VALUES * SIZES[dtype]
    assert grown(server, before, "drawn_bytes_total") == VALUES * SIZES[dtype]


def test_bytes_of_a_framework_s_stream_and_those_that_a_file_is_compared_with_are_counted(
    client: httpx.Client, server: str
) -> None:
    spec = {"seed": 1, "algorithm": "torch-cpu/1", "layout": "torch", "layers": DENSE}
    before = Scrape.of(server)
    file = client.post("/init?format=safetensors", json=spec).raise_for_status().content
    answer = client.post("/verify", content=file, headers={"content-type": "application/octet-stream"})
    assert answer.raise_for_status().json()["equal"]
    assert grown(server, before, "drawn_bytes_total", algorithm="torch-cpu/1", dtype="float32") == 2 * 4 * VALUES


def test_a_request_is_counted_by_route_method_and_status_and_its_time_is_less_than_the_client_saw(
    client: httpx.Client, server: str
) -> None:
    before, began = Scrape.of(server), time.monotonic()
    for _ in range(3):
        client.get("/layers/dense").raise_for_status()
    client.head("/weights/x.npz")
    seen = time.monotonic() - began
    dense = {"route": "/layers/{name}", "method": "GET", "status": "200"}
    wait_until(lambda: grown(server, before, "request_duration_seconds_count", route="/weights/{spec}.npz") == 1)
    assert grown(server, before, "request_duration_seconds_count", **dense) == 3
    assert 0.0 < grown(server, before, "request_duration_seconds_sum", **dense) < seen
    assert grown(server, before, "time_to_first_byte_seconds_count", route="/layers/{name}") == 3
    head = {"route": "/weights/{spec}.npz", "method": "HEAD", "status": "400"}
    assert grown(server, before, "request_duration_seconds_count", **head) == 1


def test_whatever_is_asked_for_there_are_no_more_series_of_it(client: httpx.Client, server: str) -> None:
    def ask(count: int) -> None:
        for number in range(count):
            client.request(("PURGE", "SEARCH", "MKCOL", "LOCK")[number % 4], f"/{number}/{number}", json=[number])
            client.get(f"/weights/{number}.npz?{number}", headers={"x-request-id": str(number)})

    ask(4)
    wait_until(lambda: Scrape.of(server).value("requests_in_flight") == 1)  # this very scrape
    known = Scrape.of(server).samples.keys()
    ask(40)
    wait_until(lambda: Scrape.of(server).value("requests_in_flight") == 1)
    assert Scrape.of(server).samples.keys() == known


def test_seconds_of_threads_are_counted_where_they_were_spent(client: httpx.Client, server: str) -> None:
    before = Scrape.of(server)
    layers = [{"type": "dense", "shape": [64, 64], "activation": "relu"}] * 12
    client.post("/diagnose", json={"seed": 1, "layers": layers}).raise_for_status()
    client.post("/init?format=npz", json={"seed": 1, "layers": [{"type": "dense", "shape": [3000, 3000]}]})
    spent = {route: grown(server, before, "processor_seconds_total", route=route) for route in ("/diagnose", "/init")}
    everything = Scrape.of(server).value("process_cpu_seconds_total") or float("inf")
    assert all(0.005 < seconds < everything for seconds in spent.values()), spent
    assert grown(server, before, "wait_seconds_count", line="heavy") == 1


def test_an_answer_that_is_cut_short_is_counted_by_why(running: Server) -> None:
    before = Scrape.of(running.url)
    body = b'{"seed": 1, "layers": [{"type": "dense", "shape": [30000, 30000]}]}'
    head = b"POST /init?format=npz HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    head += b"content-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.port)) as connection:
        connection.sendall(head % len(body) + body)
        assert connection.recv(1000)
    wait_until(lambda: grown(running.url, before, "aborted_streams_total", reason="client-gone") == 1)
    assert grown(running.url, before, "aborted_streams_total") == 1
    assert grown(running.url, before, "answers_total", outcome="client-gone") == 1


def test_a_refusal_is_counted_by_the_bound_that_it_met_and_what_is_merely_wrong_is_none() -> None:
    with serving(INITSERVE_MAX_ELEMENTS="1000", INITSERVE_MAX_STANDING_BYTES_IN_FLIGHT="100000") as server:
        before = Scrape.of(server.url)
        for layers in ([{"type": "dense", "shape": [100, 100]}], []):
            httpx.post(f"{server.url}/init?format=npz", json={"seed": 1, "layers": layers})
        assert grown(server.url, before, "rejections_total", reason="too-large") == 1
        assert grown(server.url, before, "rejections_total") == 1
        assert grown(server.url, before, "problems_total", code="invalid-spec") == 1


def test_a_budget_that_is_taken_is_told_by_its_name() -> None:
    room, metrics = Room(Settings(max_heavy_requests=1)), Metrics()
    for budget, reason in ((room.memory, "memory"), (room.standing, "standing-memory"), (room.heavy, "heavy-requests")):
        with pytest.raises(RequestProblem) as refused:
            budget.take("somebody", budget.limit + 1)
        metrics.count_refusal(refused.value)
        assert metrics.rejections.labels(reason)._value.get() == 1


def test_a_loop_that_is_held_is_seen_to_lag() -> None:
    async def hold(metrics: Metrics) -> None:
        watching = asyncio.create_task(lag.watch(metrics.lag))
        await asyncio.sleep(0)
        time.sleep(0.3)
        await asyncio.sleep(0.1)
        watching.cancel()

    metrics = Metrics()
    asyncio.run(hold(metrics))
    (family,) = metrics.lag.collect()
    seen = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    assert seen["+Inf"] - seen["0.25"] >= 1  # 0.3 s, less the interval at the most
    assert seen["initserve_event_loop_lag_seconds_sum"] >= 0.28


def test_the_build_is_told_with_the_digest_that_every_sound_replica_has(server: str) -> None:
    (sample,) = families(server)["initserve_build"].samples
    assert sample.labels["algorithm"] == "initserve/1"
    # SHA-256 of the four digests in service/specs/self_test.py, in their order, by sha256sum.
    assert sample.labels["golden"] == "053adc3cfe99bdd5fffd37d1b8a934ff40172318e066b877b7d5e1ae2cbc510e"


UNITS = ("bytes", "seconds")


def test_names_are_as_prometheus_has_them(server: str) -> None:
    """Base units, in the name's end; `_total` of counters, and of nothing else, which their reader holds too."""
    for name, family in families(server).items():
        words = name.split("_")
        assert name.startswith(("initserve_", "process_")), name
        assert not {"milliseconds", "ms", "kilobytes", "mib", "percent", "count", "total"} & set(words), name
        assert words[-1] in UNITS or not set(UNITS) & set(words), name
        assert family.documentation.endswith("."), name
        assert not set(family.samples[0].labels if family.samples else ()) & set(words), name
