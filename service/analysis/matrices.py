"""Singular values of kernels as matrices: all of a small one's, the largest of a large one's in a few looks at it."""

from dataclasses import dataclass

import numpy as np

from service import stopping
from service.analysis.tape import Array

SMALL = 128  # rows or columns of a matrix up to which all its singular values are computed
# Looks at a large matrix: after so many, the largest singular value of a random one is told to a per cent or two, by at
# most so much too small; one that stands out from the others to far less.
LOOKS = 16
WORK = 2**26  # multiplications for one matrix, which a very large one shares among fewer looks
FEWEST = 4
STRIP = 2**18  # numbers of a matrix that are read once for both products with it: they stay in the processor's cache


@dataclass(frozen=True, slots=True)
class Matrix:
    """Singular values of a kernel as a matrix (fan_in, outputs). `stable_rank` is |W|_F^2 / |W|_2^2."""

    largest: float
    smallest: float | None
    condition: float | None
    stable_rank: float


def matrix_of(kernel: Array) -> Matrix | None:
    """Return the singular values of an array, its last axis against all others; None where it has none to tell of."""
    if kernel.ndim < 2:
        return None
    matrix = kernel.reshape(-1, kernel.shape[-1])
    with np.errstate(all="ignore"):  # beyond a float's reach there is nothing to tell
        whole = squares_of(matrix)
        if not 0.0 < whole < np.inf:
            return None
        smallest = condition = None
        if min(matrix.shape) <= SMALL:
            values = all_of(matrix)
            largest, smallest = float(values[-1]), float(values[0])
            condition = largest / smallest if smallest > largest * 1e-7 else None
        else:
            largest = largest_of(matrix)
        square = largest * largest
    return Matrix(largest, smallest, condition, whole / square) if 0.0 < square < np.inf else None


def strips_of(matrix: Array) -> list[Array]:
    rows = max(1, STRIP // matrix.shape[1])
    return [matrix[start : start + rows] for start in range(0, len(matrix), rows)]


def squares_of(matrix: Array) -> float:
    """Return the sum of the squares of all elements."""
    total = 0.0
    for strip in strips_of(matrix):
        stopping.give_way()
        total += float(np.einsum("ij,ij", strip, strip))
    return total


def all_of(matrix: Array) -> Array:
    """Return all singular values of a matrix with few rows or few columns, in order."""
    long = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    gram = np.zeros((long.shape[1], long.shape[1]))
    for strip in strips_of(long):
        stopping.give_way()
        rows = strip.astype(np.float64, copy=False)
        gram += rows.T @ rows
    values: Array = np.sqrt(np.maximum(np.linalg.eigvalsh(gram), 0.0))
    return values


def largest_of(matrix: Array) -> float:
    """Return |W|_2, a little too small at the most, by Lanczos's method on W^T W (Golub & Kahan 1965)."""
    looks = int(np.clip(WORK // (2 * matrix.size), FEWEST, LOOKS))
    vector = np.cos(np.arange(1.0, matrix.shape[1] + 1.0))
    basis = [vector / np.sqrt(vector @ vector)]
    along: list[float] = []
    beside: list[float] = []
    while True:
        after = seen_twice(matrix, basis[-1])
        along.append(float(basis[-1] @ after))
        for one in basis:  # what rounding leaves of the vectors before is taken out again
            after -= (one @ after) * one
        length = float(np.sqrt(after @ after))
        if len(along) == looks or not length > 1e-6 * along[0]:
            break
        beside.append(length)
        basis.append(after / length)
    band = np.diag(along) + np.diag(beside, 1) + np.diag(beside, -1)
    return float(np.sqrt(max(np.linalg.eigvalsh(band)[-1], 0.0))) if np.isfinite(band).all() else np.inf


def seen_twice(matrix: Array, vector: Array) -> Array:
    """Return W^T W v; W is read once."""
    v = vector.astype(matrix.dtype, copy=False)
    total = np.zeros(len(vector))
    for strip in strips_of(matrix):
        stopping.give_way()
        total += (strip @ v) @ strip
    return total
