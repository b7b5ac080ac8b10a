"""What becomes of moments at places when values move, are added up with weights, or are seen through a kernel.

A kernel's taps have weights that do not know each other: each is a shift of its own, and their moments add up (Xiao et
al. 2018; Novak et al. 2019). A mean over places has the same factors for all features: moments go through its matrix.
Where places are not followed one by one, counts of them stand for the sums.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.analysis.forecast.normal import Array
from service.analysis.forecast.signal import Places, count_of, two_of, two_places

Table = NDArray[np.int64]  # (outputs, taps): the input place that a tap sees, -1 for none; along one axis


def window_table(size: int, taps: int, outputs: int, step: int, gap: int, before: int, ring: bool) -> Table:
    """Return what the taps of a window see along an axis, which begins `before` places ahead of the first."""
    table = np.arange(outputs)[:, None] * step + np.arange(taps)[None, :] * gap - before
    return table % size if ring else np.where((table >= 0) & (table < size), table, -1)


def transposed_table(size: int, taps: int, outputs: int, step: int, gap: int, before: int, ring: bool) -> Table:
    """Return what the taps of a transposed window see: each input is written `step` places further."""
    start = np.arange(outputs)[:, None] - np.arange(taps)[None, :] * gap + before
    start = start % (size * step) if ring else start
    table = start // step
    return np.where((start % step == 0) & (table >= 0) & (table < size), table, -1)


def turned(table: Table, size: int) -> Table:
    """Return which outputs the taps write of each input; a tap writes one of each."""
    found = np.full((size, table.shape[1]), -1)
    for tap in range(table.shape[1]):
        seen = table[:, tap] >= 0
        found[table[seen, tap], tap] = np.flatnonzero(seen)
    return found


def through_taps(moments: Array, came: Places, tables: Sequence[Table]) -> Array:
    """Return the sum over taps of the moments of what they see."""
    given = tuple(len(table) for table in tables)
    if len(moments) == prod(came) and count_of(given) == prod(given):
        padded = np.pad(moments, (0, 1))
        total = np.zeros((prod(given),) * 2)
        for places in flat_taps(came, tables):
            total += padded[np.ix_(places, places)]
        return total
    own, other = two_of(moments, came)
    inside = [(table >= 0).astype(np.float64) for table in tables]
    both = [each @ each.T for each in inside]
    if count_of(given) == prod(given):
        counts = kron(both)
        return other * counts + (own - other) * np.diag(np.diag(counts))
    seen, pairs = prod(float(np.diag(each).mean()) for each in both), prod(float(each.mean()) for each in both)
    return two_places(own * seen, other * apart(seen, pairs, prod(given)))


def apart(own: float, pairs: float, count: int) -> float:
    """Return the mean over different places, of that over all pairs and that of places with themselves."""
    return (pairs * count - own) / (count - 1)


def flat_taps(came: Places, tables: Sequence[Table]) -> list[NDArray[np.int64]]:
    """Return for each tap the number of the place that it sees at every output, that after the last for none."""
    found = []
    for taps in product(*(range(table.shape[1]) for table in tables)):
        columns = [table[:, tap] for table, tap in zip(tables, taps, strict=True)]
        grids = np.meshgrid(*columns, indexing="ij")
        outside = np.any([grid < 0 for grid in grids], axis=0)
        number = np.zeros(grids[0].shape, np.int64)
        for grid, size in zip(grids, came, strict=True):
            number = number * size + grid
        found.append(np.where(outside, prod(came), number).ravel())
    return found


def seen_by_taps(values: Array, came: Places, tables: Sequence[Table]) -> Array:
    """Return the sum over taps of a value at the places that they see."""
    given = tuple(len(table) for table in tables)
    if len(values) == prod(came) and count_of(given) == prod(given):
        padded = np.append(values, 0.0)
        return sum((padded[places] for places in flat_taps(came, tables)), np.zeros(prod(given)))
    counts = [(table >= 0).sum(axis=1).astype(np.float64) for table in tables]
    if count_of(given) == prod(given):
        many: Array = values.mean() * kron([each[:, None] for each in counts])[:, 0]
        return many
    return np.full(2, values.mean() * prod(float(each.mean()) for each in counts))


def kron(matrices: Sequence[Array]) -> Array:
    """Return the Kronecker product: what acts on all axes at once."""
    found: Array = np.ones((1, 1))
    for matrix in matrices:
        found = np.asarray(np.kron(found, matrix), np.float64)
    return found


def mixed(moments: Array, came: Places, matrices: Sequence[Array]) -> Array:
    """Return the moments after a matrix along each axis, (outputs, inputs): means, copies, zeros, interpolation."""
    given = tuple(len(matrix) for matrix in matrices)
    if len(moments) == prod(came) and count_of(given) == prod(given):
        whole = kron(matrices)
        after: Array = whole @ moments @ whole.T
        return after
    own, other = two_of(moments, came)
    squares, sums = [each @ each.T for each in matrices], [each.sum(axis=1) for each in matrices]
    rows = [np.outer(each, each) for each in sums]
    if count_of(given) == prod(given):
        return other * kron(rows) + (own - other) * kron(squares)
    seen, pairs = diagonal_and_pairs(squares)
    alone, together = diagonal_and_pairs(rows)
    count = prod(given)
    return two_places(
        other * alone + (own - other) * seen,
        other * apart(alone, together, count) + (own - other) * apart(seen, pairs, count),
    )


def diagonal_and_pairs(matrices: Sequence[Array]) -> tuple[float, float]:
    return prod(float(np.diag(each).mean()) for each in matrices), prod(float(each.mean()) for each in matrices)


def moved(values: Array, came: Places, matrices: Sequence[Array]) -> Array:
    """Return a mean at each place after a matrix along each axis."""
    given = tuple(len(matrix) for matrix in matrices)
    if len(values) == prod(came) and count_of(given) == prod(given):
        after: Array = kron(matrices) @ values
        return after
    sums = [each.sum(axis=1, keepdims=True) for each in matrices]
    if count_of(given) == prod(given):
        many: Array = values.mean() * kron(sums)[:, 0]
        return many
    return np.full(2, values.mean() * prod(float(each.mean()) for each in sums))


def counted(table: Table, size: int) -> Array:
    """Return how often each output's taps see each input."""
    matrix: Array = np.zeros((len(table), size))
    rows, taps = np.nonzero(table >= 0)
    np.add.at(matrix, (rows, table[rows, taps]), 1.0)
    return matrix


def averaging(table: Table, size: int, zeros: bool) -> Array:
    """Return the matrix of a mean over windows: over what is inside, or over all taps, zeros outside being counted."""
    matrix = counted(table, size)
    divisor = float(table.shape[1]) if zeros else np.maximum(matrix.sum(axis=1, keepdims=True), 1.0)
    return matrix / divisor


def copying(sources: NDArray[np.int64], size: int) -> Array:
    """Return the matrix that puts an input place, or 0 for -1, at each output place."""
    matrix = np.zeros((len(sources), size))
    inside = sources >= 0
    matrix[np.flatnonzero(inside), sources[inside]] = 1.0
    return matrix


SAMPLED = 16  # features at which a rearrangement is looked at


def rearranged(
    moments: Array, levels: Array, came: Places, features: int, numbers: NDArray[np.int64], apart: int = 0
) -> Array:
    """Return the moments after values were put elsewhere: `numbers` (*places, features) says which was whose.

    `levels` are those of two features. What is returned is for one feature, or for two that stand `apart`.
    """
    *places, width = numbers.shape
    given = tuple(places)
    table = numbers.reshape(-1, width)
    count = count_of(given)
    if count != len(table):  # two that stand for all: the first, and one that is neither next to it nor far
        table = table[[0, (len(table) * 5) // 8]]
    picked = np.unique(np.linspace(0, width - 1, SAMPLED).astype(np.int64))
    seen: Counter[tuple[bytes, ...]] = Counter()  # how often features are spread over places in one manner
    for feature in picked:
        place, kind = np.divmod(table[:, feature], features)
        other_place, other_kind = np.divmod(table[:, (feature + apart) % width], features)
        alike = kind[:, None] == other_kind[None, :]
        seen[place.tobytes(), other_place.tobytes(), alike.tobytes()] += 1
    total = np.zeros((count, count))
    for manner, times in seen.items():
        left, right = (np.frombuffer(each, np.int64) for each in manner[:2])
        alike = np.frombuffer(manner[2], bool).reshape(count, count)
        total += times * np.where(alike, met(moments, came, left, right), met(levels, came, left, right))
    return total / len(picked)


def met(moments: Array, came: Places, left: NDArray[np.int64], right: NDArray[np.int64]) -> Array:
    """Return the moments of places, by their numbers."""
    if len(moments) == prod(came):
        followed: Array = moments[np.ix_(left, right)]
        return followed
    own, other = two_of(moments, came)
    found: Array = np.where(left[:, None] == right[None, :], own, other)
    return found
