"""Values away from their mean, divided by how far they are away from it."""

import numpy as np

from service.analysis.tape.node import Array, Node

EPSILON = 1e-5  # as PyTorch's normalisations have it; Keras's have 1e-3
ROUNDING = 1e-13  # of a mean: what rounding may make of equal values


def standardise(a: Node, axes: tuple[int, ...], centred: bool = True, epsilon: float = EPSILON) -> Node:
    """Divide by the deviation over `axes`, having subtracted the mean (not so for the root mean square)."""
    away = a.value
    if centred:
        mean = mean_over(away, axes)
        # What is the same everywhere is exactly 0 away from its mean, but for the rounding of that mean.
        away = away - mean
        away = np.where(np.abs(away) <= ROUNDING * np.abs(mean), np.zeros((), away.dtype), away)
    rate = 1.0 / np.sqrt(mean_over(away * away, axes) + epsilon)
    y = away * rate

    def pull(g: Array) -> tuple[Array]:
        along = g - y * mean_over(g * y, axes)
        return (rate * (along - mean_over(g, axes) if centred else along),)

    return Node(y, (a,), pull)


def mean_over(x: Array, axes: tuple[int, ...]) -> Array:
    """Return the mean over axes, summed in float64 and as exact as the array's own type."""
    mean: Array = x.mean(axis=axes, dtype=np.float64, keepdims=True)
    return mean.astype(x.dtype, copy=False)
