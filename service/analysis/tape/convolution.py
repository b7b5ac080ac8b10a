"""Convolutions over any number of axes: windows of inputs times a kernel, and the way back as a layer of its own."""

from math import prod

from service.analysis.tape.node import Array, Node
from service.analysis.tape.products import multiplied, product
from service.analysis.tape.windows import Windows, laid, padded, seen


def convolve(x: Node, kernel: Node, windows: Windows, groups: int = 1) -> Node:
    """(batch, *places, in) with a kernel (*field, in / groups, out) -> (batch, *windows, out)."""
    batch, *places, inputs = x.value.shape
    counts, outputs = windows.counts(places), kernel.value.shape[-1]
    rows, area = batch * prod(counts), prod(windows.field)
    whole = padded(x.value, windows)
    weights = kernel.value

    def patches() -> Array:  # made anew on the way back: they are larger than all else that a pass keeps
        return seen(whole, windows).reshape(rows, area * inputs)

    def pull(g: Array) -> tuple[Array | None, Array | None]:
        back = g.reshape(rows, outputs)
        at_kernel = None if kernel.constant else of_kernel(patches(), back, area, groups).reshape(weights.shape)
        if x.constant:
            return None, at_kernel
        parts = of_patches(back, weights, area, groups)
        if windows.plain:
            return parts.reshape(x.value.shape), at_kernel
        return laid(parts.reshape(batch, *counts, *windows.field, inputs), windows, places), at_kernel

    y = through(patches(), weights, area, groups)
    return Node(y.reshape(batch, *counts, outputs), (x, kernel), pull)


def through(patches: Array, weights: Array, area: int, groups: int) -> Array:
    """(rows, area x in) x (*field, in / groups, out) -> (rows, out)."""
    if groups == 1:
        return multiplied(patches, weights.reshape(patches.shape[1], -1))
    parted = patches.reshape(len(patches), area, groups, -1)
    kernel = weights.reshape(area, parted.shape[-1], groups, -1)
    return product("pfgs,fsgo->pgo", parted, kernel).reshape(len(patches), -1)


def of_patches(back: Array, weights: Array, area: int, groups: int) -> Array:
    if groups == 1:
        return multiplied(back, weights.reshape(-1, weights.shape[-1]).T)
    parted = back.reshape(len(back), groups, -1)
    kernel = weights.reshape(area, -1, groups, parted.shape[-1])
    return product("pgo,fsgo->pfgs", parted, kernel).reshape(len(back), -1)


def of_kernel(patches: Array, back: Array, area: int, groups: int) -> Array:
    if groups == 1:
        return multiplied(patches.T, back)
    parted = patches.reshape(len(patches), area, groups, -1)
    return product("pfgs,pgo->fsgo", parted, back.reshape(len(back), groups, -1))


def convolve_back(x: Node, kernel: Node, windows: Windows, places: tuple[int, ...], groups: int = 1) -> Node:
    """(batch, *windows, in) with a kernel (*field, out / groups, in) -> (batch, *places, out).

    Each input feeds a window of outputs: what the convolution with these windows does on its way back.
    """
    batch, *counts, inputs = x.value.shape
    rows, area, weights = batch * prod(counts), prod(windows.field), kernel.value
    flat = x.value.reshape(rows, inputs)
    outputs = weights.shape[-2] * groups
    parts = of_patches(flat, weights, area, groups).reshape(batch, *counts, *windows.field, outputs)

    def pull(g: Array) -> tuple[Array | None, Array | None]:
        patches = seen(padded(g, windows), windows)
        if any(have != wanted for have, wanted in zip(patches.shape[1:], counts, strict=False)):
            patches = patches[(slice(None), *(slice(count) for count in counts))]
        patches = patches.reshape(rows, area * outputs)
        at_x = None if x.constant else through(patches, weights, area, groups).reshape(x.value.shape)
        at_kernel = None if kernel.constant else of_kernel(patches, flat, area, groups).reshape(weights.shape)
        return at_x, at_kernel

    return Node(laid(parts, windows, places), (x, kernel), pull)
