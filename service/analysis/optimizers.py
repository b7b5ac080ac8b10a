"""How a step is made of a gradient: plain descent, or Adam."""

from collections.abc import Hashable
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
OptimizerName: TypeAlias = Literal["sgd", "adam"]
# Of Adam, as published (Kingma & Ba 2015, algorithm 1).
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class Optimizer(Protocol):
    """Makes steps of gradients; it remembers each array by a key, and is called once for each at every step."""

    def change(self, key: Hashable, gradient: Array, rate: float) -> Array:
        """Return what is added to an array."""


class Sgd:
    """Plain gradient descent, without momentum."""

    memory = 0  # arrays kept beside each one that is trained

    def change(self, key: Hashable, gradient: Array, rate: float) -> Array:
        return -rate * gradient


class Adam:
    """Kingma & Ba 2015: the mean of gradients over the root of the mean of their squares, both without their bias."""

    memory = 2

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[int, Array, Array]] = {}

    def change(self, key: Hashable, gradient: Array, rate: float) -> Array:
        steps, mean, square = self._seen.get(key) or (0, np.zeros_like(gradient), np.zeros_like(gradient))
        steps += 1
        mean *= BETA_1
        mean += (1.0 - BETA_1) * gradient
        square *= BETA_2
        square += (1.0 - BETA_2) * gradient * gradient
        self._seen[key] = steps, mean, square
        below = np.sqrt(square / (1.0 - BETA_2**steps))
        below += EPSILON
        step: Array = mean / below
        step *= -rate / (1.0 - BETA_1**steps)
        return step


OPTIMIZERS: dict[OptimizerName, type[Sgd | Adam]] = {"sgd": Sgd, "adam": Adam}
RATES: dict[OptimizerName, float] = {"sgd": 0.1, "adam": 0.001}  # where none is stated
