"""The tasks that a network is trained on here: small, made and not downloaded, the same for every request.

To add one, write what makes its examples and add a row to TASKS (and its name to TaskName).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np

from service.analysis.losses import LOSSES, Array, Targets
from service.stream.addresses import Runs
from service.stream.distributions import Independent, Normal, Uniform
from service.stream.streams import stream_of

TaskName: TypeAlias = Literal["quadratic", "moons", "spirals", "digits"]

SEED = 0  # of the examples: a restart changes the start and the batches, never the task
SIDE = 8  # of an image
NOISE = 0.2  # its deviation, in an image of strokes of 1 on a ground of 0
GLYPHS = (  # rows of a pixel font, from the top
    ".###. #...# #...# #...# #...# #...# .###.",
    "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
    ".###. #...# ....# ..##. .#... #.... #####",
    ".###. #...# ....# ..##. ....# #...# .###.",
    "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
    "##### #.... ####. ....# ....# #...# .###.",
    ".###. #.... #.... ####. #...# #...# .###.",
    "##### ....# ...#. ..#.. ..#.. .#... .#...",
    ".###. #...# #...# .###. #...# #...# .###.",
    ".###. #...# #...# .#### ....# ....# .###.",
)


def drawn(path: str, distribution: Independent, *shape: int) -> Array:
    """Return values of a stream of the task's own."""
    values = np.empty(shape)
    distribution.fill(stream_of(SEED, f"task/{path}"), Runs.one(0, values.size), values.reshape(-1))
    return values


def standardised(points: Array) -> Array:
    spread: Array = (points - points.mean(axis=0)) / points.std(axis=0)
    return spread


def one_of(count: int, chance: float) -> int:
    """Return a number from 0 to count - 1, each as likely, for a chance from 0 to 1."""
    return min(int(chance * count), count - 1)


def quadratic(count: int) -> tuple[Array, Targets]:
    """Return points and a linear function of them, with a little noise that no line explains."""
    points = drawn("quadratic/points", Normal(0.0, 1.0), count, 8)
    slopes = drawn("quadratic/slopes", Normal(0.0, 1.0), 8, 1)
    return points, points @ slopes + 0.5 + drawn("quadratic/noise", Normal(0.0, 0.1), count, 1)


def moons(count: int) -> tuple[Array, Targets]:
    """Return two half circles, each reaching into the other."""
    labels = np.arange(count) % 2
    angles = drawn("moons/angles", Uniform(0.0, np.pi), count)
    upper = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points = np.where(labels[:, None] == 0, upper, [1.0, 0.5] - upper)
    return standardised(points + drawn("moons/noise", Normal(0.0, 0.1), count, 2)), labels


def spirals(count: int) -> tuple[Array, Targets]:
    """Return two arms that wind about each other, one and a quarter times."""
    labels = np.arange(count) % 2
    radii = np.sqrt(drawn("spirals/radii", Uniform(0.02, 1.0), count))
    angles = 2.5 * np.pi * radii + np.pi * labels
    points = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return standardised(points + drawn("spirals/noise", Normal(0.0, 0.03), count, 2)), labels


def digits(count: int) -> tuple[Array, Targets]:
    """Return images of the figures 0 to 9: stretched, moved, and with noise over them."""
    labels = np.arange(count) % len(GLYPHS)
    chances = drawn("digits/places", Uniform(0.0, 1.0), count, 4)
    images = drawn("digits/noise", Normal(0.0, NOISE), count, SIDE, SIDE)
    for image, label, chance in zip(images, labels, chances, strict=True):
        glyph = np.array([[pixel == "#" for pixel in row] for row in GLYPHS[label].split()])
        height, width = 6 + one_of(3, chance[0]), 4 + one_of(3, chance[1])
        top, left = one_of(SIDE + 1 - height, chance[2]), 1 + one_of(SIDE - 1 - width, chance[3])
        rows, columns = (2 * np.arange(height) + 1) * 7 // (2 * height), (2 * np.arange(width) + 1) * 5 // (2 * width)
        image[top : top + height, left : left + width] += glyph[np.ix_(rows, columns)]
    flat = images.reshape(count, SIDE * SIDE)
    return (flat - flat.mean()) / flat.std(), labels


@dataclass(frozen=True)
class Task:
    """What goes in, what should come out, and from when on a network has learnt it."""

    features: int
    outputs: int
    classes: bool  # cross-entropy of a softmax over classes, or else the mean squared error
    examples: int
    summary: str
    make: Callable[[int], tuple[Array, Targets]]

    def data(self) -> tuple[Array, Targets]:
        """Return all inputs and targets; they are made once, and cannot be written to."""
        return examples_of(self)

    def loss(self, answers: Array, targets: Targets) -> tuple[float, Array]:
        """Return the mean loss over the examples, and its gradient with respect to the answers."""
        return LOSSES["cross_entropy" if self.classes else "squared_error"].value(answers, targets)

    def accuracy(self, answers: Array, targets: Targets) -> float | None:
        """Return the share of examples whose largest answer is their class's; None where there are no classes."""
        return float((answers.argmax(axis=1) == targets).mean()) if self.classes else None

    def constant_loss(self) -> float:
        """Return the loss of the best answer that is the same for every example."""
        targets = self.data()[1]
        if not self.classes:
            return float(targets.var())
        shares = np.bincount(targets) / targets.size
        return float(-(shares * np.log(shares)).sum())

    @property
    def enough(self) -> float:
        """The accuracy from which on it is learnt: half-way from the best constant answer's to 1."""
        return 0.5 + 0.5 / self.outputs  # every class has as many examples

    def learnt(self, loss: float, accuracy: float | None) -> bool:
        """Whether half of a constant answer's mistakes are gone; of a regression's squared error, nine tenths."""
        return loss <= 0.1 * self.constant_loss() if accuracy is None else accuracy >= self.enough

    def describe(self, loss: float, accuracy: float | None) -> str:
        """Return how near it came, beside a constant answer and what would be enough."""
        if accuracy is None:
            share = loss / self.constant_loss()
            return f"the squared error is {share:.2%} of a constant answer's; at most 10% is learnt"
        constant = f"where a constant one has {1.0 / self.outputs:.0%}"
        # Four digits are exact for some hundred examples: what is not quite enough is not told as if it were.
        return f"{100 * accuracy:.4g}% of the answers are right, {constant}; from {self.enough:.0%} on it is learnt"


@lru_cache(maxsize=8)
def examples_of(task: Task) -> tuple[Array, Targets]:
    inputs, targets = task.make(task.examples)
    inputs.flags.writeable = targets.flags.writeable = False
    return inputs, targets


TASKS: dict[TaskName, Task] = {
    "quadratic": Task(
        8, 1, False, 256, "linear regression, mean squared error: convex for one linear dense layer", quadratic
    ),
    "moons": Task(2, 2, True, 500, "two half circles, each reaching into the other", moons),
    "spirals": Task(2, 2, True, 500, "two arms that wind about each other", spirals),
    "digits": Task(64, 10, True, 500, "8x8 images of the figures 0 to 9, stretched, moved and noisy", digits),
}
