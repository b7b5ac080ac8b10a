"""What a rule is: the weights of a layer and what comes in, to what it gives before its activation."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from service.analysis import tape
from service.analysis.tape import Node

Weights: TypeAlias = Mapping[str, Node]  # by their canonical names
Rule: TypeAlias = Callable[..., Node | tuple[Node, ...]]  # (layer, weights, *inputs); a split gives its parts


def with_bias(y: Node, weights: Weights, name: str = "bias") -> Node:
    """Return what a rule has just made, with a bias where the layer has one."""
    return tape.add_to(y, weights[name]) if name in weights else y
