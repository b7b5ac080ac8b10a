"""What is shown of a training as it runs: its examples, how it answers, and how its weights are distributed."""

from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from service.analysis.distributions import histogram_of
from service.analysis.learner import Learner
from service.analysis.losses import Array, Targets
from service.analysis.tasks import SIDE, Task

MOST_LOOKS = 50  # at a run, evenly, and one more at its last step
BINS = 32  # of a layer's weights
CELLS = 40  # of a boundary, along each axis
SAMPLES = {True: 20, False: 100}  # examples that are answered for, of classes and of a regression
DECIMALS = 3
# What a look costs beside its pass, in multiplications that take as long: a number that is written, a layer counted.
PER_TOLD, PER_HISTOGRAM = 3_000, 1_000_000


def is_watched(step: int, steps: int) -> bool:
    return step % ceil(steps / MOST_LOOKS) == 0 or step == steps - 1


def looks(steps: int) -> int:
    """Return at how many of so many steps a run is looked at."""
    return sum(is_watched(step, steps) for step in range(steps))


def is_plane(task: Task) -> bool:
    """Whether a task's examples are points of a plane, in two classes that a boundary divides."""
    return task.features == 2 and task.outputs == 2


def answered(task: Task) -> int:
    """Return for how many points a network answers at a look."""
    return CELLS * CELLS if is_plane(task) else SAMPLES[task.classes]


def numbers_told(task: Task) -> int:
    """Return how many numbers tell these answers."""
    return answered(task) * (1 if is_plane(task) else task.outputs)


def examples(task: Task) -> dict[str, Any]:
    """Return what a training shows of its examples: points of a plane, a few images with their ink, or targets."""
    inputs, targets = task.data()
    if is_plane(task):
        return {"features": task.features, "points": rounded(inputs), "labels": targets.tolist()}
    inputs, targets = inputs[: answered(task)], targets[: answered(task)]
    if not task.classes:
        return {"features": task.features, "targets": rounded(targets[:, 0])}
    shades = (inputs - inputs.min()) / np.ptp(inputs)
    sample = {"features": task.features, "labels": targets.tolist()}
    return sample | ({"images": rounded(shades)} if task.features == SIDE * SIDE else {})


def look_at(learner: Learner, task: Task) -> dict[str, Any]:
    """Return what is seen of a network in training: its answers, and a histogram of each layer's weights."""
    with np.errstate(all="ignore"):  # what overflows is told as null
        shown = boundary(learner, task) if is_plane(task) else {"answers": sampled(learner, task)}
    return {**shown, "weights": [*histograms(learner)]}


def histograms(learner: Learner) -> Sequence[dict[str, Any]]:
    found = []
    for name, weights in learner.weights_by_layer():
        counted = histogram_of(weights, BINS)
        if counted is not None:
            found.append({"name": name, "edges": counted[0], "counts": counted[1]})
    return found


def boundary(learner: Learner, task: Task) -> dict[str, Any]:
    """Return how likely class 1 is in the middle of each cell about the examples, row by row from below."""
    reach = reach_of(task)
    likely = probabilities(learner.answers(cells_of(task)))[:, 1]
    square = {"low": [-reach, -reach], "high": [reach, reach], "size": CELLS}
    return {"boundary": square | {"values": rounded(likely)}}


def reach_of(task: Task) -> float:
    """Return how far from 0 the examples lie at the most, with some room, in halves."""
    return ceil(2.0 * (float(np.abs(task.data()[0]).max()) + 0.1)) / 2.0


@lru_cache(maxsize=4)
def cells_of(task: Task) -> Array:
    """Return the middles of the cells, shaped (cells, 2); x runs first."""
    reach = reach_of(task)
    middles = reach * ((2.0 * np.arange(CELLS) + 1.0) / CELLS - 1.0)
    points = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    points.flags.writeable = False
    return points


def sampled(learner: Learner, task: Task) -> Any:
    """Return the answers for some of the examples: of classes, how likely each is."""
    answers = learner.answers(task.data()[0][: answered(task)])
    return rounded(probabilities(answers) if task.classes else answers[:, 0])


def probabilities(answers: Array) -> Array:
    """Return the softmax of each row."""
    likely = np.exp(answers - answers.max(axis=1, keepdims=True))
    shares: Array = likely / likely.sum(axis=1, keepdims=True)
    return shares


def rounded(values: Array | Targets) -> Any:
    """Return numbers to three decimals, as lists; None for what overflowed."""
    short = np.round(values.astype(np.float64), DECIMALS) + 0.0
    told = short.astype(object)
    told[~np.isfinite(short)] = None
    return told.tolist()
