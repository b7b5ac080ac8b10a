"""Names of modules without what wraps them: the same stream for a model that is compiled, distributed or adapted."""

from collections.abc import Iterator
from typing import NamedTuple

from torch import nn
from torch.optim.swa_utils import AveragedModel

# What torch.compile, checkpoint_wrapper and FSDP call the module that they wrap.
WRAPPED = ("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module")
CALLED_MODULE = (nn.DataParallel, nn.parallel.DistributedDataParallel, AveragedModel)
OF_PEFT = ("base_model", "model", "base_layer")  # PeftModel's, its tuner's, and an adapted layer's


class Named(NamedTuple):
    """A module, its path in the model, and the path that it would have if nothing were wrapped."""

    path: str
    plain: str
    module: nn.Module


def named_modules(model: nn.Module) -> Iterator[Named]:
    """Yield a model's modules as its own `named_modules` does: each once, in registration order."""
    seen: set[int] = set()
    waiting = [Named("", "", model)]
    while waiting:
        found = waiting.pop()
        if id(found.module) in seen:
            continue
        seen.add(id(found.module))
        yield found
        children = [
            Named(joined(found.path, name), inner(found, name), child)
            for name, child in found.module._modules.items()
            if child is not None
        ]
        waiting += reversed(children)


def inner(outer: Named, name: str) -> str:
    return outer.plain if wraps(outer.module, name) else joined(outer.plain, name)


def wraps(module: nn.Module, name: str) -> bool:
    """Whether a module stands around its child of this name, and does not have it as a part."""
    if name == "module":
        return isinstance(module, CALLED_MODULE)
    return name in WRAPPED or (name in OF_PEFT and type(module).__module__.partition(".")[0] == "peft")


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
