"""What a training is said to cost is what it does, counted in operations, whatever machine it runs on."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.analysis.descent import descend, started, there_and_back
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable import MOST_OPERATIONS, TrainRequest, operations
from service.analysis.training import train
from service.errors import TooLarge

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
