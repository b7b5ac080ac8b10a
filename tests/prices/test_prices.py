"""Prices are proportional to the processor time that work takes, of all kinds, ordinary and dearest."""

import gc
import json
import time
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import pytest

from service import prices
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.threads import keep_to_one_thread
from service.analysis.trainable import TrainRequest
from service.analysis.training import train
from service.api.parsing import parse_document, parse_spec
from service.formats import FORMATS, Include
from service.formats.description import encode_plan

SPREAD = 5.0  # how far a kind of work may be from the middle of all, on whatever machine
TIMES = 3  # of which the least counts: a machine that does something else is slower, never faster
MACHINE = 12.0  # how much slower or faster than the processor of the prices a machine may be that runs tests


class Work(NamedTuple):
    price: float
    do: Callable[[], object]


def body(layers: list[dict[str, Any]], **more: Any) -> bytes:
    return json.dumps({"seed": 1, "layers": layers, **more}).encode()


def dense(inputs: int, outputs: int, **more: Any) -> dict[str, Any]:
    return {"type": "dense", "shape": [inputs, outputs], **more}


def tensor(*shape: int, scheme: str) -> dict[str, Any]:
    return {"type": "tensor", "shape": list(shape), "scheme": scheme}


def reading(text: bytes) -> Work:
    return Work(prices.reading(text), lambda: parse_spec(text))


def planning(text: bytes) -> Work:
    spec = parse_spec(text)
    return Work(prices.planning(spec), lambda: spec.plan().cost)


def describing(text: bytes) -> Work:
    plan = parse_spec(text).plan()
    _ = plan.cost, plan.address
    return Work(prices.describing(len(plan.parameters)), lambda: encode_plan(plan, 2**30, {}))


def drawing(text: bytes, format: str = "npz", **include: bool) -> Work:
    payload = FORMATS[format].encode(parse_spec(text).plan(), Include(**include))

    def draw() -> None:
        for _ in payload.chunks():
            pass

    return Work(prices.drawing(payload.cost()), draw)


def diagnosing(text: bytes) -> Work:
    """Of networks that start well, which have no remedies."""
    diagnosis = Diagnosis(parse_document(text, DiagnoseRequest), 2**36)
    return Work(prices.diagnosing(diagnosis), diagnosis.answer)


def training(**asked: Any) -> Work:
    request = TrainRequest.model_validate({"seed": 1, **asked})
    return Work(prices.training(request), lambda: list(train(request)))


TORCH = {"algorithm": "torch-cpu/1", "layout": "pytorch", "fans": "pytorch", "exact": False}
STACKED = [{"type": "lstm", "shape": [1 + n, 1], "num_layers": 64, "bidirectional": True} for n in range(8)]
WORK: dict[str, Callable[[], Work]] = {
    "reading many layers": lambda: reading(body([dense(1, 1, scheme="he_normal")] * 20_000)),
    "planning layers that are alike": lambda: planning(body([dense(1, 1)] * 20_000)),
    "planning layers that differ": lambda: planning(body([dense(1 + n, 1) for n in range(3_000)])),
    "planning stacked layers": lambda: planning(body(STACKED)),
    "planning them in a framework's stream": lambda: planning(body(STACKED, **TORCH)),
    "planning with rules": lambda: planning(
        body([dense(1, 1)] * 5_000, rules=[{"match": f"*{n}*x*", "scheme": "zeros"} for n in range(40)])
    ),
    "telling of many arrays": lambda: describing(body([dense(1 + n % 50, 1) for n in range(5_000)])),
    "drawing two large arrays": lambda: drawing(body([dense(4096, 4096)] * 2)),
    "drawing many small arrays": lambda: drawing(body([dense(1, 1)] * 5_000)),
    "drawing statistics": lambda: drawing(body([dense(2048, 2048)] * 4), "json", weights=False, statistics=True),
    "a large decomposition": lambda: drawing(body([tensor(1500, 1500, scheme="orthogonal")])),
    "many small decompositions": lambda: drawing(body([tensor(32, 32, scheme="orthogonal")] * 1024)),
    "torch's decompositions": lambda: drawing(body([dense(64, 64, scheme="orthogonal")] * 400, **TORCH)),
    "hippo matrices": lambda: drawing(body([tensor(n, n, scheme="hippo") for n in range(100, 356)])),
    "a reservoir": lambda: drawing(body([tensor(500, 500, scheme="reservoir")])),
    "sparse columns": lambda: drawing(body([tensor(2048, 2048, scheme="sparse")])),
    "a table of sines": lambda: drawing(body([tensor(2**14, 256, scheme="sinusoidal")])),
    "steps of state spaces": lambda: drawing(body([tensor(2**21, scheme="step_bias")])),
    "a diagnosis": lambda: diagnosing(body([dense(64, 64, activation="relu")] * 20)),
    "a diagnosis of many tiny layers": lambda: diagnosing(body([dense(32, 32, activation="relu")] * 40, batch=8)),
    "a diagnosis of wide layers": lambda: diagnosing(body([dense(2048, 2048, activation="relu")] * 3, batch=256)),
    "first steps": lambda: diagnosing(body([dense(8, 8)] * 60, batch=8, steps=20, optimizer="adam")),
    "a family": lambda: diagnosing(
        body([dense(16, 64), *[dense(64, 64)] * 20, dense(64, 10)], across={"width": [32, 64, 128]})
    ),
    "a forecast": lambda: diagnosing(body([dense(8, 8, activation="relu")] * 200, forecast_only=True)),
    "a training": lambda: training(task="digits", steps=200, layers=[dense(64, 256), dense(256, 10)]),
    "a training of many small steps": lambda: training(
        task="moons", steps=1000, batch=1, layers=[dense(2, 4), *[dense(4, 4)] * 8, dense(4, 2)]
    ),
}


def seconds(do: Callable[[], object]) -> float:
    """Return what work takes of the processor, without what others leave to the collector."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        do()
        return time.process_time() - began
    finally:
        gc.enable()


@pytest.mark.long
@pytest.mark.alone
def test_work_of_every_kind_takes_in_proportion_to_its_price() -> None:
    keep_to_one_thread()
    found = {}
    for name, of in WORK.items():
        of().do()  # compiled, or loaded
        works = [of() for _ in range(TIMES)]  # each anew: what was found out once is kept
        found[name] = min(seconds(work.do) for work in works) / works[0].price
    middle = median(found.values())
    assert 1 / MACHINE < middle < MACHINE
    far = {name: ratio / middle for name, ratio in found.items() if not 1 / SPREAD < ratio / middle < SPREAD}
    assert not far
