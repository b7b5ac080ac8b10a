"""Connections that are idle, half open, never read or hung up, by the dozen and the thousand: others are served."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest

from service.api.admission import STREAM
from service.pipeline import AHEAD
from tests.api.test_flow import HUGE, KERNEL, SMALL, begin, read
from tests.conftest import Server, serving
from tests.faults.asking import allow_files, share
from tests.faults.observed import (
    MIB,
    files_of,
    memory_of,
    metrics_of,
    needs_proc,
    seconds_to_answer,
    threads_of,
    wait_until,
)

CROWD = 1000
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def hasty() -> Iterator[Server]:
    """A server that waits for nobody for long."""
    seconds = {
        "INITSERVE_HEADER_TIMEOUT_SECONDS": "4",
        "INITSERVE_BODY_TIMEOUT_SECONDS": "4",
        "INITSERVE_KEEP_ALIVE_SECONDS": "5",
        "INITSERVE_SEND_TIMEOUT_SECONDS": "4",
    }
    with serving(**seconds) as server:
        yield server


BEGUN = [
    b"",
    b"GET /livez HTTP/1.1\r\nhost: x\r\nx-half: ",
    b"POST /init HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
    b"POST /init HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{",
]


@needs_proc
def test_a_thousand_idle_and_half_open_connections_keep_nobody_waiting_and_are_closed(hasty: Server) -> None:
    allow_files(CROWD + 200)
    with httpx.Client(base_url=hasty.url, timeout=20.0) as client:
        seconds_to_answer(client)
        time.sleep(0.1)
        before, memory = files_of(hasty), memory_of(hasty)
        with ExitStack() as stack:
            for number in range(CROWD):
                idle = stack.enter_context(socket.create_connection(("127.0.0.1", hasty.port), timeout=20.0))
                idle.sendall(BEGUN[number % len(BEGUN)])
                if number % 10 == 0:
                    idle.shutdown(socket.SHUT_WR)  # half closed as well
            times = [seconds_to_answer(client) for _ in range(50)]
            assert memory_of(hasty) - memory < 64 * MIB
            wait_until(lambda: files_of(hasty) <= before + 5, seconds=30.0)
        assert share(times, 0.5) < 0.1
        assert seconds_to_answer(client) < 5.0


@needs_proc
def test_fifty_clients_that_never_read_are_cut_off_and_cost_others_little(hasty: Server) -> None:
    readers = 50
    with httpx.Client(base_url=hasty.url, timeout=20.0) as client:

        def small() -> float:
            began = time.perf_counter()
            assert client.post("/init", content=SMALL, headers=JSON).status_code == 200
            return time.perf_counter() - began

        alone = [small() for _ in range(100)]
        stalled, memory = metrics_of(hasty)['answers_total{outcome="stalled"}'], memory_of(hasty)
        with ExitStack() as stack:
            for _ in range(readers):
                stack.enter_context(begin(hasty))
            time.sleep(1.0)  # the kernel has taken what it takes
            beside = [small() for _ in range(100)]
            most = memory_of(hasty) - memory
            wait_until(lambda: metrics_of(hasty)['answers_total{outcome="stalled"}'] == stalled + readers, seconds=30.0)
        wait_until(lambda: metrics_of(hasty)["in_flight_bytes"] == 0)
    assert most < readers * STREAM
    assert share(beside, 0.5) < max(2 * share(alone, 0.5), 0.02)


@needs_proc
def test_a_hundred_hang_ups_in_mid_stream_leave_nothing_behind(running: Server) -> None:
    gone, times = 'answers_total{outcome="client-gone"}', 100
    with begin(running) as first:
        read(first, MIB)
    wait_until(lambda: metrics_of(running)["in_flight_bytes"] == 0)
    before, files, threads = metrics_of(running), files_of(running), threads_of(running)
    drawn = sum(value for name, value in before.items() if name.startswith("drawn_bytes_total"))
    for number in range(times):
        connection = begin(running, HUGE, "format=npy" if number % 2 else "format=safetensors")
        read(connection, 2 * MIB)
        connection.close()
    wait_until(lambda: metrics_of(running)["in_flight_bytes"] == 0)
    after = metrics_of(running)
    assert after[gone] - before[gone] == times
    drawn = sum(value for name, value in after.items() if name.startswith("drawn_bytes_total")) - drawn
    assert drawn <= times * (2 * MIB + KERNEL + 2 * AHEAD)
    wait_until(lambda: files_of(running) <= files + 1)
    assert threads_of(running) <= threads


@needs_proc
def test_small_answers_that_nobody_fetches_leave_no_memory_taken(running: Server) -> None:
    with httpx.Client(base_url=running.url, timeout=20.0) as client:
        seconds_to_answer(client)
    before = files_of(running)
    for _ in range(300):
        with begin(running, SMALL, "include=statistics"), suppress(OSError):
            pass  # it is closed at once
    wait_until(lambda: metrics_of(running)["in_flight_bytes"] == 0)
    wait_until(lambda: files_of(running) <= before + 1)
