"""A verdict is a promise about training: what /diagnose says of a spec, /train finds.

Normal learns within the steps given; dead does not learn, and the layer named never changes; symmetric units are as
alike after training as before; low-gradient and steep do not learn. Each row is near no limit: it was the same for
several seeds. Training is plain gradient descent at the rate that is /train's default, 0.1.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest

from service.analysis.descent import DenseStack, started
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable import TrainRequest
from service.analysis.training import Run

Layers = list[dict[str, Any]]
FIVE = {"name": "constant", "value": 5.0}
SMALL, LARGE = "small_normal", {"name": "random_normal", "mean": 0.0, "stddev": 1.0}
RANDOM: dict[str, Any] = {"bias": LARGE}


def normal(stddev: float) -> dict[str, Any]:
    return {"name": "random_normal", "mean": 0.0, "stddev": stddev}


def stack(task: TaskName, depth: int, activation: str, scheme: Any = None, width: int = 16, **more: Any) -> Layers:
    """Return a stack for a task; `more` is of every layer."""
    sizes = [TASKS[task].features, *[width] * (depth - 1), TASKS[task].outputs]
    layers = [{"type": "dense", "shape": [a, b], "activation": activation, **more} for a, b in pairwise(sizes)]
    layers[-1]["activation"] = "softmax" if TASKS[task].classes else "linear"
    return layers if scheme is None else [layer | {"scheme": scheme} for layer in layers]


def but(layers: Layers, index: int, **changes: Any) -> Layers:
    """Return a stack with one layer changed."""
    return [layer | changes if place == index % len(layers) else layer for place, layer in enumerate(layers)]


def deep(depth: int, activation: str, scheme: Any = None, **more: Any) -> Layers:
    return stack("digits", depth, activation, scheme, 64, **more)


class Row(NamedTuple):
    name: str
    verdict: str
    task: TaskName
    layers: Layers
    steps: int = 400


QUICK = [
    # The notes' convex case: one layer learns from every start.
    Row("one layer, zeros", "normal", "moons", stack("moons", 1, "tanh", "zeros")),
    Row("one layer, five", "normal", "moons", stack("moons", 1, "tanh", FIVE)),
    Row("one layer, drawn", "normal", "moons", stack("moons", 1, "tanh")),
    Row("regression from zeros", "normal", "quadratic", stack("quadratic", 1, "tanh", "zeros")),
    Row("regression from five", "normal", "quadratic", stack("quadratic", 1, "tanh", FIVE)),
    Row("regression from far", "normal", "quadratic", stack("quadratic", 1, "tanh", normal(100.0))),
    # Zeros
    Row("zeros, tanh, 2", "dead", "moons", stack("moons", 2, "tanh", "zeros")),
    Row("zeros, relu, 2", "dead", "moons", stack("moons", 2, "relu", "zeros")),
    Row("zeros, gelu, 3", "dead", "moons", stack("moons", 3, "gelu", "zeros")),
    Row("zeros, sigmoid, 2", "symmetric", "moons", stack("moons", 2, "sigmoid", "zeros")),
    Row("zeros beside random biases, tanh, 2", "normal", "moons", stack("moons", 2, "tanh", "zeros", **RANDOM)),
    Row("zeros beside random biases, relu, 5", "low-gradient", "moons", stack("moons", 5, "relu", "zeros", **RANDOM)),
    Row("one zero layer inside, tanh", "normal", "moons", but(stack("moons", 3, "tanh"), 1, scheme="zeros")),
    Row("one zero layer inside, relu", "dead", "moons", but(stack("moons", 3, "relu"), 1, scheme="zeros")),
    Row("first layer zeros, tanh", "normal", "moons", but(stack("moons", 3, "tanh"), 0, scheme="zeros")),
    Row("last layer zeros, relu", "normal", "moons", but(stack("moons", 3, "relu"), -1, scheme="zeros")),
    Row("two zero layers in a row, tanh", "dead", "moons",
        but(but(stack("moons", 4, "tanh"), 1, scheme="zeros"), 2, scheme="zeros")),
    Row("two zero layers apart, tanh", "dead", "moons",
        but(but(stack("moons", 5, "tanh"), 1, scheme="zeros"), 3, scheme="zeros")),
    Row("relus that see nothing", "dead", "moons",
        but(stack("moons", 4, "relu"), 1, bias={"name": "constant", "value": -20.0})),
    # Another constant
    Row("five, tanh, 2", "symmetric", "moons", stack("moons", 2, "tanh", FIVE)),
    Row("five, relu, 3", "symmetric", "moons", stack("moons", 3, "relu", FIVE)),
    Row("ones, sigmoid, 2", "symmetric", "moons", stack("moons", 2, "sigmoid", "ones")),
    Row("half of five, drawn after it", "normal", "moons",
        but(stack("moons", 2, "tanh"), 0, scheme={"name": "constant", "value": 0.5})),
    Row("five before a last layer of zeros", "symmetric", "moons",
        but(stack("moons", 2, "relu", {"name": "constant", "value": 0.2}), -1, scheme="zeros")),
    # Scale
    Row("0.001, relu, 2", "normal", "moons", stack("moons", 2, "relu", SMALL)),
    Row("0.001, tanh, 2", "normal", "moons", stack("moons", 2, "tanh", SMALL)),
    Row("0.001, tanh, 5", "low-gradient", "moons", stack("moons", 5, "tanh", SMALL)),
    Row("0.001, relu, 5", "low-gradient", "moons", stack("moons", 5, "relu", "small_uniform")),
    Row("Glorot, tanh, 3", "normal", "moons", stack("moons", 3, "tanh", "glorot_normal")),
    Row("He, relu, 3", "normal", "moons", stack("moons", 3, "relu", "he_normal")),
    Row("1, relu, 20", "steep", "moons", stack("moons", 20, "relu", LARGE), 40),
    Row("orthogonal of gain 0.01 at the end", "normal", "moons",
        but(stack("moons", 4, "tanh"), -1, scheme={"name": "orthogonal", "gain": 0.01})),
]  # fmt: skip
SLOW = [
    Row("one layer of digits, zeros", "normal", "digits", deep(1, "tanh", "zeros")),
    Row("one layer of digits, five", "normal", "digits", deep(1, "tanh", FIVE)),
    Row("one layer of digits, 100", "steep", "digits", deep(1, "tanh", normal(100.0))),
    *(Row(f"zeros, {act}, {n}", "dead", "digits", deep(n, act, "zeros")) for act in ("tanh", "relu") for n in (3, 20)),
    *(Row(f"five, {act}, {n}", "symmetric", "digits", deep(n, act, FIVE))
      for act in ("tanh", "relu") for n in (2, 5, 20)),
    Row("a tenth, tanh, 20", "symmetric", "digits", deep(20, "tanh", {"name": "constant", "value": 0.1})),
    *(Row(f"0.001, {act}, {n}", "low-gradient", "digits", deep(n, act, SMALL))
      for act in ("tanh", "relu", "gelu") for n in (5, 12)),
    *(Row(f"0.001, {act}, 2", "normal", "digits", deep(2, act, SMALL)) for act in ("tanh", "relu")),
    *(Row(f"He, {act}, {n}", "normal", "digits", deep(n, act, "he_normal"))
      for act in ("relu", "tanh", "gelu") for n in (2, 8, 12)),
    *(Row(f"Glorot, tanh, {n}", "normal", "digits", deep(n, "tanh", "glorot_uniform")) for n in (2, 8, 12)),
    *(Row(f"Glorot, relu, {n}", "normal", "digits", deep(n, "relu", "glorot_uniform")) for n in (2, 5, 8)),
    Row("Glorot, relu, 20", "low-gradient", "digits", deep(20, "relu", "glorot_normal")),
    Row("Glorot, sigmoid, 2", "normal", "digits", deep(2, "sigmoid"), 2000),
    *(Row(f"Glorot, sigmoid, {n}", "low-gradient", "digits", deep(n, "sigmoid")) for n in (6, 12)),
    Row("1, tanh, 2", "normal", "digits", deep(2, "tanh", LARGE)),
    *(Row(f"1, tanh, {n}", "steep", "digits", deep(n, "tanh", LARGE)) for n in (8, 20)),
    *(Row(f"1, relu, {n}", "steep", "digits", deep(n, "relu", LARGE)) for n in (8, 20)),
    Row("10, hard tanh, 2", "steep", "digits", deep(2, "hard_tanh", normal(10.0))),
    *(Row(f"last layer zeros, {act}", "normal", "digits", but(deep(4, act), -1, scheme="zeros"))
      for act in ("tanh", "relu")),
    *(Row(f"last layer orthogonal of gain 0.01, {act}", "normal", "digits",
          but(deep(4, act), -1, scheme={"name": "orthogonal", "gain": 0.01})) for act in ("tanh", "relu")),
    *(Row(f"one small layer inside, {act}", "normal", "digits", but(deep(4, act), 1, scheme=SMALL))
      for act in ("tanh", "relu")),
    Row("one zero layer inside, softsign", "normal", "digits", but(deep(4, "softsign"), 1, scheme="zeros")),
    Row("zeros beside random biases, tanh, 2", "normal", "digits", deep(2, "tanh", "zeros", **RANDOM)),
    Row("zeros beside random biases, relu, 8", "low-gradient", "digits", deep(8, "relu", "zeros", **RANDOM)),
    Row("alike, and parting", "normal", "digits", but(deep(3, "relu"), 0, scheme={"name": "constant", "value": 0.1})),
]  # fmt: skip
ROWS = [*QUICK, *(pytest.param(row, id=f"digits: {row.name}", marks=pytest.mark.long) for row in SLOW)]
HARMLESS = 1e-6  # of the largest weight: how far rounding may take equal units apart in a training


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_training_keeps_what_the_verdict_promises(row: Row) -> None:
    found = Diagnosis(DiagnoseRequest.model_validate({"seed": 1, "layers": row.layers}), 2**36).answer()
    assert found["verdict"] == row.verdict, found["summary"]
    asked = TrainRequest.model_validate(
        {"seed": 1, "layers": row.layers, "task": row.task, "steps": row.steps, "batch": 32}
    )
    run = Run(asked, 0, None, seed=1)
    outcome = list(run.events())[-1].data
    if row.verdict == "symmetric":
        for layer in of_verdict(run, found, "symmetric"):
            if np.isfinite(layer.kernel).all():
                assert np.ptp(layer.kernel, axis=1).max() <= HARMLESS * abs(layer.kernel).max()
        return
    assert outcome["learnt"] == (row.verdict == "normal"), outcome["reason"]
    if row.verdict == "dead":
        before = {layer.name: layer.kernel for layer in started(run.spec)}
        for layer in of_verdict(run, found, "dead"):
            assert (layer.kernel == before[layer.name]).all()


def of_verdict(run: Run, found: dict[str, Any], verdict: str) -> list[Any]:
    """Return the layers, after training, that a diagnosis gave this verdict."""
    names = {layer["name"] for layer in found["layers"] if layer["verdict"] == verdict}
    assert names
    assert isinstance(run.learner, DenseStack)
    return [layer for layer in run.learner.layers if layer.name in names]


def test_there_is_a_row_for_every_claim_of_the_notes() -> None:
    assert len(QUICK) + len(SLOW) >= 40
    assert {row.verdict for row in QUICK} == {"normal", "low-gradient", "steep", "symmetric", "dead"}
