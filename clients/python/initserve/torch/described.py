"""Fills a model with the arrays of a spec that describes it: each is the parameter, or buffer, of its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from initserve.arrays import SEPARATOR, Fillable, Told, told_of
from initserve.local import Local
from initserve.report import Report
from initserve.specs import Spec
from initserve.torch.filling import fill_target, filled
from initserve.torch.meta import materialise, refuse_unknown
from initserve.torch.names import joined, named_modules
from initserve.torch.shards import local_parts
from initserve.torch.targets import Target
from initserve.torch.tree import DTYPES

LAYOUT = "pytorch"
MOST_SAID = 3  # names in a message


@dataclass(slots=True)
class Place:
    """A tensor of a model, with all names that it has: where it is, and in a spec."""

    target: Target
    module: str
    buffer: bool
    names: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)  # the model's, beside its first


def fill_(model: nn.Module, spec: Spec, client: Fillable | None = None, device: torch.device | str = "cpu") -> Report:
    """Fill a model in place with a spec's arrays of the same names, and return what was filled with what, and why.

    The spec's arrays are named as the model's `state_dict` names them: those of a published model, of layers or of a
    listing in PyTorch's layout. A rank fetches its own part of each; what wraps a module is not of its names. Buffers
    of which the spec has an array (a norm's statistics) are filled too, others left alone. `client` is `Local()` where
    it is left out. What is on the meta device gets memory on `device`.

    Raises ValueError where names, shapes or dtypes are not the spec's, or where it has no seed, so that each rank would
    get another; InitserveError for a spec that is refused. Nothing is changed then.
    """
    if spec.get("seed") is None:
        raise ValueError("the spec has no seed: every rank would fill its part by another one")
    arrays = (Local() if client is None else client).open({"layout": LAYOUT, **spec})
    if (layout := arrays.plan["layout"]) != LAYOUT:
        raise ValueError(f'the spec has the layout "{layout}", and a model of torch "{LAYOUT}"')
    told = told_of(arrays, SEPARATOR[LAYOUT])
    wanted = matched(places_of(model), told, arrays.plan.get("tied", {}))
    refuse_unknown(model)
    if any(each.is_meta for each in (*model.parameters(), *model.buffers())):
        materialise(model, device)
    report = Report(arrays.seed, arrays.plan["algorithm"])
    with torch.no_grad():
        for place in places_of(model):
            if (source := wanted.get(place.names[0])) is not None:
                fill_target(place.target, told[source].array)
                report.filled.append(filled(place.target, place.module, told[source]))
                report.tied |= dict.fromkeys(place.others, place.target.name)
    return report


def places_of(model: nn.Module) -> list[Place]:
    """Return a model's tensors in registration order, each once."""
    found: dict[int, Place] = {}
    for named in named_modules(model):
        for buffer, tensors in ((False, named.module._parameters), (True, named.module._buffers)):
            for name, tensor in tensors.items():
                if tensor is None:
                    continue
                target = Target(joined(named.path, name), tensor)
                place = found.setdefault(id(tensor), Place(target, type(named.module).__name__, buffer))
                place.names.append(joined(named.plain, name))
                if len(place.names) > 1:
                    place.others.append(target.name)
    return list(found.values())


def matched(places: list[Place], told: Mapping[str, Told], tied: Mapping[str, str]) -> dict[str, str]:
    """Return the array that each place takes, by the place's first name; raises ValueError where they do not fit."""
    wanted: dict[str, str] = {}
    missing = []
    for place in places:
        sources = {tied.get(name, name) for name in place.names} & told.keys()
        if len(sources) > 1:
            raise ValueError(f"{' and '.join(place.names)} are one tensor in the model, and several in the spec")
        if sources:
            (wanted[place.names[0]],) = sources
            refuse_unlike(place.target, told[wanted[place.names[0]]])
        elif not place.buffer:
            missing.append(place.names[0])
    if missing:
        raise ValueError(f"the spec has no array for {few(missing)}: it has {few(sorted(told))}")
    if unused := [name for name in told if name not in wanted.values()]:
        raise ValueError(f"the model has nothing that is called {few(unused)}, as the spec has")
    return wanted


def refuse_unlike(target: Target, told: Told) -> None:
    """Raise ValueError where a tensor is not of its array's shape and dtype, or is no part of the whole."""
    tensor, shape = target.tensor, told.array.shape
    if tuple(tensor.shape) != shape:
        raise ValueError(f"{target.name} has shape {tuple(tensor.shape)}, and the spec's array {shape}")
    if DTYPES.get(tensor.dtype) != told.dtype:
        raise ValueError(f'{target.name} is {tensor.dtype}, and the spec\'s array {told.dtype}: "dtype" states another')
    local_parts(tensor)


def few(names: list[str]) -> str:
    return ", ".join(names[:MOST_SAID]) + (f" and {len(names) - MOST_SAID} more" if len(names) > MOST_SAID else "")
