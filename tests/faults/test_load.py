"""More than can be done, and very much of it: what can be is done, the rest asked to come back, and nothing stays."""

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from statistics import median

import pytest

from tests.conftest import Server, serving
from tests.faults.asking import Answered, Line, allow_files, ask, client, request, share
from tests.faults.nasty import TENSOR, address
from tests.faults.observed import (
    MIB,
    files_of,
    memory_of,
    metrics_of,
    needs_proc,
    processor_seconds_of,
    threads_of,
    wait_until,
)

CLIENTS = 40  # so that none of them is one who asks too much
# Some forty milliseconds of a processor each: statistics of four million values.
DEAR = request(
    "POST",
    "/init?include=statistics",
    json.dumps({"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [2048, 2048]}]}).encode(),
    {"connection": "close"},
)
TIMES = 4
OVERLOADED, MEASURED = 10.0, 4.0  # seconds
ROUNDS = 8  # in turns, since other work on this machine comes and goes


async def peak(port: int, seconds: float) -> float:
    """Return how many answers a second come at the most: eight clients ask, each as soon as it is answered."""
    until, count = time.monotonic() + seconds, 0

    async def go_on(number: int) -> None:
        nonlocal count
        while time.monotonic() < until:
            answer = await ask(port, DEAR, client(number))
            count += answer.status == 200

    began = time.monotonic()
    await asyncio.gather(*map(go_on, range(8)))
    return count / (time.monotonic() - began)


@asynccontextmanager
async def probing(port: int, times: list[float], statuses: Counter[int]) -> AsyncIterator[None]:
    """Ask for /livez ten times a second meanwhile, on one connection as a probe does."""

    async def probe() -> None:
        line = await Line.to(port, client(200))
        try:
            while True:
                found = await line.ask(request("GET", "/livez"))
                times.append(found.seconds)
                statuses[found.status] += 1
                await asyncio.sleep(0.1)
        finally:
            await line.close()

    probe_task = asyncio.create_task(probe())
    try:
        yield
    finally:
        probe_task.cancel()
        with suppress(asyncio.CancelledError):
            await probe_task


async def overload(port: int, rate: float, seconds: float) -> list[Answered]:
    """Return the answers to so many requests a second, sent whether the ones before are answered or not."""
    tasks: list[asyncio.Task[Answered]] = []
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        while len(tasks) < rate * passed:
            tasks.append(asyncio.create_task(ask(port, DEAR, client(len(tasks) % CLIENTS))))
        await asyncio.sleep(0.005)
    return [found for found in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(found, Answered)]


@pytest.mark.long
@pytest.mark.alone
@needs_proc
def test_four_times_what_can_be_done_for_two_minutes() -> None:
    allow_files(4000)
    livez: list[float] = []
    probed: Counter[int] = Counter()
    peaks: list[float] = []
    shares: list[float] = []  # of the peak before, by round
    thrift: list[float] = []  # how much of the processor's time is the answers' own, by round
    answers: list[Answered] = []
    memory: list[int] = []

    async def rounds(server: Server) -> None:
        await peak(server.port, MEASURED)  # what is done for the first time
        async with probing(server.port, livez, probed):
            for _ in range(ROUNDS):
                began, used = time.monotonic(), processor_seconds_of(server)
                peaks.append(await peak(server.port, MEASURED))
                each = (processor_seconds_of(server) - used) / (peaks[-1] * (time.monotonic() - began))
                began, used = time.monotonic(), processor_seconds_of(server)
                found = await overload(server.port, TIMES * max(peaks), OVERLOADED)
                count = sum(answer.status == 200 for answer in found)
                shares.append(count / (time.monotonic() - began) / peaks[-1])
                thrift.append(count * each / (processor_seconds_of(server) - used))
                answers.extend(found)
                memory.append(memory_of(server))

    with serving(INITSERVE_MAX_BYTES_IN_FLIGHT=str(128 * MIB)) as server:
        asyncio.run(rounds(server))
        wait_until(lambda: metrics_of(server)["in_flight_bytes"] == 0)
        left = metrics_of(server)
    found = Counter(answer.status for answer in answers)
    goodput = median(shares)
    told = f"{median(peaks):.1f} a second at the peak; {found}, goodput {goodput:.2f} of it, "
    told += f"{median(thrift):.2f} of the processor's time; /livez within "
    told += f"{1000 * share(livez, 0.5):.1f} ms, {1000 * share(livez, 0.99):.0f} ms at the 99th percentile; memory "
    told += f"{memory[0] // MIB} to {memory[-1] // MIB} MiB"
    logging.getLogger(__name__).warning(told)
    assert found.keys() <= {200, 429, 503}, told  # all that there is, or all that one client may have, is taken
    assert found[429] + found[503] > found[200] / 2, told
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status != 200)
    # Wished for is 0.9. Alone on two processors it is 0.59, and 0.72 of the processor's time (docs/reliability.md);
    # beside other work, which makes the peak lower, up to 0.86.
    assert goodput >= 0.45, told
    assert median(thrift) >= 0.6, told
    assert probed.keys() == {200}, told
    assert share(livez, 0.9) < 0.1, told
    assert memory[-1] - memory[2] < 32 * MIB, told
    assert not any(value for name, value in left.items() if name.startswith("waiting"))


LAYER = {"name": "w", "type": "dense", "shape": [8, 4], "activation": "relu"}
FILE = f"/weights/{address(TENSOR)}"
MIXED: list[bytes] = [
    request("GET", "/livez"),
    request("POST", "/init", json.dumps({"seed": 1, "layers": [LAYER]}).encode()),
    request("POST", "/init?format=npz", json.dumps({"seed": 2, "layers": [LAYER] * 3}).encode()),
    request("POST", "/init?include=statistics", json.dumps({"seed": 3, "layers": [LAYER]}).encode()),
    request("POST", "/init", json.dumps({"layers": [LAYER]}).encode()),  # of another seed each time
    request("POST", "/plan", json.dumps({"seed": 4, "layers": [{**LAYER, "name": "v"}]}).encode()),
    request("GET", f"{FILE}.npz", headers={"range": "bytes=1000-1999"}),
    request("GET", f"{FILE}.safetensors", headers={"range": "bytes=0-9,20-29,-5"}),
    request("HEAD", f"{FILE}.npz"),
    request("GET", f"{FILE}/a/value.npy?slice=0:3,::7"),
    request("GET", f"{FILE}/b.npy"),
    request("GET", "/schemes/he_normal"),
    request("GET", "/readyz"),
    request("GET", "/nothing"),
    request("DELETE", "/init"),
    request("POST", "/init", b"{"),
    request("POST", "/init", json.dumps({"layers": [{"type": "dens", "shape": [1]}]}).encode()),
    request("POST", "/init", json.dumps({"layers": [{"type": "dense", "shape": [10**6, 10**6]}]}).encode()),
    request("POST", "/verify", b"\x93NUMPY\1\0"),
]
LINES = 8


async def mixed(port: int, count: int, ending: Callable[[int], Awaitable[None]]) -> Counter[int]:
    """Send so many requests on a few connections; `ending` is told after each tenth of them."""
    statuses: Counter[int] = Counter()

    async def go_on(number: int, most: int) -> None:
        line = await Line.to(port, client(number))
        for index in range(most):
            answer = await line.ask(MIXED[(index * LINES + number) % len(MIXED)])
            statuses[answer.status] += 1
            if answer.headers.get("connection") == "close":
                await line.close()
                line = await Line.to(port, client(number))
        await line.close()

    for tenth in range(10):
        await asyncio.gather(*(go_on(number, count // (10 * LINES)) for number in range(LINES)))
        await ending(tenth)
    return statuses


def mixed_and_measured(server: Server, count: int) -> None:
    """Hold that so many requests leave no memory, file, thread or budget taken, after the first three tenths."""
    memory: list[int] = []

    async def measure(_: int) -> None:
        await asyncio.sleep(0.2)
        memory.append(memory_of(server))

    before = files_of(server)
    statuses = asyncio.run(mixed(server.port, count, measure))
    told = f"{sum(statuses.values())} requests: {statuses}; memory {[each / MIB for each in memory]} MiB"
    assert sum(statuses.values()) >= count * 0.99
    assert not any(status >= 500 for status in statuses), told
    assert {200, 206, 404, 405, 400, 422} <= statuses.keys(), told
    assert memory[-1] - memory[2] < 8 * MIB, told
    wait_until(lambda: metrics_of(server)["in_flight_bytes"] == 0)
    wait_until(lambda: files_of(server) <= before + 2)
    assert threads_of(server) < 40


@needs_proc
def test_some_thousand_mixed_requests_leave_nothing_behind(running: Server) -> None:
    mixed_and_measured(running, 4000)


@pytest.mark.long
@needs_proc
def test_a_hundred_thousand_mixed_requests_leave_nothing_behind() -> None:
    with serving() as server:
        mixed_and_measured(server, 100_000)
