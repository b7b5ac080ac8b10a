"""Reverse-mode differentiation over NumPy arrays: what a network computed, and the gradient of it, back to the start.

A Node is a value and how it came about; `backward` walks from the last one to the first. The operations are those
that the layers in network.py need, and no more.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.analysis.functions import Function, Map, softmax

Array: TypeAlias = NDArray[np.float64]
EPSILON = 1e-5  # of normalisations: as PyTorch's; Keras has 1e-3
# Multiplications of a product, and elements of a function, between two looks at whether anybody still waits.
PRODUCT, ELEMENTS = 2**26, 2**18
ROUNDING = 1e-13  # of a mean: what rounding may make of equal values
Pull: TypeAlias = Callable[[Array], Sequence[Array]]  # the gradient at a node -> those at the nodes it came of


class Node:
    """A value; `gradient` is there once `backward` has been through. Raises Stopped where nobody waits for it."""

    def __init__(self, value: Array, parents: Sequence["Node"] = (), pull: Pull | None = None) -> None:
        stopping.check()
        self.value = value
        self.parents = parents
        self.pull = pull
        self.gradient: Array | None = None


def backward(last: Node, gradient: Array) -> None:
    """Put into every node that `last` came of the gradient of sum(gradient x last)."""
    order: list[Node] = []
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(last, False)]
    while stack:  # a recurrent layer's nodes are deeper than Python may recurse
        node, expanded = stack.pop()
        if expanded:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)
    last.gradient = gradient
    for node in reversed(order):
        if node.pull is None or node.gradient is None:
            continue
        stopping.check()
        for parent, part in zip(node.parents, node.pull(node.gradient), strict=True):
            part = fitted(part, parent.value.shape)
            parent.gradient = part if parent.gradient is None else parent.gradient + part


def fitted(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which its value was broadcast."""
    gradient = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis] > 1)
    return gradient.sum(axis=repeated, keepdims=True) if repeated else gradient


def add(a: Node, b: Node) -> Node:
    return Node(a.value + b.value, (a, b), lambda g: (g, g))


def multiply(a: Node, b: Node) -> Node:
    return Node(a.value * b.value, (a, b), lambda g: (g * b.value, g * a.value))


def scaled(a: Node, factor: float) -> Node:
    return Node(a.value * factor, (a,), lambda g: (g * factor,))


def contract(equation: str, a: Node, b: Node) -> Node:
    """Return the einsum of two arrays; every index of one is in the other or in the result."""
    left, result = equation.split("->")
    first, second = left.split(",")

    def pull(g: Array) -> tuple[Array, Array]:
        return (
            product(f"{result},{second}->{first}", g, b.value),
            product(f"{result},{first}->{second}", g, a.value),
        )

    return Node(product(equation, a.value, b.value), (a, b), pull)


def product(equation: str, a: Array, b: Array) -> Array:
    """Return np.einsum of two arrays, a large one part after part of the result's longest axis."""
    inputs, result = equation.split("->")
    labels = inputs.split(",")
    sizes = dict(zip("".join(labels), a.shape + b.shape, strict=True))
    most = prod(sizes.values()) // PRODUCT
    if not most:
        whole: Array = np.einsum(equation, a, b, optimize=True)
        return whole
    cut = max(result, key=lambda label: sizes[label])
    axis = result.index(cut)
    out = np.empty([sizes[label] for label in result])
    step = max(1, sizes[cut] // most)
    for start in range(0, sizes[cut], step):
        stopping.check()
        part = slice(start, start + step)
        some = [
            one[(slice(None),) * names.index(cut) + (part,)] if cut in names else one
            for names, one in zip(labels, (a, b), strict=True)
        ]
        out[(slice(None),) * axis + (part,)] = np.einsum(equation, *some, optimize=True)
    return out


def mapped(function: Map, x: Array) -> Array:
    """Return an elementwise function of an array, a large one part after part."""
    if x.size <= ELEMENTS:
        return function(x)
    flat = x.reshape(-1)
    out = np.empty(flat.shape)
    for start in range(0, flat.size, ELEMENTS):
        stopping.check()
        out[start : start + ELEMENTS] = function(flat[start : start + ELEMENTS])
    return out.reshape(x.shape)


def apply(function: Function, a: Node) -> Node:
    return Node(mapped(function.value, a.value), (a,), lambda g: (g * mapped(function.slope, a.value),))


def apply_softmax(a: Node) -> Node:
    """Return the softmax along the last axis."""
    y = softmax(a.value)
    return Node(y, (a,), lambda g: (y * (g - (g * y).sum(axis=-1, keepdims=True)),))


def reshape(a: Node, shape: tuple[int, ...]) -> Node:
    return Node(a.value.reshape(shape), (a,), lambda g: (g.reshape(a.value.shape),))


def select(a: Node, where: tuple[slice | int, ...]) -> Node:
    """Return a part of an array, by basic slices and indices."""

    def pull(g: Array) -> tuple[Array]:
        whole = np.zeros_like(a.value)
        whole[where] = g
        return (whole,)

    return Node(a.value[where], (a,), pull)


def stack(nodes: Sequence[Node], axis: int) -> Node:
    value = np.stack([node.value for node in nodes], axis)
    return Node(value, tuple(nodes), lambda g: tuple(np.moveaxis(g, axis, 0)))


def join(nodes: Sequence[Node], axis: int) -> Node:
    value = np.concatenate([node.value for node in nodes], axis)
    ends = np.cumsum([node.value.shape[axis] for node in nodes])[:-1]
    return Node(value, tuple(nodes), lambda g: tuple(np.split(g, ends, axis)))


def look_up(table: Node, rows: NDArray[np.int64]) -> Node:
    """Return rows of a table."""

    def pull(g: Array) -> tuple[Array]:
        whole = np.zeros_like(table.value)
        np.add.at(whole, rows, g)
        return (whole,)

    return Node(table.value[rows], (table,), pull)


def standardise(a: Node, axes: tuple[int, ...], centred: bool = True) -> Node:
    """Divide by the deviation over `axes`, having subtracted the mean (not so for the root mean square)."""
    away = a.value
    if centred:
        mean = a.value.mean(axis=axes, keepdims=True)
        away = a.value - mean
        # What is the same everywhere is exactly 0 away from its mean, but for the rounding of that mean.
        away = np.where(np.abs(away) <= ROUNDING * np.abs(mean), 0.0, away)
    rate = 1.0 / np.sqrt((away * away).mean(axis=axes, keepdims=True) + EPSILON)
    y = away * rate

    def pull(g: Array) -> tuple[Array]:
        along = g - y * (g * y).mean(axis=axes, keepdims=True)
        return (rate * (along - g.mean(axis=axes, keepdims=True) if centred else along),)

    return Node(y, (a,), pull)


def unfold(a: Node, field: tuple[int, ...]) -> Node:
    """(batch, *space, channels) -> (batch, *space, *field, channels): what a convolution sees at each place.

    Space is a ring along every axis, so that borders do not weigh in (Xiao et al. 2018).
    """
    shifts = offsets(field)
    space = tuple(range(1, 1 + len(field)))
    shape = (*a.value.shape[:-1], *field, a.value.shape[-1])
    value = np.stack([np.roll(a.value, [-s for s in shift], space) for shift in shifts], -2).reshape(shape)

    def pull(g: Array) -> tuple[Array]:
        parts = g.reshape(*a.value.shape[:-1], len(shifts), a.value.shape[-1])
        return (sum_of([np.roll(parts[..., k, :], shift, space) for k, shift in enumerate(shifts)]),)

    return Node(value, (a,), pull)


def fold(a: Node, field: tuple[int, ...], step: int) -> Node:
    """(batch, *space, *field, channels) -> (batch, *space x step, channels): fields laid over each other and added."""
    count = len(field)
    batch, *space = a.value.shape[: 1 + count]
    shifts, axes = offsets(field), tuple(range(1, 1 + count))
    flat = (batch, *space, len(shifts), a.value.shape[-1])
    every = (slice(None), *(slice(None, None, step) for _ in space))

    def laid(part: Array, shift: tuple[int, ...]) -> Array:
        wide = np.zeros((batch, *(size * step for size in space), a.value.shape[-1]))
        wide[every] = part
        return np.roll(wide, shift, axes)

    parts = a.value.reshape(flat)
    value = sum_of([laid(parts[..., k, :], shift) for k, shift in enumerate(shifts)])

    def pull(g: Array) -> tuple[Array]:
        back = [np.roll(g, [-s for s in shift], axes)[every] for shift in shifts]
        return (np.stack(back, -2).reshape(a.value.shape),)

    return Node(value, (a,), pull)


def offsets(field: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return how far each place of a field lies from its middle, in C order."""
    return [tuple(int(i) - size // 2 for i, size in zip(at, field, strict=True)) for at in np.ndindex(*field)]


def sum_of(parts: Sequence[Array]) -> Array:
    total = parts[0].copy()
    for part in parts[1:]:
        total += part
    return total
