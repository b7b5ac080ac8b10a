"""What descent goes down: cross-entropy of classes, or the mean squared error."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Targets: TypeAlias = NDArray[Any]  # numbers to come near to, or the numbers of classes (int64), one for each row
LossName: TypeAlias = Literal["cross_entropy", "squared_error"]


@dataclass(frozen=True, slots=True)
class Loss:
    """A mean loss: `value(answers, targets)` is it and its gradient with respect to the answers.

    `unit(targets)` is how much answers change when they change by a lot: a logit of 1, a deviation of the targets.
    """

    name: LossName
    value: Callable[[Array, Targets], tuple[float, Array]]
    unit: Callable[[Targets], float]


def cross_entropy(answers: Array, targets: Targets) -> tuple[float, Array]:
    """Return the mean over all rows of -log softmax(answers)[target], with answers (…, classes), targets (…)."""
    rows = answers.reshape(-1, answers.shape[-1])
    right = (np.arange(len(rows)), targets.reshape(-1))
    moved = rows - rows.max(axis=1, keepdims=True)
    gradient = np.exp(moved)
    totals = gradient.sum(axis=1, keepdims=True)
    gradient /= totals
    gradient[right] -= 1.0
    gradient /= len(rows)
    loss = (np.log(totals[:, 0]) - moved[right]).mean(dtype=np.float64)
    return float(loss), gradient.reshape(answers.shape)


def squared_error(answers: Array, targets: Targets) -> tuple[float, Array]:
    """Return the mean over all numbers of (answer - target)^2."""
    error = answers - targets.astype(answers.dtype, copy=False)
    return float(np.mean(error * error, dtype=np.float64)), (2.0 / error.size) * error


LOSSES: dict[LossName, Loss] = {
    "cross_entropy": Loss("cross_entropy", cross_entropy, lambda targets: 1.0),
    "squared_error": Loss("squared_error", squared_error, lambda targets: float(np.std(targets)) or 1.0),
}
