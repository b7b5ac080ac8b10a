"""What a start is trained on: examples that tell their classes apart, values to fit, or words answered by other words.

A task is made for the shape that goes in and that which comes out, so that any network can be trained. Every step sees
examples that no step saw before: what is learnt is what they have in common. All is drawn by NumPy's generator, and has
nothing to do with this service's streams.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

EXAMPLES = 48  # in a step
# Losses, in parts of that of the best answer that is the same for every example: all below the first have learnt, all
# above the second have not.
LEARNT, NOT_LEARNT = 0.8, 0.95
LAST = 5  # steps whose mean loss is the loss at the end


class Batch(NamedTuple):
    """`targets` are classes for cross-entropy, or values for half the squared error."""

    inputs: NDArray[Any]
    targets: NDArray[Any]


class Task:
    """`words` is how many there are where tokens go in; `constant` the loss of the best answer that is always one."""

    def __init__(self, shape: tuple[int, ...], outputs: tuple[int, ...], words: int | None, seed: int) -> None:
        self.shape, self.outputs, self.words, self.seed = shape, outputs, words, seed
        self.classes = outputs[-1] > 1
        width, rng = outputs[-1], np.random.default_rng(seed)
        self.constant = float(np.log(width)) if self.classes else (1.0 - np.exp(-2.0)) / 4.0  # E sin² z / 2
        self.answers = rng.permutation(width)
        # A pattern for each class, with a part that is the same in every place, which pools keep.
        everywhere = rng.standard_normal((width, *(1 for _ in shape[:-1]), shape[-1]))
        self.patterns = rng.standard_normal((width, *shape)) + 0.7 * everywhere
        self.direction = rng.standard_normal(int(np.prod(shape)))
        self.direction /= np.sqrt(np.sum(self.direction**2))

    def batches(self, steps: int) -> Iterator[Batch]:
        rng = np.random.default_rng((self.seed, 1))
        for _ in range(steps):
            yield self._batch(rng)

    def _batch(self, rng: np.random.Generator) -> Batch:
        *places, width = self.outputs
        spread = (EXAMPLES, *(1 for _ in places))
        if self.words is not None:
            words = rng.integers(0, self.words, (EXAMPLES, *self.shape))
            return Batch(words, self.answers[words % width])
        if not self.classes:
            inputs = rng.standard_normal((EXAMPLES, *self.shape))
            values = np.sin(inputs.reshape(EXAMPLES, -1) @ self.direction)
            return Batch(inputs, np.broadcast_to(values.reshape(*spread, 1), (EXAMPLES, *self.outputs)))
        labels = rng.integers(0, width, EXAMPLES)
        inputs = self.patterns[labels] + rng.standard_normal((EXAMPLES, *self.shape))
        inputs /= np.sqrt(np.mean(inputs * inputs))
        return Batch(inputs, np.broadcast_to(labels.reshape(spread), (EXAMPLES, *places)))
