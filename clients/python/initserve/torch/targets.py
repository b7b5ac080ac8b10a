"""What an array is put into: a parameter, or a value that a module computes of others and takes as a whole."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn.utils import parametrize
from torch.nn.utils.weight_norm import WeightNorm

Put: TypeAlias = Callable[[torch.Tensor], None]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """`name` is the model's; `tensor` has shape, dtype and device. `put` takes a value where there is no parameter."""

    name: str
    tensor: torch.Tensor
    put: Put | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A value that a module computes of parameters: how it is set, and these parameters."""

    tensor: torch.Tensor
    put: Put
    of: tuple[nn.Parameter, ...]


def computed(module: nn.Module) -> Mapping[str, Computed]:
    """Return, by name, the values that a module computes of parameters (weight_norm) and that can be set."""
    return {name: found for name, found in candidates(module) if not any(map(sharded, found.of))}


def candidates(module: Any) -> Iterator[tuple[str, Computed]]:
    if parametrize.is_parametrized(module):
        for name, each in module.parametrizations.items():
            if all(hasattr(one, "right_inverse") for one in each):
                yield name, Computed(getattr(module, name), setting(module, name), tuple(each.parameters()))
    for hook in module._forward_pre_hooks.values():
        if isinstance(hook, WeightNorm):
            length, direction = (getattr(module, f"{hook.name}_{ending}") for ending in "gv")
            yield hook.name, Computed(direction, splitting(length, direction, hook.dim), (length, direction))


def setting(module: nn.Module, name: str) -> Put:
    """Return what sets a parametrised value: torch's own inverse puts it into the parameters."""
    return lambda value: setattr(module, name, value)


def splitting(length: torch.Tensor, direction: torch.Tensor, dim: int) -> Put:
    def put(value: torch.Tensor) -> None:
        direction.copy_(value)
        length.copy_(torch.norm_except_dim(value, 2, dim))

    return put


def sharded(parameter: torch.Tensor) -> bool:
    return hasattr(parameter, "placements")
