"""A value, how it came about, and the gradient of what came of it: the way back through a network.

A Node is a value and how it came about; `backward` walks from the last one to the first, and lets go of what it has
passed: a graph is gone through once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service import stopping

Array: TypeAlias = NDArray[Any]  # float64, or float32 throughout; a node of tokens holds integers


@dataclass(frozen=True, slots=True)
class Part:
    """The gradient at some places of an array, each named once; it is 0 at all others."""

    where: tuple[slice | int | NDArray[np.integer[Any]], ...]
    values: Array


Pulled: TypeAlias = Array | Part | None  # None: nobody asks for that one
# The gradient at a node -> those at the nodes it came of: that very array, views of it, or a new one for each.
Pull: TypeAlias = Callable[[Array], Sequence[Pulled]]


class Node:
    """A value; `gradient` is there once `backward` has been through. Raises Stopped where nobody waits for it.

    A `constant` came of nothing that could be changed: no gradient goes there.
    """

    def __init__(
        self, value: Array, parents: Sequence["Node"] = (), pull: Pull | None = None, constant: bool = False
    ) -> None:
        stopping.give_way()
        self.value = value
        self.constant: bool = constant or (pull is not None and all(parent.constant for parent in parents))
        self.parents = () if self.constant else parents
        self.pull = None if self.constant else pull
        self.gradient: Array | None = None
        self.own = False  # whether the gradient is this node's own array, which may be added to in place


def constant(value: Array) -> Node:
    """Return a node that no gradient is asked of: a network's inputs, positions, a mask."""
    return Node(value, constant=True)


def backward(last: Node, gradient: Array) -> None:
    """Put into every node that `last` came of the gradient of sum(gradient x last).

    Nodes that have been passed let go of the way they came, so that what nobody else holds is freed on the way.
    """
    order = list(ordered(last))
    last.gradient, last.own = gradient.astype(last.value.dtype, copy=False), False
    while order:
        node = order.pop()
        if node.pull is None or node.gradient is None:
            continue
        stopping.give_way()
        for parent, pulled in zip(node.parents, node.pull(node.gradient), strict=True):
            if pulled is not None and not parent.constant:
                accumulate(parent, pulled, node.gradient)
        node.pull, node.parents = spent, ()


def spent(gradient: Array) -> Sequence[Pulled]:
    raise RuntimeError("a gradient has been through here: run the network again for another")


def ordered(last: Node) -> Iterator[Node]:
    """Yield the nodes that `last` came of, each after those that it came of."""
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(last, False)]
    while stack:  # a recurrent layer's nodes are deeper than Python may recurse
        node, expanded = stack.pop()
        if expanded:
            yield node
        elif id(node) not in seen and not node.constant:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in node.parents)


def accumulate(node: Node, pulled: Array | Part, source: Array) -> None:
    """Add to a node's gradient what was made of `source`; an array that others may hold as well is not changed."""
    if isinstance(pulled, Part):
        if node.gradient is None or not node.own:
            node.gradient = (
                np.zeros(node.value.shape, node.value.dtype) if node.gradient is None else node.gradient.copy()
            )
            node.own = True
        node.gradient[pulled.where] += pulled.values
        return
    pulled = fitted(pulled, node.value.shape)
    if node.gradient is None:
        node.gradient, node.own = pulled, pulled.base is None and pulled is not source
    elif node.own:
        node.gradient += pulled
    else:
        node.gradient, node.own = node.gradient + pulled, True


def fitted(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Sum a gradient over the axes along which its value was broadcast."""
    if gradient.shape == shape:
        return gradient
    outer = gradient.ndim - len(shape)
    axes = [*range(outer)]
    axes += [axis + outer for axis, size in enumerate(shape) if size == 1 and gradient.shape[axis + outer] > 1]
    summed: Array = gradient.sum(axis=tuple(axes), dtype=np.float64, keepdims=True)
    return summed.reshape(shape).astype(gradient.dtype, copy=False)
