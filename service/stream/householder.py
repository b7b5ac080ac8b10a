"""Orthonormal columns from a matrix: Householder QR in one fixed order, so that its bits are the same everywhere.

Frameworks leave this to LAPACK, whose bits differ between builds and processors. Here every number is made by
float64 + - x / sqrt in an order that belongs to the stream (docs/stream.md): a sum runs over rows from the top, one
addition after the other. Columns do not depend on each other's arithmetic, so the compiler may do several at once,
and blocks of them stay in the cache while the reflectors pass by, without touching a bit.
"""

import math

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.stream.targets import compiled, inlined

BLOCK = 32  # columns taken through all reflectors together: 256 bytes a row


@inlined
def reflect(vector, factor, top, block):
    """Apply I - factor v v' to the rows of `block` from `top` on; `vector` holds v from there on."""
    rows, columns = block.shape
    sums = np.zeros(columns)
    for i in range(top, rows):
        v, row = vector[i], block[i]
        for j in range(columns):
            sums[j] += v * row[j]
    for j in range(columns):
        sums[j] *= factor
    for i in range(top, rows):
        v, row = vector[i], block[i]
        for j in range(columns):
            row[j] -= v * sums[j]


@compiled("void(float64[:, ::1], float64[:, ::1], uint8[::1])")
def orthonormal_columns(matrix, out, stop):
    """Put into `out` the Q of matrix = Q R with R's diagonal not negative; both (rows, columns), rows >= columns.

    Returns early, with nothing of use in `out`, once `stop[0]` is not 0.
    """
    rows, columns = matrix.shape
    vectors = np.zeros((columns, rows))
    factors = np.empty(columns)
    signs = np.empty(columns)
    for start in range(0, columns, BLOCK):
        end = min(start + BLOCK, columns)
        block = np.empty((rows, end - start))
        for i in range(rows):
            for j in range(end - start):
                block[i, j] = matrix[i, start + j]
        for k in range(start):
            if stop[0]:
                return
            reflect(vectors[k], factors[k], k, block)
        for k in range(start, end):
            if stop[0]:
                return
            vector = vectors[k]
            for i in range(k, rows):
                vector[i] = block[i, k - start]
            below = 0.0
            for i in range(k + 1, rows):
                below += vector[i] * vector[i]
            head = vector[k]
            length = math.sqrt(head * head + below)
            signs[k] = -1.0 if head >= 0.0 else 1.0
            vector[k] = head - signs[k] * length
            square = vector[k] * vector[k] + below
            factors[k] = 2.0 / square if square > 0.0 else 0.0
            reflect(vector, factors[k], k, block)
    for start in range(0, columns, BLOCK):
        end = min(start + BLOCK, columns)
        block = np.zeros((rows, end - start))
        for j in range(start, end):
            block[j, j - start] = signs[j]
        for k in range(end - 1, -1, -1):
            if stop[0]:
                return
            reflect(vectors[k], factors[k], k, block)
        for i in range(rows):
            for j in range(end - start):
                out[i, start + j] = block[i, j]


@compiled("void(float64[:, ::1], float64[:, ::1], uint8[::1])")
def square(matrix, out, stop):
    """Put matrix x matrix into `out`; each sum from the first row on. Returns early once `stop[0]` is not 0."""
    size = matrix.shape[0]
    for i in range(size):
        if stop[0]:
            return
        row = out[i]
        for j in range(size):
            row[j] = 0.0
        for k in range(size):
            factor, other = matrix[i, k], matrix[k]
            for j in range(size):
                row[j] += factor * other[j]


DOUBLINGS = 24


def spectral_radius(matrix: NDArray[np.float64]) -> float:
    """Return the largest absolute eigenvalue of a square matrix (Gelfand): the limit of |A^m|^(1/m), m = 2^24.

    An eigenvalue routine's bits differ from machine to machine; products in a fixed order and square roots do not.
    """
    power, spare = matrix.copy(), np.empty_like(matrix)
    exponent, root = 1.0, 1.0  # the radius is root x |power|^(1 / exponent)
    for _ in range(DOUBLINGS):
        largest = float(np.abs(power).max())
        if largest == 0.0:
            return 0.0
        power /= largest
        scale = largest
        for _ in range(int(math.log2(exponent))):
            scale = math.sqrt(scale)
        root *= scale
        square(power, spare, stopping.flag())
        stopping.check()
        power, spare, exponent = spare, power, exponent * 2.0
    return root
