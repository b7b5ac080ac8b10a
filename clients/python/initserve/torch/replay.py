"""What torch itself would have drawn: whether a module tree tells it, and what has to be taken for granted."""

from collections.abc import Sequence

import torch
from torch import nn

from initserve.report import Report
from initserve.torch.names import named_modules
from initserve.torch.tree import Node

# Methods in which models draw again what their modules drew when they were constructed.
AGAIN = ("_init_weights", "init_weights", "initialize_weights", "_reset_parameters", "reset_parameters")
IN_ORDER = "its parts are taken to be constructed in the order in which it has them"


def refuse_replay(nodes: Sequence[Node], report: Report) -> None:
    """Raise ValueError where a module tree does not say what torch would have drawn."""
    if report.tied:
        name, other = next(iter(report.tied.items()))
        raise ValueError(f"{name} is tied to {other}: the tree does not tell which of the two torch drew last")
    for node in nodes:
        kind = type(node.module).__name__
        if node.layer["type"] == "tensor":
            raise ValueError(f"{node.layer['name']}: what {kind} draws when it is constructed is not known")
        for target in node.targets.values():
            if target.tensor.dtype is not torch.float32:
                raise ValueError(
                    f"{target.name} is {target.tensor.dtype}: whether torch drew it so cannot be told; use float32"
                )


def refuse_drawing_again(model: nn.Module) -> None:
    """Raise ValueError where a module draws again once its parts are constructed, so that the tree is not all."""
    for path, _, module in named_modules(model):
        again = drawing_again(module)
        if again:
            raise ValueError(
                f"{path or 'the model'}: {type(module).__name__} has {again}, which draws again when its parts are "
                "constructed; for a published model ask for its recipe"
            )


def drawing_again(module: nn.Module) -> str:
    """Return the name of a method that draws again; "" where there is none, beside those of torch's own layers."""
    if isinstance(module, nn.Transformer):
        return "_reset_parameters"
    for kind in type(module).__mro__:
        if kind.__module__.startswith("torch.nn."):
            return ""
        found = [name for name in AGAIN if name in vars(kind)]
        if found:
            return found[0]
    return ""


def taken_for_granted(model: nn.Module) -> dict[str, str]:
    """Return, by path, the modules of which the tree alone does not say in which order their parts were constructed."""
    found = {}
    for path, _, module in named_modules(model):
        parts = [each for each in module.children() if any(True for _ in each.parameters())]
        if len(parts) > 1 and not known(module):
            found[path] = IN_ORDER
    return found


def known(module: nn.Module) -> bool:
    """Whether torch's own class says in which order its parts are constructed."""
    containers = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return type(module).__module__.startswith("torch.nn.") and not isinstance(module, containers)
