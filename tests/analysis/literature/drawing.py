"""Networks put together layer by layer, as a spec has them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

Layers = list[dict[str, Any]]
Scheme = Any


def normal(stddev: float) -> dict[str, Any]:
    return {"name": "random_normal", "mean": 0.0, "stddev": stddev}


def constant(value: float) -> dict[str, Any]:
    return {"name": "constant", "value": value}


class Net:
    """Layers in order; every method that puts one returns its name, by which others take it."""

    def __init__(self) -> None:
        self.layers: Layers = []

    def put(self, kind: str, *inputs: str, name: str | None = None, **members: Any) -> str:
        name = name or f"{kind}_{len(self.layers)}"
        self.layers.append({"name": name, "type": kind, **members, "inputs": list(inputs)})
        return name

    def dense(self, x: str, inputs: int, outputs: int, activation: str = "linear", **more: Any) -> str:
        return self.put("dense", x, shape=[inputs, outputs], activation=activation, **more)

    def conv(self, x: str, inputs: int, outputs: int, field: int = 3, **more: Any) -> str:
        return self.put("conv2d", x, shape=[field, field, inputs, outputs], **{"padding": "same", **more})

    def activate(self, x: str, activation: str) -> str:
        return self.put("activation", x, activation=activation)

    def add(self, *branches: str) -> str:
        return self.put("add", *branches)

    def times(self, *factors: str) -> str:
        return self.put("multiply", *factors)

    def norm(self, x: str, width: int, kind: str = "layer_norm", **more: Any) -> str:
        return self.put(kind, x, shape=[width], **more)

    def array(self, shape: Sequence[int], scheme: Scheme) -> str:
        """Put a source: an array that takes nothing."""
        return self.put("tensor", shape=list(shape), scheme=scheme)

    def scaled(self, x: str, scheme: Scheme, *shape: int) -> str:
        """Multiply by an array that is learnt: one number where no shape is given."""
        return self.times(x, self.array(shape or (1,), scheme))

    def pooled(self, x: str) -> str:
        return self.put("global_average_pool", x)

    def chain(self, x: str, sizes: Sequence[int], activation: str, last: str = "linear", **more: Any) -> str:
        """Put dense layers one after the other."""
        for place, (inputs, outputs) in enumerate(pairwise(sizes)):
            x = self.dense(x, inputs, outputs, last if place == len(sizes) - 2 else activation, **more)
        return x
