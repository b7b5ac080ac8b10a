"""What is sent to do harm: refused in time that grows with its length, held by nobody else, in a small answer."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server
from tests.faults.nasty import ALL, BODIES, HEADERS, JSON, Nasty, written
from tests.faults.observed import MIB, memory_of, metrics_of, needs_proc
from tests.faults.probed import FORM, VARIABLE, Watch

LARGEST = 16 * 1024  # bytes of an error
LONGEST = 0.05  # seconds that the event loop may be held
TRIES = 8  # of which the best counts: the machine has other work
PATIENCE = 60.0


class Probed(Server):
    module = "tests.faults.probed"


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Watch]]:
    path: Path = tmp_path_factory.mktemp("watch") / "seconds"
    path.write_bytes(FORM.pack(0.0))
    server = Probed(**{VARIABLE: str(path)})
    try:
        server.wait_until_ready()
        yield server, Watch(path)
    finally:
        server.stop()


def asked(client: httpx.Client, nasty: Nasty) -> httpx.Response:
    return client.request(nasty.method, nasty.path, content=nasty.body, headers=nasty.headers)


@pytest.mark.parametrize("name", ALL)
def test_what_is_nasty_gets_a_small_answer_and_holds_the_loop_for_no_time(
    name: str, probed: tuple[Server, Watch]
) -> None:
    server, watch = probed
    nasty, held = ALL[name], []
    with httpx.Client(base_url=server.url, timeout=PATIENCE) as client:
        for _ in range(TRIES):
            watch.seconds = 0.0
            answer = asked(client, nasty)
            time.sleep(0.005)  # what it leaves behind is forgotten, which takes time too
            held.append(watch.seconds)
            if held[-1] < LONGEST:
                break
    assert answer.status_code in nasty.statuses, answer.text[:500]
    if answer.is_error:
        assert len(answer.content) <= LARGEST
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["detail"]
    assert min(held) < LONGEST


@needs_proc
def test_a_request_for_a_terabyte_costs_neither_time_nor_memory(running: Server) -> None:
    nasty = written(layers=[{"type": "dense", "shape": [500_000, 500_000]}])
    assert len(nasty.body) < 200
    with httpx.Client(base_url=running.url, timeout=PATIENCE) as client:
        assert asked(client, nasty).status_code == 422
        before, times = memory_of(running), []
        for _ in range(100):
            began = time.perf_counter()
            assert asked(client, nasty).json()["type"] == "/problems/too-large"
            times.append(time.perf_counter() - began)
    assert min(times) < 0.01
    assert memory_of(running) - before < MIB


@pytest.mark.parametrize(
    "sizes", [[2**63 - 1], [2**53 - 1] * 32, [2**31 - 1] * 8, [2**32, 2**32], [2**62, 4], [1] * 31 + [2**53 - 1]]
)
@pytest.mark.parametrize("path", ["/init", "/plan", "/init?include=statistics", "/init?format=npz", "/diagnose"])
def test_sizes_whose_product_overflows_are_refused(sizes: list[int], path: str, client: httpx.Client) -> None:
    answer = client.post(path, json={"layers": [{"type": "tensor", "shape": sizes}]})
    assert answer.status_code == 422 or path == "/plan"  # which has no bounds of its own
    assert len(answer.content) <= LARGEST


def test_an_error_does_not_grow_with_a_megabyte_of_mistakes(client: httpx.Client) -> None:
    body = json.dumps({"layers": [{"type": "d" * 40, "shape": [-1], "x": 1}] * 15_000}).encode()
    assert len(body) > MIB
    answer = client.post("/init", content=body, headers=JSON)
    assert answer.status_code == 422
    assert len(answer.content) <= LARGEST


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
@pytest.mark.parametrize("path", ["/init", "/plan", "/diagnose", "/train", "/specs"])
def test_a_body_beyond_the_bound_is_refused(path: str, declared: bool, running: Server) -> None:
    if path == "/specs":
        pytest.skip("a service without a store reads no spec to be kept")
    part = b" " * MIB
    body = part * 17 if declared else (part for _ in range(17))
    answer = httpx.post(f"{running.url}{path}", content=body, headers=JSON, timeout=PATIENCE)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")


@pytest.mark.parametrize("name", [name for name in HEADERS if "range" in name])
def test_ranges_are_read_in_time_that_grows_with_their_length(name: str, client: httpx.Client) -> None:
    nasty, times = HEADERS[name], []
    head = Nasty("HEAD", nasty.path, headers={})
    for _ in range(TRIES):
        bare = client.request(head.method, head.path)
        began = time.perf_counter()
        answer = asked(client, nasty)
        times.append(time.perf_counter() - began - bare.elapsed.total_seconds())
    assert answer.status_code in (200, 206, 416)
    if answer.status_code == 416:
        assert answer.headers["content-range"].startswith("bytes */")
        assert min(times) < 0.005


def test_what_is_nasty_leaves_no_memory_taken(running: Server) -> None:
    with httpx.Client(base_url=running.url, timeout=PATIENCE) as client:
        for name in ("millions of numbers", "a text of megabytes", "20,000 bad layers"):
            asked(client, BODIES[name])
    assert metrics_of(running)["in_flight_bytes"] == 0
