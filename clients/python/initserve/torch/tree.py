"""A module tree as layers of a spec: every parameter once, under the name that the layer's array has."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from initserve.torch.layers import Layer, layer_of, tensor_of

# The names that dtypes have in specs.
DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
ROOT = "model"  # what a layer is called that is the whole model


@dataclass(slots=True)
class Node:
    """A layer and the model's parameters that it has, by their names in the layer's file."""

    layer: Layer
    module: str  # the module's class
    parameters: dict[str, tuple[str, nn.Parameter]] = field(default_factory=dict)  # key: (name in the model, it)


def nodes_of(model: nn.Module) -> Iterator[Node]:
    """Yield the layers of a model in registration order; a module that stands at several places is at its first."""
    swallowed: set[int] = set()  # modules whose parameters are a layer's around them
    for path, module in model.named_modules():
        if id(module) in swallowed:
            continue
        kind, name = type(module).__name__, path or ROOT
        own = dict(module.named_parameters(prefix="", recurse=False, remove_duplicate=False))
        inside: dict[str, nn.Parameter] = {}
        if isinstance(module, nn.MultiheadAttention):
            inside = {f"out_proj.{each}": it for each, it in module.out_proj.named_parameters(recurse=False)}
        layer = layer_of(module) if own else None
        # A subclass may keep its weight elsewhere (parametrizations), and have others beside it (adapters).
        weights = own.keys() & known(module)
        if layer is not None and weights == known(module):
            if inside:
                swallowed.add(id(module.out_proj))
            taken = {each: own.pop(each) for each in sorted(weights, key=list(own).index)} | inside
            keys = {f"{name}.{each}": (joined(path, each), it) for each, it in taken.items()}
            yield Node({"name": name, **layer}, kind, keys)
        for each, parameter in own.items():
            full = joined(path, each)
            yield Node({"name": full, **tensor_of(module, each, parameter)}, kind, {full: (full, parameter)})


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def known(module: nn.Module) -> set[str]:
    """Return the names of the parameters of its own that a module has as the class that its layer stands for."""
    return {name for name, value in plain(module).items() if value is not None}


def plain(module: Any) -> dict[str, Any]:
    if isinstance(module, nn.RNNBase):
        return dict.fromkeys(module._flat_weights_names, True)
    if isinstance(module, nn.MultiheadAttention):
        names = (
            "in_proj_weight",
            "q_proj_weight",
            "k_proj_weight",
            "v_proj_weight",
            "in_proj_bias",
            "bias_k",
            "bias_v",
        )
        return {name: getattr(module, name) for name in names}
    return {name: getattr(module, name, None) for name in ("weight", "bias")}
