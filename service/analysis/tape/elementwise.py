"""What is done to each element alike: sums and products that broadcast, functions, the softmax."""

import numpy as np
from numpy.typing import NDArray

from service.analysis.functions import Function, Map, softmax
from service.analysis.tape.node import Array, Node
from service.analysis.threads import side_by_side

ELEMENTS = 2**18  # of a function, between two looks at whether anybody still waits


def add(a: Node, b: Node) -> Node:
    return Node(a.value + b.value, (a, b), lambda g: (g, g))


def add_to(a: Node, b: Node) -> Node:
    """Return a sum, put where `a` was: of what has just been made, and what no way back looks at again."""
    a.value += b.value
    return Node(a.value, (a, b), lambda g: (g, g))


def multiply(a: Node, b: Node) -> Node:
    x, y = a.value, b.value
    return Node(x * y, (a, b), lambda g: (None if a.constant else g * y, None if b.constant else g * x))


def scaled(a: Node, factor: float) -> Node:
    return Node(a.value * factor, (a,), lambda g: (g * factor,))


def mapped(function: Map, x: Array) -> Array:
    """Return an elementwise function of an array, a large one part after part."""
    if x.size <= ELEMENTS:
        return function(x)
    flat = x.reshape(-1)
    out = np.empty(flat.shape, x.dtype)

    def part(start: int) -> None:
        out[start : start + ELEMENTS] = function(flat[start : start + ELEMENTS])

    side_by_side(part, range(0, flat.size, ELEMENTS))
    return out.reshape(x.shape)


def apply(function: Function, a: Node) -> Node:
    x = a.value
    return Node(mapped(function.value, x), (a,), lambda g: (g * mapped(function.slope, x),))


def apply_softmax(a: Node, seen: NDArray[np.bool_] | None = None) -> Node:
    """Return the softmax along the last axis, of those elements alone that are `seen` (which broadcasts)."""
    y = softmax(a.value if seen is None else np.where(seen, a.value, -np.inf))
    return Node(y, (a,), lambda g: (y * (g - (g * y).sum(axis=-1, keepdims=True)),))
