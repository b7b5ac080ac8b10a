"""Fills a model in place: each parameter, or this rank's part of it, with what the model's spec gives."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from initserve.errors import InitserveError
from initserve.lazy import Arrays, LazyArray
from initserve.local import Local
from initserve.specs import Spec
from initserve.torch.report import Filled, Report
from initserve.torch.shards import Box, local_part
from initserve.torch.tree import DTYPES, Node, nodes_of

OWN = "initserve/1"
LAYERS_AT_ONCE = 64  # of a spec, so that an address holds it
BLOCK = 2**24  # bytes of a parameter that are fetched at once where it does not stand in this machine's memory
UPON_META = 'it is on the meta device: model.to_empty(device="cpu"), tie its weights again, set its buffers, then init_'


class Fillable(Protocol):
    """What arrays are fetched of: `Local`, `Client`."""

    def open(self, spec: Spec) -> Arrays[LazyArray]: ...


def init_(
    model: nn.Module,
    seed: int | str = 0,
    rules: Sequence[Mapping[str, Any]] = (),
    defaults: str | None = None,
    client: Fillable | None = None,
    stream: str = OWN,
) -> Report:
    """Fill a model's parameters in place, and return what was filled with what, and why.

    Each module is a layer of a spec in PyTorch's layout, called by its path: the same bytes as that spec gives by
    other ways, on any number of ranks; a DTensor's shards are made alone. Parameters of modules that no layer stands
    for are bare tensors. dtype and requires_grad stay; buffers are left alone; tied parameters are filled once; those
    that transformers marks as loaded (`_is_hf_initialized` of the parameter itself, since it marks every module that
    it has gone through) are kept. `rules` and `defaults` are a spec's; left out, a scheme is the one that a linear
    activation recommends, or under torch's stream torch's own. `client` is `Local()` where it is left out.

    `stream="torch-cpu/1"` gives what torch.manual_seed(seed) and constructing the modules in this order would have.

    Raises ValueError for a model that cannot be filled so, InitserveError for a spec that is refused; nothing is
    changed then.
    """
    nodes = list(nodes_of(model))
    report = Report(int(seed), stream)
    wanted = to_fill(nodes, report)
    if stream != OWN:
        refuse_replay(nodes, report)
    base = {"algorithm": stream, "seed": seed, "layout": "pytorch", "rules": list(rules)}
    base |= {} if defaults is None else {"defaults": defaults}
    source = Local() if client is None else client
    found: dict[str, tuple[LazyArray, Filled]] = {}
    for dtype in dict.fromkeys(parameter.dtype for _, parameter in wanted.values()):
        of_dtype = {key for key, (_, parameter) in wanted.items() if parameter.dtype is dtype}
        layers = [node for node in nodes if stream != OWN or of_dtype & node.parameters.keys()]
        spec = base | {"dtype": DTYPES[dtype]}
        for arrays, several in opened(source, spec, layers, LAYERS_AT_ONCE if stream == OWN else len(layers)):
            found |= described(arrays, several, of_dtype)
    parts = [(key, *local_part(parameter)) for key, (_, parameter) in wanted.items()]
    check(found, wanted)
    with torch.no_grad():
        for key, local, box in parts:
            fill(local, found[key][0], box)
            report.filled.append(found[key][1])
    return report


def to_fill(nodes: Sequence[Node], report: Report) -> dict[str, tuple[str, nn.Parameter]]:
    """Return the parameters that are to be filled, by key; say in the report which are not; raises ValueError."""
    owners: dict[int, str] = {}
    wanted: dict[str, tuple[str, nn.Parameter]] = {}
    for node in nodes:
        for key, (name, parameter) in node.parameters.items():
            if nn.parameter.is_lazy(parameter):
                raise ValueError(f"{name} has no shape yet: call the model once, then init_")
            if id(parameter) in owners:
                report.tied[name] = owners[id(parameter)]
                continue
            owners[id(parameter)] = name
            if getattr(parameter, "_is_hf_initialized", False):
                report.kept[name] = "transformers has loaded it"
                continue
            if parameter.is_meta:
                raise ValueError(f"{name}: {UPON_META}")
            if parameter.dtype not in DTYPES:
                raise ValueError(f"{name} is {parameter.dtype}; what can be filled is {', '.join(DTYPES.values())}")
            wanted[key] = name, parameter
    return wanted


def refuse_replay(nodes: Sequence[Node], report: Report) -> None:
    """Raise ValueError where a module tree does not say what torch would have drawn."""
    if report.tied:
        name, other = next(iter(report.tied.items()))
        raise ValueError(f"{name} is tied to {other}: the tree does not tell which of the two torch drew last")
    for node in nodes:
        if node.layer["type"] == "tensor":
            raise ValueError(f"{node.layer['name']}: what {node.module} draws when it is constructed is not known")
        for name, parameter in node.parameters.values():
            if parameter.dtype is not torch.float32:
                raise ValueError(f"{name} is {parameter.dtype}: whether torch drew it so cannot be told; use float32")


def opened(
    source: Fillable, spec: dict[str, Any], nodes: list[Node], count: int
) -> Iterator[tuple[Arrays[LazyArray], list[Node]]]:
    """Yield the arrays of some layers after the other: a parameter's bytes depend on its own layer alone.

    Under a framework's stream, where they depend on all layers before, `count` is all of them.
    """
    for first in range(0, len(nodes), count):
        several = nodes[first : first + count]
        try:
            yield source.open(spec | {"layers": [node.layer for node in several]}), several
        except InitserveError as error:
            if error.code != "no-address" or count == 1 or spec["algorithm"] != OWN:
                raise
            yield from opened(source, spec, several, -(-count // 2))


def described(arrays: Arrays[LazyArray], nodes: list[Node], keys: set[str]) -> dict[str, tuple[LazyArray, Filled]]:
    """Return those arrays that have one of the keys, with what the plan tells of them."""
    found = {}
    names = {key: (name, node.module) for node in nodes for key, (name, _) in node.parameters.items()}
    for layer in arrays.plan["layers"]:
        for told in layer["parameters"]:
            key = f"{layer['name']}.{told['name']}" if told["name"] else layer["name"]
            if key in keys and key in names:
                name, module = names[key]
                scheme, formula, reason = told["scheme"]["name"], told["formula"], told["reason"]
                found[key] = arrays[key], Filled(name, tuple(told["shape"]), module, scheme, formula, reason)
    return found


def check(found: Mapping[str, tuple[LazyArray, Filled]], wanted: Mapping[str, tuple[str, nn.Parameter]]) -> None:
    for key, (name, parameter) in wanted.items():
        if key not in found or found[key][0].shape != tuple(parameter.shape):
            shape = found[key][0].shape if key in found else None
            raise ValueError(f"{name} has shape {tuple(parameter.shape)}, and its layer {shape}")


def fill(local: torch.Tensor, array: LazyArray, box: Box) -> None:
    """Put a part of an array into a tensor of its shape: straight into its memory, or on a device by blocks."""
    if not local.numel():
        return
    if local.device.type == "cpu" and local.is_contiguous():
        array.read_into(as_numpy(local), box)
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
