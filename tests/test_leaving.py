"""Nobody waits any more: work of every kind ends within 100 ms of processor time, wherever it is."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.trainable import TrainRequest
from service.analysis.training import train
from service.api.parsing import parse_document, parse_spec
from service.formats import FORMATS, Include
from service.formats.description import encode_plan
from service.networks.plan import Plan
from service.stopping import Stop, Stopped, check, stoppable

ENOUGH = 0.1  # seconds of the thread's own time
TRIES = 3  # of which the best counts: what else the machine does costs a thread time of its own, too
PATIENCE = 60.0
MANY = 20_000


def body(layers: list[dict[str, Any]], **more: Any) -> bytes:
    return json.dumps({"seed": 1, "layers": layers, **more}).encode()


def dense(inputs: int, outputs: int, **more: Any) -> dict[str, Any]:
    return {"type": "dense", "shape": [inputs, outputs], **more}


def planned(text: bytes) -> Plan:
    return parse_spec(text).plan()


def drawn(text: bytes, format: str = "npz", **include: bool) -> Callable[[], object]:
    plan = planned(text)

    def draw() -> None:
        for piece in FORMATS[format].encode(plan, Include(**include)).pieces():
            check()  # as the workers do between two pieces
            piece.make()()

    return draw


def told(plan: Plan) -> Callable[[], object]:
    return lambda: encode_plan(plan, 2**20, {})


def diagnosed(text: bytes) -> Callable[[], object]:
    asked = parse_document(text, DiagnoseRequest)
    return lambda: Diagnosis(asked, 2**36).answer()


def differing(count: int) -> bytes:
    return body([dense(1 + number, 1) for number in range(count)])


ALIKE = body([dense(1, 1)] * MANY)
STACKED = body([{"type": "lstm", "shape": [1 + n, 1], "num_layers": 64, "bidirectional": True} for n in range(40)])
TORCH = {"algorithm": "torch-cpu/1", "layout": "pytorch", "fans": "pytorch", "exact": False}
DEEP = [dense(8, 8, activation="gelu")] * 1024
TRAINING = {"seed": 1, "task": "digits", "batch": 0, "steps": 2000, "layers": [dense(64, 256), dense(256, 10)]}
WORK: dict[str, Callable[[], Callable[[], object]]] = {
    "planning layers that are alike": lambda: parse_spec(ALIKE).plan,
    "planning layers that differ": lambda: parse_spec(differing(MANY)).plan,
    "planning stacked layers": lambda: parse_spec(STACKED).plan,
    "planning them in a framework's stream": lambda: parse_spec(json.dumps(json.loads(STACKED) | TORCH).encode()).plan,
    "matching rules": lambda: (
        parse_spec(body([dense(1, 1)] * MANY, rules=[{"match": f"*{n}*x*", "scheme": "zeros"} for n in range(20)])).plan
    ),
    "telling of a plan": lambda: told(planned(differing(MANY))),
    "a diagnosis": lambda: diagnosed(body(DEEP, batch=8)),
    "a diagnosis of wide layers": lambda: diagnosed(body([dense(4096, 4096, activation="gelu")] * 3, batch=512)),
    "a forecast": lambda: diagnosed(body(DEEP, forecast_only=True)),
    "gains by measurement": lambda: diagnosed(body(DEEP, batch=8, tune="lsuv")),
    "first steps": lambda: diagnosed(body(DEEP, batch=8, steps=3, optimizer="adam")),
    "a family": lambda: diagnosed(
        body([dense(16, 64), *[dense(64, 64)] * 60, dense(64, 10)], across={"width": [64, 512]})
    ),
    "distributions": lambda: diagnosed(body(DEEP, batch=8, distributions=True)),
    "a training": lambda: lambda: list(train(TrainRequest.model_validate(TRAINING))),
    "statistics": lambda: drawn(ALIKE, "json", weights=True, statistics=True),
    "a hippo matrix": lambda: drawn(body([{"type": "tensor", "shape": [4096, 4096], "scheme": "hippo"}])),
    "hippo matrices": lambda: drawn(body([{"type": "tensor", "shape": [256, 256], "scheme": "hippo"}] * 1024)),
    "a step bias": lambda: drawn(body([{"type": "tensor", "shape": [2**23], "scheme": "step_bias"}])),
    "an npz file of many": lambda: drawn(ALIKE),
    "a safetensors file of many": lambda: drawn(ALIKE, "safetensors"),
    "many in JSON": lambda: drawn(ALIKE, "json"),
}


def time_to_leave(work: Callable[[], object], after: float) -> float | None:
    """Return the processor seconds that a thread goes on for once it was told; None where it was done before."""
    stop, begun = Stop(), threading.Event()
    clocks: list[int] = []
    ended: list[float] = []

    def run() -> None:
        clocks.append(time.pthread_getcpuclockid(threading.get_ident()))
        begun.set()
        with suppress(Stopped), stoppable(stop):
            work()
            return
        ended.append(time.thread_time())

    thread = threading.Thread(target=run)
    thread.start()
    begun.wait()
    time.sleep(after)
    try:
        told = time.clock_gettime(clocks[0])
    except OSError:  # the thread is gone
        return None
    stop.ask()
    thread.join(PATIENCE)
    return ended[0] - told if ended else None


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize("name", WORK)
def test_work_for_nobody_costs_nothing_more_after_a_tenth_of_a_second(name: str) -> None:
    for after in (0.02, 0.4):
        work = WORK[name]()
        found = [one for _ in range(TRIES) if (one := time_to_leave(work, after)) is not None]
        assert not found or min(found) < ENOUGH
        if after == 0.02:
            assert found, "it was done before it could be told: a larger one would show more"
