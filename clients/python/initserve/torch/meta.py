"""Memory for what is on the meta device: ties stay, and buffers get the values that their modules compute."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import nn

Place = tuple[nn.Module, str]
UNKNOWN = (
    "is a buffer on the meta device, whose values its module's constructor alone knows: give it memory and its values "
    "first"
)


def materialise(model: nn.Module, device: torch.device | str) -> None:
    """Give memory on a device to all that has none; what stands in it is anything, but for buffers."""
    buffers = [(module, name) for module, name, _ in meta_buffers(model)]
    tied = places(model)
    model._apply(lambda each: torch.empty_like(each, device=device) if each.is_meta else each)
    for old, (first, *others) in tied:
        parameter: Any = first[0]._parameters[first[1]]
        if parameter is not old:
            vars(parameter).update(vars(old))  # transformers and others keep what they know of it there
        for module, name in others:
            if module._parameters[name] is not parameter:
                module._parameters[name] = parameter
    compute(model, buffers)


def refuse_unknown(model: nn.Module) -> None:
    """Raise ValueError for buffers without memory whose values nothing tells."""
    within = {id(each) for outermost in of_transformers(model) for each in outermost.modules()}
    for module, _, path in meta_buffers(model):
        if id(module) not in within and not hasattr(module, "reset_running_stats"):
            raise ValueError(f"{path} {UNKNOWN}")


def meta_buffers(model: nn.Module) -> Iterator[tuple[nn.Module, str, str]]:
    for path, module in model.named_modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta:
                yield module, name, f"{path}.{name}" if path else name


def places(model: nn.Module) -> list[tuple[nn.Parameter, list[Place]]]:
    """Return each parameter with all places where it stands."""
    found: dict[int, tuple[nn.Parameter, list[Place]]] = {}
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                found.setdefault(id(parameter), (parameter, []))[1].append((module, name))
    return list(found.values())


def compute(model: nn.Module, buffers: Sequence[Place]) -> None:
    """Let modules compute the buffers that have just got memory."""
    for module in dict.fromkeys(module for module, _ in buffers):
        if hasattr(module, "reset_running_stats"):
            module.reset_running_stats()
    for each in of_transformers(model) if buffers else ():
        marked = [one for one in each.parameters() if not getattr(one, "_is_hf_initialized", False)]
        for one in marked:
            one._is_hf_initialized = True
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            each.initialize_weights()
        for one in marked:
            del one._is_hf_initialized


def of_transformers(model: nn.Module) -> list[Any]:
    """Return the outermost models of transformers, which compute the buffers of all within."""
    found: list[Any] = []
    inside: set[int] = set()
    for module in model.modules():
        if id(module) not in inside and hasattr(module, "initialize_weights") and hasattr(module, "tie_weights"):
            found.append(module)
            inside.update(map(id, module.modules()))
    return found
