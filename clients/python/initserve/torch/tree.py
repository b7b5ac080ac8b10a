"""A module tree as layers of a spec: every parameter once, under the name that the layer's array has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import nn

from initserve.torch.layers import Layer, layer_of, stack_of, tensor_of, within_adapter
from initserve.torch.names import Named, joined, named_modules
from initserve.torch.targets import Target, computed

# The names that dtypes have in specs.
DTYPES = {
    torch.float32: "float32",
    torch.float64: "float64",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
ROOT = "model"  # what a layer is called that is the whole model
Finds: TypeAlias = Callable[[nn.Module], Layer | None]


@dataclass(slots=True)
class Node:
    """A layer and the model's parameters that it has, by their names in the layer's file."""

    layer: Layer
    module: nn.Module
    targets: dict[str, Target] = field(default_factory=dict)


def nodes_of(model: nn.Module, stacks: bool = False) -> Iterator[Node]:
    """Yield the layers of a model in registration order; a module that stands at several places is at its first.

    `stacks`: whether modules that are made of others (nn.TransformerEncoder) are one layer.
    """
    swallowed: set[int] = set()  # modules whose parameters are a layer's around them
    for named in named_modules(model):
        if id(named.module) not in swallowed:
            layer = stack_of(named.module) if stacks else None
            inside = named.module.modules() if layer is not None else within(named.module)
            swallowed.update(map(id, inside))
            yield from [stack(named, layer)] if layer is not None else nodes_at(named)


def within(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules within one whose parameters are filled as that one's."""
    if layer_of(module) is not None and isinstance(module, nn.MultiheadAttention) and complete(module):
        yield module.out_proj
    for name in computed(module):
        if hasattr(module, "parametrizations"):
            yield from module.parametrizations[name].modules()


def stack(named: Named, layer: Layer) -> Node:
    name = named.plain or ROOT
    parameters = named.module.named_parameters()
    targets = {f"{name}.{each}": Target(joined(named.path, each), it) for each, it in parameters}
    return Node({"name": name, **layer}, named.module, targets)


def nodes_at(named: Named) -> Iterator[Node]:
    """Yield the layer that a module is, and its parameters that are none of this."""
    module, name = named.module, named.plain or ROOT
    own = targets_of(named)
    layer = layer_of(module) if own else None
    if layer is not None and complete(module):
        taken = {each: own.pop(each) for each in list(own) if each in known(module)}
        if isinstance(module, nn.MultiheadAttention):
            projection = module.out_proj.named_parameters(prefix="out_proj", recurse=False)
            taken |= {each: Target(joined(named.path, each), it) for each, it in projection}
        layer = within_adapter(name, {"name": name, **layer})
        yield Node(layer, module, {f"{name}.{each}": it for each, it in taken.items()})
    for each, target in own.items():
        full = joined(named.plain, each)
        bare = within_adapter(full, {"name": full, **tensor_of(module, full, target.tensor)})
        yield Node(bare, module, {full: target})


def targets_of(named: Named) -> dict[str, Target]:
    """Return what a module has of its own, by name: parameters, and values in the place of those they are made of."""
    made = computed(named.module)
    parts = {id(part) for each in made.values() for part in each.of}
    found = {name: Target(joined(named.path, name), each.tensor, each.put) for name, each in made.items()}
    for name, parameter in named.module.named_parameters(recurse=False, remove_duplicate=False):
        if id(parameter) not in parts:
            found[name] = Target(joined(named.path, name), parameter)
    return found


def complete(module: nn.Module) -> bool:
    """Whether a module has the parameters that its layer has: a subclass may keep its weight elsewhere (adapters)."""
    names = {name for name, _ in module.named_parameters(recurse=False, remove_duplicate=False)}
    return known(module) <= names | computed(module).keys()


def known(module: nn.Module) -> set[str]:
    """Return the names of the parameters of its own that a module has as the class that its layer stands for."""
    return {name for name, value in plain(module).items() if value is not None}


def plain(module: Any) -> dict[str, Any]:
    if isinstance(module, nn.RNNBase):
        return dict.fromkeys(module._flat_weights_names, True)
    names: tuple[str, ...] = ("weight", "bias")
    if isinstance(module, nn.RNNCellBase):
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
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
    return {name: getattr(module, name, None) for name in names}
