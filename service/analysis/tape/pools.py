"""Pools: the largest of each window, or its mean."""

from math import prod

import numpy as np

from service.analysis.tape.node import Array, Node
from service.analysis.tape.windows import Windows, padded, unpadded


def max_pool(x: Node, windows: Windows) -> Node:
    """Return the largest value that each window sees, by feature; of equal ones, the first gets the gradient."""
    _, *places, _ = x.value.shape
    counts = windows.counts(places)
    whole = padded(x.value, windows, -np.inf)
    shifts = list(windows.shifts(counts))
    best = whole[shifts[0]].copy()
    which = np.zeros(best.shape, np.int32)
    for index, shift in enumerate(shifts[1:], start=1):
        larger = ~(whole[shift] <= best) & ~np.isnan(best)  # NaN is passed on
        best[larger], which[larger] = whole[shift][larger], index
    shape, dtype = whole.shape, whole.dtype

    def pull(g: Array) -> tuple[Array]:
        back = np.zeros(shape, dtype)
        for index, shift in enumerate(shifts):
            back[shift] += np.where(which == index, g, 0)
        return (unpadded(back, windows, places),)

    return Node(best, (x,), pull)


def average_pool(x: Node, windows: Windows, padding_counts: bool) -> Node:
    """Return the mean of what each window sees; whether places around the array count as zeros is for the caller."""
    _, *places, _ = x.value.shape
    counts = windows.counts(places)
    shifts = list(windows.shifts(counts))
    whole = padded(x.value, windows)
    if padding_counts:
        share: Array = np.full((1, *counts, 1), 1.0 / prod(windows.field), whole.dtype)
    else:
        real = padded(np.ones((1, *places, 1), whole.dtype), windows)
        share = 1.0 / sum_of(real, shifts)

    def pull(g: Array) -> tuple[Array]:
        back, part = np.zeros(whole.shape, whole.dtype), g * share
        for shift in shifts:
            back[shift] += part
        return (unpadded(back, windows, places),)

    return Node(sum_of(whole, shifts) * share, (x,), pull)


def sum_of(whole: Array, shifts: list[tuple[slice, ...]]) -> Array:
    total = whole[shifts[0]].copy()
    for shift in shifts[1:]:
        total += whole[shift]
    return total


def mean(x: Node, axes: tuple[int, ...]) -> Node:
    """Return the mean over axes, which are gone."""
    shape, count = x.value.shape, prod(x.value.shape[axis] for axis in axes)
    value = x.value.mean(axis=axes, dtype=np.float64).astype(x.value.dtype)
    return Node(value, (x,), lambda g: (np.broadcast_to(np.expand_dims(g / count, axes), shape),))
