"""More places than there were: each repeated, or what lies between two of them."""

from collections.abc import Sequence

import numpy as np

from service.analysis.tape.node import Array, Node


def repeat(x: Node, factors: Sequence[int]) -> Node:
    """(batch, *places, features) -> (batch, *places x factors, features): each place so many times."""
    batch, *places, features = x.value.shape
    split: list[int] = [batch, *(each for pair in zip(places, factors, strict=True) for each in pair), features]
    value = x.value
    for axis, factor in enumerate(factors, start=1):
        value = np.repeat(value, factor, axis)
    axes = tuple(range(2, 2 + 2 * len(places), 2))
    return Node(value, (x,), lambda g: (g.reshape(split).sum(axis=axes),))


def interpolate(x: Node, factors: Sequence[int]) -> Node:
    """As `repeat`, linearly between places; the middles of old and new places lie on one grid, ends are kept."""
    matrices = [between(size, factor) for size, factor in zip(x.value.shape[1:-1], factors, strict=True)]
    matrices = [matrix.astype(x.value.dtype) for matrix in matrices]
    value = x.value
    for axis, matrix in enumerate(matrices, start=1):
        value = along(matrix, value, axis)

    def pull(g: Array) -> tuple[Array]:
        for axis, matrix in enumerate(matrices, start=1):
            g = along(matrix.T, g, axis)
        return (g,)

    return Node(value, (x,), pull)


def along(matrix: Array, x: Array, axis: int) -> Array:
    return np.moveaxis(np.tensordot(matrix, x, (1, axis)), 0, axis)


def between(size: int, factor: int) -> Array:
    """Return the matrix (size x factor, size) that interpolates along an axis."""
    at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0.0, size - 1.0)
    low = np.minimum(at.astype(np.int64), max(size - 2, 0))
    matrix, rows, share = np.zeros((size * factor, size)), np.arange(size * factor), at - low
    matrix[rows, low] += 1.0 - share
    matrix[rows, np.minimum(low + 1, size - 1)] += share
    return matrix
