"""Reverse-mode differentiation over NumPy arrays: what a network computed, and the gradient of it, back to the start.

A Node is a value and how it came about; `backward` walks from the last one to the first. The operations are those
that the layers in network.py need, and no more.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.analysis.functions import Function, softmax

Array: TypeAlias = NDArray[np.float64]
EPSILON = 1e-5  # of normalisations: as PyTorch's; Keras has 1e-3
Pull: TypeAlias = Callable[[Array], Sequence[Array]]  # the gradient at a node -> those at the nodes it came of


class Node:
    """A value; `gradient` is there once `backward` has been through."""

    def __init__(self, value: Array, parents: Sequence["Node"] = (), pull: Pull | None = None) -> None:
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
    value = np.einsum(equation, a.value, b.value, optimize=True)

    def pull(g: Array) -> tuple[Array, Array]:
        return (
            np.einsum(f"{result},{second}->{first}", g, b.value, optimize=True),
            np.einsum(f"{result},{first}->{second}", g, a.value, optimize=True),
        )

    return Node(value, (a, b), pull)


def apply(function: Function, a: Node) -> Node:
    return Node(function.value(a.value), (a,), lambda g: (g * function.slope(a.value),))


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
    away = a.value - a.value.mean(axis=axes, keepdims=True) if centred else a.value
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
