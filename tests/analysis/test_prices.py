"""What a training or a diagnosis is said to cost is what it does, counted, whatever machine it runs on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.descent import descend, started, there_and_back
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.forecast import joins
from service.analysis.forecast.signal import between
from service.analysis.network import Network
from service.analysis.sizes import IN_ALL, cost_of
from service.analysis.study import Findings, study
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable import MOST_OPERATIONS, TrainRequest, operations
from service.analysis.training import train
from service.errors import TooLarge
from service.specs.spec import Spec

# Of a processor of this decade, in multiplications of a matrix product that take as long: a call from Python to NumPy
# (some 0.6 microseconds at 15 a nanosecond), an element of an array that is read and written, one more of a function
# that is a series.
CALL, ELEMENT, SERIES = 9_000, 12, 100
DRAW = 15 * CALL  # the calls in which the examples of a step are drawn
TRANSCENDENTAL = {"tanh", "exp", "expm1", "log", "logaddexp", "log1p"}


class Counted(np.ndarray[Any, np.dtype[np.float64]]):
    """An array that counts what is done with it and with all that comes of it."""

    cost = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        plain = [np.asarray(each) if isinstance(each, Counted) else each for each in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(np.asarray(each) for each in kwargs["out"])
        found = getattr(ufunc, method)(*plain, **kwargs)
        Counted.cost += CALL
        if ufunc is np.matmul:
            Counted.cost += plain[0].shape[0] * plain[0].shape[1] * plain[1].shape[1]
        else:
            size = max(np.size(each) for each in (*plain, found))
            Counted.cost += size * (ELEMENT + (SERIES if ufunc.__name__ in TRANSCENDENTAL else 0))
        return found.view(Counted) if isinstance(found, np.ndarray) else found

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        Counted.cost += CALL + ELEMENT * self.size
        return super().__array_function__(function, types, args, kwargs)


def counted(array: NDArray[Any] | None) -> Any:
    return None if array is None else array.astype(np.float64).view(Counted)


def request(task: TaskName, depth: int, width: int, activation: str, batch: int, **more: Any) -> TrainRequest:
    sizes = [TASKS[task].features, *[width] * (depth - 1), TASKS[task].outputs]
    layers: list[dict[str, Any]] = [
        {"type": "dense", "shape": [a, b], "activation": activation} for a, b in pairwise(sizes)
    ]
    layers[-1]["activation"] = "linear"
    return TrainRequest.model_validate({"seed": 1, "task": task, "layers": layers, "batch": batch, **more})


@pytest.mark.parametrize(
    ("task", "depth", "width", "activation", "batch"),
    [
        ("moons", 32, 4, "relu", 1),
        ("moons", 2, 4, "relu", 1),
        ("quadratic", 1, 1, "linear", 1),
        ("moons", 8, 16, "tanh", 64),
        ("moons", 32, 4, "mish", 64),
        ("digits", 20, 64, "relu", 32),
        ("digits", 3, 400, "relu", 64),
        ("digits", 3, 400, "relu", 1),
        ("digits", 8, 64, "relu", 512),
        ("digits", 32, 78, "mish", 64),
        ("digits", 32, 78, "softsign", 1),
        ("moons", 3, 800, "selu", 512),
        ("moons", 2, 2000, "silu", 512),
        ("digits", 1, 4, "linear", 0),
    ],
)
def test_a_steps_price_is_what_it_does(task: TaskName, depth: int, width: int, activation: str, batch: int) -> None:
    asked = request(task, depth, width, activation, batch)
    layers = started(asked)
    for layer in layers:
        object.__setattr__(layer, "kernel", counted(layer.kernel))
        object.__setattr__(layer, "bias", counted(layer.bias))
    inputs, targets = TASKS[task].data()
    rows = batch or len(inputs)
    Counted.cost = DRAW
    found = there_and_back(layers, TASKS[task], counted(inputs[:rows]), targets[:rows])
    descend(layers, found.gradients, 0.1)
    assert found.norm >= 0.0
    assert 1 / 3 < operations(asked) / Counted.cost < 3


def test_many_cheap_steps_are_not_free() -> None:
    # Two kilobytes that took 200 s when only arithmetic was counted.
    asked = request("moons", 32, 4, "relu", 1, steps=2000, restarts=10, schemes=["zeros"] * 6)
    with pytest.raises(TooLarge) as caught:
        train(asked)
    steps = (caught.value.remedy or {})["steps"]
    assert 0 < 60 * steps * operations(asked) <= MOST_OPERATIONS < 60 * (steps + 1) * operations(asked)
    next(train(asked.model_copy(update={"steps": steps})))


# Diagnoses


def diagnosed(layers: list[dict[str, Any]], **more: Any) -> Diagnosis:
    return Diagnosis(DiagnoseRequest.model_validate({"seed": 1, "layers": layers, **more}), 2**33)


@pytest.mark.parametrize(
    ("layers", "batch"),
    [
        ([{"type": "dense", "shape": [8, 8], "activation": "gelu"}] * 16, 8),
        ([{"type": "dense", "shape": [64, 64], "activation": "tanh"}] * 8, 128),
        ([{"type": "conv2d", "shape": [3, 3, 16, 16], "activation": "relu"}] * 4, 28),
        ([{"type": "conv2d_transpose", "shape": [4, 4, 8, 8], "strides": 2}], 28),
        ([{"type": "depthwise_conv2d", "shape": [3, 3, 16, 2]}], 28),
        ([{"type": "separable_conv2d", "shape": [3, 3, 8, 16]}], 28),
        ([{"type": "lstm", "shape": [16, 16], "bidirectional": True}, {"type": "dense", "shape": [32, 4]}], 32),
        ([{"type": "multi_head_attention", "shape": [32, 4, 8]}, {"type": "layer_norm", "shape": [32]}], 32),
        ([{"type": "embedding", "shape": [100, 32]}, {"type": "gru", "shape": [32, 8]}], 32),
        ([{"type": "conv2d", "shape": [3, 3, 1, 4]}, {"type": "dense", "shape": [196, 10]}], 16),
    ],
)
def test_a_passs_price_is_known_from_shapes(layers: list[dict[str, Any]], batch: int) -> None:
    diagnosis = diagnosed(layers, batch=batch)
    network = Network(diagnosis.spec, 2**40)
    stages = list(network.run(diagnosis.inputs))
    shapes = {name: batch.shape for name, batch in diagnosis.inputs.items()}
    kept = work = 0
    for stage, (came, gives) in zip(stages, network.shapes(shapes), strict=True):
        assert gives == tuple(part.value.shape for part in stage.parts)
        cost = cost_of(stage.layer, [node.value.shape for node in stage.weights.values()], came, gives)
        kept, work = kept + cost.kept, work + cost.work
    assert network.price(shapes) >= 3 * work
    # Values that the tape holds for the way back: within a factor of 3 of what is said.
    # Weights are beside them, and what is the same memory counts once.
    weights = {id(node) for stage in stages for node in stage.weights.values()}
    held: dict[int, int] = {}
    seen, waiting = set(weights), [stages[-1].out]
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            place = node.value.__array_interface__["data"][0]
            held[place] = max(node.value.size, held.get(place, 0))
            waiting.extend(node.parents)
    assert 1 / 3 < kept / sum(held.values()) < 3


def test_what_is_too_large_is_refused_before_a_number_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.analysis.network.load", None)
    wide = [{"type": "dense", "shape": [256, 256], "activation": "relu"}] * 200
    with pytest.raises(TooLarge) as caught:
        list(Network(diagnosed(wide, batch=1024).spec, 2**33).run({"input": np.ones((1024, 256))}))
    assert caught.value.pointer == "/layers/127/shape"


@pytest.mark.parametrize(("width", "hint"), [(20_000, "fewer layers or smaller ones"), (512, "a smaller batch may do")])
def test_what_does_not_fit_is_refused_with_what_would_help(width: int, hint: str) -> None:
    layers = [{"type": "dense", "shape": [width, width]}] * 2
    with pytest.raises(TooLarge, match=hint):
        Network(diagnosed(layers).spec, 2**60).cost({"input": (2 if width > 512 else 2**20, width)})


def test_layers_that_all_take_many_are_refused_before_theory_asks_what_they_share() -> None:
    sums = [
        {"type": "add", "name": f"{n}", "inputs": ["input", *map(str, range(max(0, n - 60), n))]} for n in range(1, 200)
    ]
    with pytest.raises(TooLarge, match="4,096 inputs together"):
        Network(diagnosed([{"type": "dense", "shape": [8, 8], "name": "0"}, *sums]).spec, 2**33)


def test_what_inputs_of_a_sum_share_is_asked_once_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def counted_between(*given: Any) -> Any:
        asked.append(1)
        return between(*given)

    monkeypatch.setattr(joins, "between", counted_between)
    layers = [{"type": "dense", "shape": [8, 8], "name": f"{n}", "inputs": ["input"]} for n in range(40)]
    whole = {"type": "add", "inputs": [layer["name"] for layer in layers]}
    found = diagnosed([*layers, whole], forecast_only=True).answer()
    assert len(asked) == 2 * 40  # of one example and of two
    assert found["layers"][-1]["forecast"]["rms"] == pytest.approx(40**0.5)


def test_remedies_together_cost_a_bounded_share(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = [{"type": "dense", "shape": [8, 8], "activation": "sigmoid", "scheme": "zeros"}] * 400
    diagnosis = diagnosed(deep, batch=8)
    diagnosis.most_operations = 2**35
    found = study(diagnosis.spec, diagnosis.inputs, 1, 2**40)
    studied: list[Spec] = []

    def counted_study(self: Diagnosis, spec: Spec) -> Findings:
        studied.append(spec)
        return found

    monkeypatch.setattr(Diagnosis, "study", counted_study)
    assert diagnosis.remedy(found) is None
    assert 1 <= len(studied) <= diagnosis.affordable
    assert diagnosis.price + diagnosis.price_of_remedies <= IN_ALL * diagnosis.most_operations


def test_a_diagnosis_that_costs_too_much_in_all_is_refused_before_a_number_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.analysis.network.load", None)
    layers = [{"type": "dense", "shape": [8, 8], "activation": "gelu"}] * 600
    with pytest.raises(TooLarge, match="this diagnosis costs as much as"):
        diagnosed(layers, batch=2).answer()
