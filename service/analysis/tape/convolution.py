"""Convolutions over any number of axes: windows of inputs times a kernel, and the way back as a layer of its own.

What windows see is put together a part at a time, and anew on the way back: as a whole it would be larger than all else
that a pass keeps.
"""

from collections.abc import Sequence
from math import prod

import numpy as np

from service.analysis.tape.node import Array, Node
from service.analysis.tape.products import multiplied, product
from service.analysis.tape.windows import Windows, lay, padded, seen, unpadded


def convolve(x: Node, kernel: Node, windows: Windows, groups: int = 1) -> Node:
    """(batch, *places, in) with a kernel (*field, in / groups, out) -> (batch, *windows, out)."""
    places, weights = x.value.shape[1:-1], kernel.value
    counts, whole = windows.counts(places), padded(x.value, windows)

    def pull(g: Array) -> tuple[Array | None, Array | None]:
        at_kernel = None if kernel.constant else of_kernel(whole, g, windows, weights, groups)
        at_x = None if x.constant else spread(g, weights, windows, places, groups)
        return at_x, at_kernel

    return Node(gathered(whole, weights, windows, counts, groups), (x, kernel), pull)


def convolve_back(x: Node, kernel: Node, windows: Windows, places: tuple[int, ...], groups: int = 1) -> Node:
    """(batch, *windows, in) with a kernel (*field, out / groups, in) -> (batch, *places, out).

    Each input feeds a window of outputs: what the convolution with these windows does on its way back.
    """
    weights, value = kernel.value, x.value
    counts = value.shape[1:-1]

    def pull(g: Array) -> tuple[Array | None, Array | None]:
        whole = padded(g, windows)
        at_x = None if x.constant else gathered(whole, weights, windows, counts, groups)
        at_kernel = None if kernel.constant else of_kernel(whole, value, windows, weights, groups)
        return at_x, at_kernel

    return Node(spread(value, weights, windows, places, groups), (x, kernel), pull)


def gathered(whole: Array, weights: Array, windows: Windows, counts: Sequence[int], groups: int) -> Array:
    """Return the sums (batch, *windows, out) of what windows see of a padded array, times the kernel."""
    batch, features, outputs = len(whole), whole.shape[-1], weights.shape[-1]
    view, area = seen(whole, windows), prod(windows.field)
    made = np.empty((batch, *counts, outputs), whole.dtype)
    for part in windows.parts(batch, counts, features):
        made[part] = through(patches(view, part, counts), weights, area, groups).reshape(made[part].shape)
    return made


def patches(view: Array, part: tuple[slice, slice], counts: Sequence[int]) -> Array:
    """Return what some windows see, a row for each."""
    some = view[(*part, *(slice(count) for count in counts[1:]))]
    return some.reshape(prod(some.shape[: 1 + len(counts)]), -1)


def spread(g: Array, weights: Array, windows: Windows, places: Sequence[int], groups: int) -> Array:
    """Return (batch, *places, in) of what each window (batch, *windows, out) puts where it sees it, by the kernel."""
    features, area = weights.shape[-2] * groups, prod(windows.field)
    batch, counts = len(g), g.shape[1:-1]
    if windows.plain:
        return of_patches(g.reshape(-1, g.shape[-1]), weights, area, groups).reshape(*g.shape[:-1], features)
    whole = np.zeros((batch, *windows.padded(places), features), g.dtype)
    for part in windows.parts(batch, counts, features):
        some = g[part]
        back = of_patches(some.reshape(-1, g.shape[-1]), weights, area, groups)
        lay(whole[part[0]], back.reshape(*some.shape[:-1], -1), windows, part[1].start)
    return unpadded(whole, windows, places)


def of_kernel(whole: Array, g: Array, windows: Windows, weights: Array, groups: int) -> Array:
    """Return the sums over all windows of what each sees of a padded array times what it has (batch, *windows, out)."""
    view, area, counts = seen(whole, windows), prod(windows.field), g.shape[1:-1]
    total = np.zeros(weights.shape, weights.dtype)
    for part in windows.parts(len(g), counts, whole.shape[-1]):
        rows = patches(view, part, counts)
        back = g[part].reshape(len(rows), -1)
        if groups == 1:
            total += multiplied(rows.T, back).reshape(weights.shape)
        else:
            parted = rows.reshape(len(rows), area, groups, -1)
            total += product("pfgs,pgo->fsgo", parted, back.reshape(len(back), groups, -1)).reshape(weights.shape)
    return total


def through(rows: Array, weights: Array, area: int, groups: int) -> Array:
    """(rows, area x in) x (*field, in / groups, out) -> (rows, out)."""
    if groups == 1:
        return multiplied(rows, weights.reshape(rows.shape[1], -1))
    parted = rows.reshape(len(rows), area, groups, -1)
    kernel = weights.reshape(area, parted.shape[-1], groups, -1)
    return product("pfgs,fsgo->pgo", parted, kernel).reshape(len(rows), -1)


def of_patches(back: Array, weights: Array, area: int, groups: int) -> Array:
    """(rows, out) x (*field, in / groups, out) -> (rows, area x in)."""
    if groups == 1:
        return multiplied(back, weights.reshape(-1, weights.shape[-1]).T)
    parted = back.reshape(len(back), groups, -1)
    kernel = weights.reshape(area, -1, groups, parted.shape[-1])
    return product("pgo,fsgo->pfgs", parted, kernel).reshape(len(back), -1)
