"""Sums of products over shared indices, each brought to products of matrices."""

from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import NamedTuple

import numpy as np

from service.analysis.tape.node import Array, Node
from service.analysis.threads import side_by_side, threads_of_a_pass

PRODUCT = 2**28  # multiplications between two looks at whether anybody still waits: ten milliseconds
LEAST = 2**22  # multiplications that are worth handing to another thread: a tenth of a millisecond


def contract(equation: str, a: Node, b: Node) -> Node:
    """Return the einsum of two arrays; every index of one is in the other or in the result."""
    left, result = equation.split("->")
    first, second = left.split(",")
    x, y = a.value, b.value

    def pull(g: Array) -> tuple[Array | None, Array | None]:
        return (
            None if a.constant else product(f"{result},{second}->{first}", g, y),
            None if b.constant else product(f"{first},{result}->{second}", x, g),
        )

    return Node(product(equation, x, y), (a, b), pull)


def times(x: Node, matrix: Node, transposed: bool = False) -> Node:
    """(…, in) x (in, out) -> (…, out); x times the transpose of a matrix (out, in) where that is said."""
    *outer, inputs = x.value.shape
    flat = x.value.reshape(prod(outer), inputs)
    kernel = matrix.value
    y = multiplied(flat, kernel.T if transposed else kernel)

    def pull(g: Array) -> tuple[Array | None, Array | None]:
        back = g.reshape(len(flat), -1)
        at_x = None if x.constant else multiplied(back, kernel if transposed else kernel.T).reshape(x.value.shape)
        if matrix.constant:
            return at_x, None
        return at_x, multiplied(back.T, flat) if transposed else multiplied(flat.T, back)

    return Node(y.reshape(*outer, y.shape[-1]), (x, matrix), pull)


class Order(NamedTuple):
    """How the axes of two arrays are put so that a product of matrices is left, and those of its result."""

    first: tuple[int, ...]
    second: tuple[int, ...]
    result: tuple[int, ...]
    counts: tuple[int, int, int, int]  # of axes: in all three, of the first and the result, summed, of the second


@lru_cache(maxsize=256)
def order_of(equation: str) -> Order:
    left, result = equation.split("->")
    first, second = left.split(",")
    every = [label for label in result if label in first and label in second]
    rows = [label for label in result if label in first and label not in second]
    columns = [label for label in result if label in second and label not in first]
    summed = [label for label in first if label in second and label not in result]
    made = [*every, *rows, *columns]
    return Order(
        tuple(first.index(label) for label in (*every, *rows, *summed)),
        tuple(second.index(label) for label in (*every, *summed, *columns)),
        tuple(made.index(label) for label in result),
        (len(every), len(rows), len(summed), len(columns)),
    )


def product(equation: str, a: Array, b: Array) -> Array:
    """Return np.einsum of two arrays, a large one part after part."""
    order = order_of(equation)
    every, rows, summed, _ = order.counts
    a, b = a.transpose(order.first), b.transpose(order.second)
    outer, height = a.shape[:every], a.shape[every : every + rows]
    width, inner = b.shape[every + summed :], prod(b.shape[every : every + summed])
    left, right = a.reshape(prod(outer), prod(height), inner), b.reshape(prod(outer), inner, prod(width))
    made = stacked(left, right) if every else multiplied(left[0], right[0])
    return made.reshape(*outer, *height, *width).transpose(order.result)


def stacked(a: Array, b: Array) -> Array:
    """(count, rows, inner) x (count, inner, columns): matrix by matrix."""
    count, rows, inner = a.shape
    columns = b.shape[2]
    made = np.empty((count, rows, columns), np.result_type(a, b))
    return in_parts(made, count, count * rows * inner * columns, lambda part: (a[part], b[part], made[part]))


def multiplied(a: Array, b: Array) -> Array:
    """(rows, inner) x (inner, columns), cut along the longer side of what comes out."""
    rows, inner = a.shape
    columns = b.shape[1]
    made = np.empty((rows, columns), np.result_type(a, b))
    if rows >= columns:
        return in_parts(made, rows, rows * inner * columns, lambda part: (a[part], b, made[part]))
    return in_parts(made, columns, rows * inner * columns, lambda part: (a, b[:, part], made[:, part]))


def in_parts(made: Array, size: int, work: int, parts: Callable[[slice], tuple[Array, Array, Array]]) -> Array:
    """Fill `made` by products of what `parts` gives for slices of an axis of this size."""
    threads = threads_of_a_pass()
    count = min(size, threads * max(1, round(work / PRODUCT / threads))) if work >= threads * LEAST else 1
    if count <= 1:
        left, right, out = parts(slice(None))
        np.matmul(left, right, out=out)
        return made
    step = -(-size // count)

    def multiply(start: int) -> None:
        left, right, out = parts(slice(start, start + step))
        np.matmul(left, right, out=out)

    side_by_side(multiply, range(0, size, step))
    return made
