"""Clients that leave, that do not read, that send without end: nobody else's service suffers, on a real server."""

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.test_flow import MIB, SMALL, begin, counters, needs_proc, read, resident, spec, wait_until
from tests.api.test_protocol import GET, PATIENCE, POST, connected, ends, read_answer
from tests.conftest import Server, serving

JSON = {"content-type": "application/json"}
# Some twenty seconds of one thread, in steps of milliseconds and in steps that a machine does at once.
DEEP = {"layers": [{"type": "dense", "shape": [8, 8], "activation": "gelu"}] * 1024, "seed": 1, "batch": 1024}
WIDE = {"layers": [{"type": "dense", "shape": [4096, 4096], "activation": "gelu"}] * 3, "seed": 1, "batch": 160}
TRAINING = {
    "seed": 1, "task": "digits", "batch": 512, "steps": 2000,
    "layers": [{"type": "dense", "shape": [64, 256]}, {"type": "dense", "shape": [256, 10]}],
}  # fmt: skip
MATRIX = {"seed": 1, "layers": [{"type": "dense", "shape": [3000, 3000], "scheme": "orthogonal"}]}
NOBODY = 'answers_total{outcome="client-gone"}'


def post(server: Server, path: str, body: bytes, more: bytes = b"") -> socket.socket:
    """Send a request, and what follows it, and read nothing."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body + more)
    return connection


def processor_seconds(server: Server) -> float:
    """Return the processor time that the server has used."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def is_idle(server: Server) -> bool:
    found = counters(server)
    held = found["in_flight_bytes"], found["standing_in_flight_bytes"]
    waiting = found['waiting{line="heavy"}'], found['waiting{line="short"}']
    return not any((*held, *waiting))


HEAVY: dict[str, tuple[str, Any]] = {
    "a deep diagnosis": ("/diagnose", DEEP),
    "a wide diagnosis": ("/diagnose", WIDE),
    "a decomposition": ("/init?format=npz", MATRIX),
    "a training": ("/train", TRAINING),
    "a training as it goes": ("/train?format=events", TRAINING),
}


@needs_proc
@pytest.mark.parametrize("name", HEAVY)
def test_work_for_nobody_ends_while_it_runs(running: Server, name: str) -> None:
    path, document = HEAVY[name]
    wait_until(lambda: is_idle(running))
    before = counters(running)[NOBODY]
    with post(running, path, json.dumps(document).encode()):
        wait_until(lambda: counters(running)["in_flight_bytes"] > 0)
        time.sleep(0.3)
    left = time.monotonic()
    wait_until(lambda: is_idle(running))
    # A tenth of a second where the machine has nothing else to do.
    assert time.monotonic() - left < 3.0
    assert counters(running)[NOBODY] == before + 1
    used = processor_seconds(running)
    time.sleep(0.5)
    assert processor_seconds(running) - used < 0.3


@needs_proc
def test_work_for_nobody_does_not_wait_either(running: Server) -> None:
    body = json.dumps(DEEP).encode()
    for _ in range(200):
        post(running, "/diagnose", body).close()
    left = time.monotonic()
    wait_until(lambda: is_idle(running))
    assert time.monotonic() - left < 5.0
    used = processor_seconds(running)
    assert httpx.post(f"{running.url}/init", content=SMALL, headers=JSON).status_code == 200
    time.sleep(0.5)
    assert processor_seconds(running) - used < 0.3


def test_a_client_that_is_not_read_from_is_missed_when_it_leaves(running: Server) -> None:
    with post(running, "/diagnose", json.dumps(DEEP).encode(), GET * 2000):
        wait_until(lambda: counters(running)["in_flight_bytes"] > 0)
    wait_until(lambda: is_idle(running))


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    with serving(
        INITSERVE_MAX_BYTES_IN_FLIGHT=str(64 * MIB),
        INITSERVE_MAX_STANDING_BYTES=str(40 * MIB),
        INITSERVE_MAX_STANDING_BYTES_IN_FLIGHT=str(40 * MIB),
    ) as server:
        yield server


@pytest.fixture(scope="module")
def crowded() -> Iterator[Server]:
    with serving(INITSERVE_MAX_HEAVY_REQUESTS="5") as server:
        yield server


def test_lines_are_bounded_and_what_is_small_does_not_stand_in_them(crowded: Server) -> None:
    body = json.dumps(DEEP).encode()
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(post(crowded, "/diagnose", body))
        wait_until(lambda: counters(crowded)['waiting{line="heavy"}'] == 2)
        for path, document in (("/diagnose", DEEP), ("/train", TRAINING)):
            refused = httpx.post(f"{crowded.url}{path}", json=document, timeout=PATIENCE)
            assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-requests")
            assert refused.headers["retry-after"] == "1"
        for path in ("/init", "/plan", "/init?include=statistics"):
            assert httpx.post(f"{crowded.url}{path}", content=SMALL, headers=JSON, timeout=PATIENCE).status_code == 200
        assert httpx.get(f"{crowded.url}/livez").status_code == 200
        lines = httpx.get(f"{crowded.url}/readyz").json()["lines"]
        assert (lines["heavy"]["waiting"], lines["short"]["waiting"]) == (2, 0)
    wait_until(lambda: is_idle(crowded))
    ready = httpx.get(f"{crowded.url}/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")


def test_a_matrix_waits_for_no_diagnosis(crowded: Server) -> None:
    with post(crowded, "/diagnose", json.dumps(DEEP).encode()):
        wait_until(lambda: counters(crowded)["in_flight_bytes"] > 0)
        matrix = spec(300, 300, scheme="orthogonal")
        assert httpx.post(f"{crowded.url}/init", content=matrix, headers=JSON, timeout=PATIENCE).status_code == 200
    wait_until(lambda: is_idle(crowded))


def test_a_short_diagnosis_does_not_wait_for_the_end_of_a_long_one(running: Server) -> None:
    short = {"seed": 1, "layers": [{"type": "dense", "shape": [8, 8]}] * 3, "batch": 8}
    with post(running, "/diagnose", json.dumps(DEEP).encode()) as long:
        wait_until(lambda: counters(running)["in_flight_bytes"] > 0)
        time.sleep(0.2)
        for _ in range(3):
            answer = httpx.post(f"{running.url}/diagnose", json=short, timeout=PATIENCE)
            assert (answer.status_code, answer.json()["verdict"]) == (200, "normal")
        long.settimeout(0.01)
        with pytest.raises(TimeoutError):  # nothing has come of the long one
            long.recv(1)
    wait_until(lambda: is_idle(running))


@needs_proc
def test_a_diagnosis_that_rests_between_its_turns_ends_when_its_client_leaves(running: Server) -> None:
    body = json.dumps(DEEP).encode()
    with post(running, "/diagnose", body):
        before = counters(running)[NOBODY]
        for _ in range(4):
            with post(running, "/diagnose", body):
                wait_until(lambda: counters(running)['waiting{line="heavy"}'] == 1)
                time.sleep(0.15)  # both have begun
        wait_until(lambda: counters(running)[NOBODY] == before + 4)
        assert counters(running)['waiting{line="heavy"}'] == 0
    wait_until(lambda: is_idle(running))


def test_what_stands_in_memory_takes_nothing_from_the_rest(narrow: Server) -> None:
    matrix = spec(800, 800, scheme="orthogonal")  # 34 MiB of the 40 that may stand
    with begin(narrow, matrix) as unread:
        assert read(unread, 12) == b"HTTP/1.1 200"
        refused = httpx.post(f"{narrow.url}/init?format=npy", content=matrix, headers=JSON)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/busy")
        with begin(narrow) as large:
            assert read(large, 12) == b"HTTP/1.1 200"
        assert httpx.post(f"{narrow.url}/init", content=SMALL, headers=JSON).status_code == 200
    wait_until(lambda: is_idle(narrow))
    with begin(narrow, matrix) as again:
        assert read(again, 12) == b"HTTP/1.1 200"
    too_large = httpx.post(f"{narrow.url}/init", content=spec(900, 900, scheme="orthogonal"), headers=JSON)
    assert (too_large.status_code, too_large.json()["type"]) == (422, "/problems/too-large")


def test_large_answers_leave_room_for_small_ones(narrow: Server) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            if read(stack.enter_context(begin(narrow)), 12) != b"HTTP/1.1 200":
                break
        else:
            pytest.fail("twenty large answers at once")
        for _ in range(10):
            answer = httpx.post(f"{narrow.url}/init", content=spec(60, 60), headers=JSON, timeout=PATIENCE)
            assert answer.status_code == 200
    wait_until(lambda: is_idle(narrow))


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with serving(
        INITSERVE_SEND_TIMEOUT_SECONDS="1",
        INITSERVE_MIN_SEND_BYTES_PER_SECOND=str(200 * MIB),
        INITSERVE_KEEP_ALIVE_SECONDS="0.6",
        INITSERVE_HEADER_TIMEOUT_SECONDS="0.3",
    ) as server:
        yield server


def test_a_client_that_reads_too_slowly_is_cut_off_though_it_never_stops(strict: Server) -> None:
    with begin(strict) as slow:
        deadline = time.monotonic() + PATIENCE
        while counters(strict)['answers_total{outcome="stalled"}'] < 1:
            assert time.monotonic() < deadline
            assert read(slow, MIB)
            time.sleep(0.05)
        wait_until(lambda: is_idle(strict))


@needs_proc
def test_small_answers_that_nobody_reads_are_given_up(strict: Server) -> None:
    def sockets() -> int:
        found = 0
        for descriptor in Path(f"/proc/{strict.process.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                found += str(descriptor.readlink()).startswith("socket:")
        return found

    time.sleep(1.0)  # what other tests left is closed
    before = sockets()
    with connected(strict) as connection:
        connection.settimeout(0.2)
        try:
            for _ in range(1000):
                connection.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 10)
        except (TimeoutError, ConnectionError):
            pass
        wait_until(lambda: sockets() <= before)


def test_a_head_that_does_not_come_is_not_waited_for(strict: Server) -> None:
    with connected(strict) as silent, connected(strict) as slow:
        slow.sendall(b"GET /livez HTTP/1.1\r\n")
        status, _, body = read_answer(slow)
        assert (status, json.loads(body)["type"]) == (408, "/problems/request-timeout")
        assert ends(slow)
        assert ends(silent)
    with connected(strict) as drip:  # a byte now and then does not help
        drip.settimeout(0.05)
        for _ in range(200):
            try:
                drip.sendall(b"G")
                if drip.recv(1):
                    break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        else:
            pytest.fail("it is waited for")
    with connected(strict) as kept:
        for _ in range(2):
            kept.sendall(GET)
            assert read_answer(kept)[0] == 200
        assert ends(kept)


@needs_proc
def test_requests_that_are_sent_ahead_wait_with_their_sender(running: Server) -> None:
    server = running
    with connected(server) as connection:
        httpx.get(f"{server.url}/livez")
        before = resident(server, "VmRSS")
        connection.settimeout(0.5)
        sent = 0
        try:
            while sent < 40 * MIB:
                sent += connection.send(GET * 4096)
        except TimeoutError:
            pass
        start = time.monotonic()
        assert httpx.get(f"{server.url}/livez", timeout=PATIENCE).status_code == 200
        assert time.monotonic() - start < 2.0
        assert resident(server, "VmRSS") - before < 48 * MIB


@pytest.mark.parametrize("head", [b"content-length: 4294967296\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n"])
def test_after_a_refusal_the_rest_of_the_body_is_not_swallowed(running: Server, head: bytes) -> None:
    with connected(running) as connection:
        connection.sendall(b"POST /init HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" + head)
        chunk = b" " * 2**16 if b"length" in head else b"10000\r\n" + b" " * 2**16 + b"\r\n"
        sent = 0
        try:
            while sent < 64 * MIB:
                sent += connection.send(chunk)
        except ConnectionError:
            pass
        assert sent < 32 * MIB
    with connected(running) as patient:  # who stops sending sees why
        patient.sendall(b"POST /init HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n" + head)
        patient.sendall(chunk if b"chunked" in head else b" ")
        for _ in range(0 if b"length" in head else 258):
            patient.sendall(chunk)
        status, headers, _ = read_answer(patient)
        assert (status, headers["connection"]) == (413, "close")
        assert ends(patient)


def test_connections_without_end_shut_nobody_out_and_the_log_tells() -> None:
    server = Server()
    # As `ulimit -n` would: the interpreter takes longer to start than this.
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (80, 80))
    try:
        server.wait_until_ready()
        with ExitStack() as stack:
            silent = [stack.enter_context(connected(server)) for _ in range(100)]
            for _ in range(5):
                assert httpx.get(f"{server.url}/livez", timeout=PATIENCE).status_code == 200
            assert ends(silent[0])
            silent[-1].sendall(GET)
            assert read_answer(silent[-1])[0] == 200
        with ExitStack() as stack:  # those that begin a request and leave it at that are as idle
            for _ in range(40):
                stack.enter_context(connected(server)).sendall(POST + b"content-length: 9\r\n\r\n{")
            for _ in range(5):
                assert httpx.get(f"{server.url}/livez", timeout=PATIENCE).status_code == 200
        with ExitStack() as stack:  # where none is idle, a new one is told to come back
            for _ in range(16):
                stack.enter_context(begin(server))
            wait_until(lambda: refused(server))
    finally:
        log = server.stop()
    assert "at most 16 connections at once, not 4096: only 80 files may be open" in log
    assert log.count("all 16 connections are in use") == 1


def refused(server: Server) -> bool:
    with connected(server) as one:
        one.settimeout(0.5)
        try:
            status, headers, body = read_answer(one)
        except TimeoutError:  # let in, at another's cost
            return False
        assert (status, json.loads(body)["type"]) == (503, "/problems/busy")
        return headers["retry-after"] == "1"
