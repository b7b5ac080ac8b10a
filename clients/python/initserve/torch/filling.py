"""Fills a model in place: each parameter, or this rank's part of it, with what the model's spec gives."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from initserve.arrays import OWN, Fillable, Told, arrays_of
from initserve.lazy import LazyArray
from initserve.local import Local
from initserve.report import Filled, Report
from initserve.torch.meta import materialise, refuse_unknown
from initserve.torch.replay import refuse_drawing_again, refuse_replay, taken_for_granted
from initserve.torch.shards import Box, local_parts
from initserve.torch.targets import Target
from initserve.torch.tree import DTYPES, Node, nodes_of

BLOCK = 2**24  # bytes of a parameter that are fetched at once where it does not stand in this machine's memory
Wanted = Mapping[str, Target]


def init_(
    model: nn.Module,
    seed: int | str = 0,
    rules: Sequence[Mapping[str, Any]] = (),
    defaults: str | None = None,
    client: Fillable | None = None,
    stream: str = OWN,
    device: torch.device | str = "cpu",
) -> Report:
    """Fill a model's parameters in place, and return what was filled with what, and why.

    Each module is a layer of a spec in PyTorch's layout, called by its path: the same bytes as that spec gives by
    other ways, on any number of ranks; a DTensor's shards are made alone. What wraps a module (torch.compile, DDP,
    FSDP, checkpoints, PEFT) is not of its path. Parameters of modules that no layer stands for are bare tensors; what
    a module computes of others (weight_norm) is filled as what it comes to. dtype and requires_grad stay; buffers are
    left alone; tied parameters are filled once; those that transformers marks as loaded (`_is_hf_initialized` of the
    parameter itself, since it marks every module that it has gone through) are kept. `rules` and `defaults` are a
    spec's; left out, a scheme is the one that a linear activation recommends, or under torch's stream torch's own.
    `client` is `Local()` where it is left out. What is on the meta device gets memory on `device`; buffers there get
    the values that torch's layers and transformers' models compute.

    `stream="torch-cpu/1"` gives what torch.manual_seed(seed) and constructing the modules in this order would have.

    Raises ValueError for a model that cannot be filled so, InitserveError for a spec that is refused; nothing is
    changed then.
    """
    replayed = stream != OWN
    if replayed:
        refuse_drawing_again(model)
    nodes = list(nodes_of(model, stacks=replayed))
    report = Report(int(seed), stream)
    wanted = to_fill(nodes, report)
    if replayed:
        refuse_replay(nodes, report)
        report.assumed = taken_for_granted(model)
    refuse_unknown(model)
    for target in wanted.values():
        local_parts(target.tensor)
    base = {"algorithm": stream, "seed": seed, "layout": "pytorch", "rules": list(rules)}
    base |= {} if defaults is None else {"defaults": defaults}
    found = asked(Local() if client is None else client, base, nodes, wanted)
    classes = {key: type(node.module).__name__ for node in nodes for key in node.targets}
    if any(each.is_meta for each in (*model.parameters(), *model.buffers())):
        materialise(model, device)
        again = nodes_of(model, stacks=replayed)
        wanted = {key: target for node in again for key, target in node.targets.items() if key in wanted}
    with torch.no_grad():
        for key, target in wanted.items():
            fill_target(target, found[key].array)
            report.filled.append(filled(target, classes[key], found[key]))
    return report


def to_fill(nodes: Sequence[Node], report: Report) -> dict[str, Target]:
    """Return what is to be filled, by key; say in the report what is not; raises ValueError."""
    owners: dict[int, str] = {}
    wanted: dict[str, Target] = {}
    for key, target in (item for node in nodes for item in node.targets.items()):
        name, tensor = target.name, target.tensor
        if nn.parameter.is_lazy(tensor):
            raise ValueError(f"{name} has no shape yet: call the model once, then init_")
        if id(tensor) in owners:
            report.tied[name] = owners[id(tensor)]
            continue
        owners[id(tensor)] = name
        if getattr(tensor, "_is_hf_initialized", False):
            if tensor.is_meta:
                raise ValueError(f"{name} is marked as loaded, and is on the meta device, without values")
            report.kept[name] = "transformers has loaded it"
            continue
        if "lora_magnitude_vector" in key.split("."):
            report.kept[name] = "lengths of other weights, which its adapter computes"
            continue
        if tensor.dtype not in DTYPES:
            raise ValueError(f"{name} is {tensor.dtype}; what can be filled is {', '.join(DTYPES.values())}")
        wanted[key] = target
    return wanted


def asked(source: Fillable, base: dict[str, Any], nodes: list[Node], wanted: Wanted) -> dict[str, Told]:
    """Return the array of each that is wanted, and what the plan tells of it; nothing of it is drawn yet."""
    found: dict[str, Told] = {}
    for dtype in dict.fromkeys(target.tensor.dtype for target in wanted.values()):
        of_dtype = {key for key, target in wanted.items() if target.tensor.dtype is dtype}
        layers = [node.layer for node in nodes if base["algorithm"] != OWN or of_dtype & node.targets.keys()]
        told = arrays_of(source, base | {"dtype": DTYPES[dtype]}, layers)
        found |= {key: each for key, each in told.items() if key in of_dtype}
    for key, target in wanted.items():
        if key not in found or found[key].array.shape != tuple(target.tensor.shape):
            shape = found[key].array.shape if key in found else None
            raise ValueError(f"{target.name} has shape {tuple(target.tensor.shape)}, and its layer {shape}")
    return found


def filled(target: Target, module: str, told: Told) -> Filled:
    return Filled(target.name, told.array.shape, module, told.scheme, told.formula, told.reason)


def fill_target(target: Target, array: LazyArray) -> None:
    if target.put is not None:
        value = torch.empty_like(target.tensor)
        fill(value, array, tuple(slice(0, size) for size in value.shape))
        target.put(value)
        return
    local, parts = local_parts(target.tensor)
    for here, there in parts:
        fill(local[here], array, there)


def fill(local: torch.Tensor, array: LazyArray, box: Box) -> None:
    """Copy a part of an array into a tensor of its shape: straight into its memory, or on a device by blocks."""
    if not local.numel():
        return
    if local.device.type == "cpu" and local.is_contiguous():
        array.read_into(as_numpy(local), box if local.shape != array.shape else ...)
        return
    rows = max(BLOCK // (prod(local.shape[1:]) * local.itemsize), 1) if box else 1
    for start in range(0, len(local) if box else 1, rows):
        part = local[start : start + rows] if box else local
        block = torch.empty(part.shape, dtype=local.dtype)
        first = box[0].start + start if box else 0
        array.read_into(as_numpy(block), (slice(first, first + len(part)), *box[1:]) if box else ())
        part.copy_(block)


def as_numpy(tensor: torch.Tensor) -> NDArray[Any]:
    """Return a tensor's memory as an array; NumPy, which has no bfloat16, sees its bits."""
    if tensor.dtype is torch.bfloat16:
        bits: NDArray[Any] = tensor.view(torch.int16).numpy().view(np.uint16)
        return bits
    values: NDArray[Any] = tensor.numpy()
    return values
