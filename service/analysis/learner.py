"""What is trained, whatever it is made of, and what came of a training."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from service.analysis.losses import Array, Targets
from service.analysis.tasks import Task

VANISHED = 1e-4  # a gradient so small that it explains a loss that stayed where it was
STEEP = 100.0  # a gradient that overshoots at any usual learning rate
ALIKE = 1e-6  # of the largest weight: how far rounding may have taken equal neurons apart


@dataclass(frozen=True, slots=True)
class Look:
    """What a pass there and back shows; `of_first` are the gradients of the first layer with weights."""

    loss: float
    answers: Array
    norm: float
    of_first: Sequence[Array]

    @property
    def first(self) -> float:
        """The length of the gradient in the first layer with weights."""
        return length(*self.of_first)


def length(*vectors: Array) -> float:
    """Return the length of vectors that are laid one behind the other."""
    return float(np.sqrt(sum(np.vdot(one, one) for one in vectors)))


class Learner(Protocol):
    """A network in training: it keeps its weights, and the gradient of its last look."""

    @property
    def first_layer(self) -> str:
        """The name of the first layer with weights."""

    def look(self, inputs: Array, targets: Targets) -> Look:
        """Send a batch there and back."""

    def step(self, rate: float) -> None:
        """Go down the gradient of the last look."""

    def answers(self, points: Array) -> Array:
        """Return what the network makes of points, with the weights of the last look, which is left as it is."""

    def weights_by_layer(self) -> Iterable[tuple[str, Array]]:
        """Return each layer's name with its weights (not its biases, scales, slopes), laid one behind the other."""

    def symmetric(self) -> str | None:
        """Return the first hidden layer of which all neurons compute the same, and not just nothing."""

    def dead(self) -> str | None:
        """Return the first hidden layer that has weights, but gave 0 for every example of the last look."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. Where it overflowed there is no accuracy, and no loss.

    `final_loss` is that of all examples after the last step; a curve's entries are each of one batch before its step.
    """

    final_loss: float | None
    accuracy: float | None
    learnt: bool
    reason: str


def judge(learner: Learner, task: Task, began: float) -> Outcome:
    """Say whether the task is learnt, by all its examples, and why; `began` is the first layer's gradient at step 0."""
    inputs, targets = task.data()
    with np.errstate(all="ignore"):
        last = learner.look(inputs, targets)
    if not (isfinite(last.loss) and isfinite(last.norm)):
        return Outcome(None, None, False, "the loss overflowed at the last step")
    accuracy = task.accuracy(last.answers, targets)
    if task.learnt(last.loss, accuracy):
        return Outcome(last.loss, accuracy, True, task.describe(last.loss, accuracy))
    why = what_stopped(learner, last, began, task.constant_loss())
    short = f"{task.describe(last.loss, accuracy)}: more steps, another learning rate or another start may do"
    return Outcome(last.loss, accuracy, False, why or short)


def what_stopped(learner: Learner, last: Look, began: float, constant: float) -> str | None:
    """Return what kept a network from learning, None where it was only on its way."""
    first, steepest = min(began, last.first), max(began, last.norm)
    if same := learner.symmetric():
        return f"every neuron of {same} stayed the same, so that all of them together are worth one"
    dead = learner.dead()
    if dead is not None and not 0.0 < began < VANISHED:
        return f"every neuron of {dead} is dead: it gives 0 for every example, and no gradient comes back through it"
    if last.loss < 0.95 * constant:
        return None
    if steepest > STEEP:
        ended = f"the loss ended at {last.loss:.3g}, where a constant answer has {constant:.3g}"
        return f"{ended}: gradients of {steepest:.1g} made every step a jump elsewhere"
    if first < VANISHED:
        near = last.loss < 1.5 * constant
        ended = "the loss stayed at that of a constant answer" if near else f"the loss ended at {last.loss:.3g}"
        elsewhere = "; the rest of the gradient is in later layers" if steepest > VANISHED else ""
        return f"{ended}: gradients of {first:.1g} in {learner.first_layer} changed nothing there{elsewhere}"
    return None


def are_alike(columns: Array) -> bool:
    """Whether the columns of a matrix, one a neuron, are the same but for rounding; one alone is like no other."""
    return columns.shape[1] > 1 and bool(np.ptp(columns, axis=1).max() <= ALIKE * abs(columns).max())
