"""What starts are written in: layers and rules as a spec states them."""

from typing import Any, TypeAlias

from service.networks.families.tree import Layer

Rule: TypeAlias = dict[str, Any]
Model: TypeAlias = tuple[list[Layer], list[Rule]]


def rule(match: str, scheme: str, **parameters: Any) -> Rule:
    return {"match": match, "scheme": {"name": scheme, **parameters}}


def dense(name: str, inputs: int, outputs: int, **more: Any) -> Layer:
    return {"name": name, "type": "dense", "shape": [inputs, outputs], **more}


def norm(name: str, width: int) -> Layer:
    return {"name": name, "type": "layer_norm", "shape": [width]}


def table(name: str, rows: int, width: int, **more: Any) -> Layer:
    return {"name": name, "type": "embedding", "shape": [rows, width], **more}


def uniform(match: str, reach: float) -> Rule:
    return rule(match, "random_uniform", minval=-reach, maxval=reach)


def convolution(name: str, window: int, inputs: int, outputs: int, **more: Any) -> Layer:
    """Return a convolution over two axes; `more` may state another type of it."""
    return {"name": name, "type": "conv2d", "shape": [window, window, inputs, outputs], **more}
