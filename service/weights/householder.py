"""Orthonormal columns from a matrix: Householder QR in one fixed order, so that its bits are the same everywhere.

Frameworks leave this to LAPACK, whose bits differ between builds and processors. Here every number is made by
float64 + - x / sqrt in an order that belongs to the stream (docs/stream.md): a sum runs over rows from the top, one
addition after the other. Columns do not depend on each other's arithmetic, so the compiler may do several at once,
and blocks of them stay in the cache while the reflectors pass by, without touching a bit.
"""

import math

import numpy as np

from service.weights.targets import compiled, inlined

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


@compiled("void(float64[:, ::1], float64[:, ::1])")
def orthonormal_columns(matrix, out):
    """Put into `out` the Q of matrix = Q R with R's diagonal not negative; both (rows, columns), rows >= columns."""
    rows, columns = matrix.shape
    vectors = np.zeros((columns, rows))
    factors = np.empty(columns)
    signs = np.empty(columns)
    for start in range(0, columns, BLOCK):
        stop = min(start + BLOCK, columns)
        block = matrix[:, start:stop].copy()
        for k in range(start):
            reflect(vectors[k], factors[k], k, block)
        for k in range(start, stop):
            column = block[:, k - start].copy()
            below = 0.0
            for i in range(k + 1, rows):
                below += column[i] * column[i]
            head = column[k]
            length = math.sqrt(head * head + below)
            signs[k] = -1.0 if head >= 0.0 else 1.0
            vectors[k, k:] = column[k:]
            vectors[k, k] = head - signs[k] * length
            square = vectors[k, k] * vectors[k, k] + below
            factors[k] = 2.0 / square if square > 0.0 else 0.0
            reflect(vectors[k], factors[k], k, block)
    for start in range(0, columns, BLOCK):
        stop = min(start + BLOCK, columns)
        block = np.zeros((rows, stop - start))
        for j in range(start, stop):
            block[j, j - start] = signs[j]
        for k in range(stop - 1, -1, -1):
            reflect(vectors[k], factors[k], k, block)
        out[:, start:stop] = block
