"""Elements elsewhere: reshaped, in other axes, cut, joined, padded, looked up."""

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.analysis.tape.node import Array, Node, Part


def reshape(a: Node, shape: tuple[int, ...]) -> Node:
    before = a.value.shape
    return Node(a.value.reshape(shape), (a,), lambda g: (g.reshape(before),))


def transpose(a: Node, axes: Sequence[int]) -> Node:
    back = tuple(np.argsort(axes))
    return Node(a.value.transpose(axes), (a,), lambda g: (g.transpose(back),))


def select(a: Node, where: tuple[slice | int, ...]) -> Node:
    """Return a part of an array, by basic slices and indices."""
    return Node(a.value[where], (a,), lambda g: (Part(where, g),))


def split(a: Node, sizes: Sequence[int], axis: int) -> tuple[Node, ...]:
    """Return an array's parts of these sizes along an axis."""
    before = (slice(None),) * (axis % a.value.ndim)
    return tuple(select(a, (*before, slice(*ends))) for ends in pairwise(accumulate(sizes, initial=0)))


def stack(nodes: Sequence[Node], axis: int) -> Node:
    value = np.stack([node.value for node in nodes], axis)
    return Node(value, tuple(nodes), lambda g: tuple(np.moveaxis(g, axis, 0)))


def join(nodes: Sequence[Node], axis: int) -> Node:
    """Return arrays one after another along an axis; what has one example, or place, is repeated along the others."""
    axis %= nodes[0].value.ndim
    shapes = [list(node.value.shape) for node in nodes]
    whole = np.broadcast_shapes(*((*shape[:axis], 1, *shape[axis + 1 :]) for shape in shapes))
    parts = [
        np.broadcast_to(node.value, (*whole[:axis], shape[axis], *whole[axis + 1 :]))
        for node, shape in zip(nodes, shapes, strict=True)
    ]
    ends = [*accumulate(shape[axis] for shape in shapes)][:-1]
    return Node(np.concatenate(parts, axis), tuple(nodes), lambda g: tuple(np.split(g, ends, axis)))


def pad(a: Node, widths: Sequence[tuple[int, int]]) -> Node:
    """Return an array with so many zeros before and after it along each axis after the first; below 0, cut off."""
    every = ((0, 0), *widths)
    sizes = a.value.shape
    kept = tuple(slice(max(0, -b), size - max(0, -e)) for (b, e), size in zip(every, sizes, strict=True))
    more = tuple((max(0, before), max(0, after)) for before, after in every)

    def pull(g: Array) -> tuple[Array]:
        whole = np.zeros_like(a.value)
        inside = tuple(slice(b, size - e) for (b, e), size in zip(more, g.shape, strict=True))
        whole[kept] = g[inside]
        return (whole,)

    return Node(np.pad(a.value[kept], more), (a,), pull)


def look_up(table: Node, rows: NDArray[np.integer[Any]], fixed: int | None = None) -> Node:
    """Return rows of a table; one that is `fixed`, a padding token's, has no gradient of what reads it."""

    def pull(g: Array) -> tuple[Part]:
        flat = rows.reshape(-1)
        order = np.argsort(flat, kind="stable")
        found, starts = np.unique(flat[order], return_index=True)
        sums = np.add.reduceat(g.reshape(flat.size, -1)[order], starts).reshape(-1, *g.shape[rows.ndim :])
        if fixed is not None:
            sums[found == fixed] = 0.0
        return (Part((found,), sums),)

    return Node(table.value[rows], (table,), pull)
