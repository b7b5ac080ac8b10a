"""Rows like others: normal, with their mean and their covariance, whether that is of full rank or not."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from service import stopping
from service.stream.chance import Chance, Doubles
from service.stream.matrices import Computed
from service.stream.views import Shape

LEAST = 2.0**-40  # of a column's variance: what is left of it by then is rounding


@dataclass(frozen=True, slots=True)
class Likeness:
    """A row is `mean` + the sum of its standard normals, as many as needed of its first, times the rows of `factor`."""

    mean: Doubles
    variances: Doubles
    rows: Doubles  # that are given, less the mean
    scale: float

    @property
    def normals(self) -> int:
        """How many of a row's normals count."""
        return min(len(self.rows), self.mean.size)

    @property
    def work(self) -> int:
        return 4 * self.rows.size * self.normals

    def factor(self) -> Doubles:
        """Return (normals, width): F with FᵀF = scale × covariance; its operations are those of docs/stream.md."""
        count, width = self.rows.shape
        if count <= width:
            combined: Doubles = np.sqrt(self.scale / count) * self.rows
            return combined
        return lower_triangle(covariance(self.rows) * (self.scale / count)).T


def factors(rows: Doubles, scale: float) -> Likeness:
    """Return what rows like these come of."""
    count = rows.shape[0]
    mean = np.cumsum(rows, axis=0)[-1] / count
    centred = rows - mean
    variances = np.cumsum(centred * centred, axis=0)[-1] * (scale / count)
    return Likeness(mean, variances, centred, scale)


def covariance(rows: Doubles) -> Doubles:
    """Return the sums of products of two columns, each from the first row on."""
    found = np.empty((rows.shape[1],) * 2)
    for column, products in enumerate(found):
        stopping.give_way()
        products[:] = np.cumsum(rows[:, column : column + 1] * rows, axis=0)[-1]
    return found


def lower_triangle(matrix: Doubles) -> Doubles:
    """Return L with LLᵀ = matrix (Cholesky); a column of which nothing is left is 0."""
    left, found = matrix.copy(), np.zeros(matrix.shape)
    for j in range(len(matrix)):
        stopping.give_way()
        if left[j, j] <= LEAST * matrix[j, j]:
            continue
        column = left[j:, j] / np.sqrt(left[j, j])
        column[0] = np.sqrt(left[j, j])
        found[j:, j] = column
        left[j:, j:] -= column[:, None] * column[None, :]
    return found


def normal_like(of: Likeness, identity: tuple[Any, ...], shape: Shape, axis: int, given: int) -> Computed:
    """Return normal rows, the places of an axis of an array, from place `given` on; those before are 0."""
    moved = (shape[axis], *shape[:axis], *shape[axis + 1 :])

    def make(chance: Chance) -> Doubles:
        normals = np.moveaxis(chance.normals(prod(shape)).reshape(shape), axis, 0).reshape(shape[axis], -1)[given:]
        found = np.zeros((shape[axis], of.mean.size))
        rows = found[given:]
        rows[:] = of.mean
        for k, row in enumerate(of.factor()):
            stopping.give_way()
            rows += normals[:, k : k + 1] * row
        return np.ascontiguousarray(np.moveaxis(found.reshape(moved), 0, axis))

    mean = float(of.mean.mean())
    deviation = float(np.sqrt(of.variances.mean() + of.mean.var()))
    spread = bool(of.variances.any())
    ends = (None, None) if spread else (float(of.mean.min()), float(of.mean.max()))
    work = of.work + (2 * of.normals + 64) * prod(shape)
    return Computed((mean, deviation, *ends), identity, work, make, by_chance=spread)
