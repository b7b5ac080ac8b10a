"""One client asks for the dearest that is allowed, on 50 connections without pause: another goes on as if it were not.

Figures that the service promises: a small /init of another client within 100 ms in 99 of 100 cases, and a third of
what large streams are sent, at the least. Each is measured three times at the most, since a test shares its machine.
"""

import time

import pytest

from tests.api.test_clients import DEEP, MATRIX, TRAINING, WIDE
from tests.conftest import Server
from tests.faults.conftest import Served
from tests.faults.crowd import bytes_in, crowd, message, seconds_of

SMALL = message("/init", {"seed": 42, "layers": [{"type": "tensor", "shape": [10], "scheme": "zeros"}]})
STREAM = message(
    "/init?format=safetensors",
    {"seed": 1, "layers": [{"type": "tensor", "shape": [2**17, 2**14], "scheme": "glorot_uniform"}]},
)
LAYERS = [{"name": f"l{number}", "type": "dense", "shape": [8, 8 + number % 50]} for number in range(20_000)]
DEAREST: dict[str, list[bytes]] = {
    "deep diagnoses": [message("/diagnose", DEEP)],
    "wide diagnoses": [message("/diagnose", WIDE)],
    "trainings": [message("/train?format=events", TRAINING)],
    "decompositions": [message("/init?format=npz", MATRIX)],
    "plans of many layers": [message("/plan", {"seed": 1, "layers": LAYERS})],
    "large streams": [STREAM],
    "small requests": [SMALL],
}
DEAREST["all of these"] = [each[0] for each in DEAREST.values()]
ONE_IN_A_HUNDRED = 0.1  # seconds
A_THIRD = 1 / 3
ROUNDS, SETTLE = 3, 1.0
COUNT, PAUSE = 200, 0.005


def late(seconds: list[float]) -> float:
    """Return what one in a hundred takes longer than."""
    return sorted(seconds)[int(0.99 * len(seconds))]


@pytest.fixture(scope="module")
def shared(served: Served) -> Server:
    return served()


@pytest.mark.parametrize("name", ["all of these"])
def test_small_requests_are_answered_within_100_ms_whatever_another_client_asks(shared: Server, name: str) -> None:
    in_time(shared, name)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize("name", [each for each in DEAREST if each != "all of these"])
def test_no_kind_of_work_keeps_small_requests_of_another_client_waiting(shared: Server, name: str) -> None:
    in_time(shared, name)


def in_time(server: Server, name: str) -> None:
    alone = late(seconds_of(server, SMALL, COUNT, PAUSE))
    found = []
    for _ in range(ROUNDS):
        with crowd(server, DEAREST[name], seconds=120.0):
            time.sleep(SETTLE)
            found.append(late(seconds_of(server, SMALL, COUNT, PAUSE)))
        if found[-1] < ONE_IN_A_HUNDRED:
            break
        alone = max(alone, late(seconds_of(server, SMALL, COUNT, PAUSE)))  # what runs beside comes and goes
    # On a machine that is busy with something else too, a request takes longer though nobody else asks.
    assert min(found) < max(ONE_IN_A_HUNDRED, 4 * alone), (found, alone)


def test_one_stream_gets_a_third_beside_fifty_of_another_client(shared: Server) -> None:
    found = []
    for _ in range(ROUNDS):
        with crowd(shared, [STREAM], seconds=3.0) as others:
            own = bytes_in(shared, STREAM, 3.0)
            taken = others.taken()
        found.append(own / (own + taken))
        if found[-1] >= A_THIRD:
            break
    assert max(found) >= A_THIRD, found


@pytest.mark.long
@pytest.mark.alone
def test_one_stream_gets_a_third_of_what_it_has_alone_beside_the_dearest_of_another_client(shared: Server) -> None:
    found = []
    for _ in range(ROUNDS):
        alone = bytes_in(shared, STREAM, 3.0)
        with crowd(shared, DEAREST["all of these"], seconds=30.0):
            time.sleep(SETTLE)
            found.append(bytes_in(shared, STREAM, 3.0) / alone)
        if found[-1] >= A_THIRD:
            break
    assert max(found) >= A_THIRD, found
