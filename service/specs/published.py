"""What a published model's files say of it: its config.json, and the names that its arrays have in a checkpoint."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from service.networks.arrays import PlannedArray
from service.networks.families import FAMILIES
from service.networks.families.family import Family
from service.networks.plan import Plan, PlannedLayer, PlannedParameter


class Published(NamedTuple):
    """A family, and what a spec says of it."""

    family: Family
    size: str | None
    config: Mapping[str, Any] | None
    head: str | None


def published_in(plan: Plan) -> Published | None:
    """Return what a plan whose arrays load into a published model says of it; None for another."""
    text = plan.canonical_json()
    if plan.layout != "pytorch" or '"recipe"' not in text:
        return None
    document = json.loads(text)
    if document.get("recipe") not in FAMILIES or "select" in document:
        return None
    stated = (document.get(member) for member in ("size", "config", "head"))
    return Published(FAMILIES[document["recipe"]], *stated)


def library_of(plan: Plan) -> str | None:
    """Return the library of a published model; None for another."""
    found = published_in(plan)
    return None if found is None else found.family.library


def config_of(plan: Plan) -> dict[str, Any] | None:
    """Return the config.json of a published model; None for another."""
    if (found := published_in(plan)) is None:
        return None
    # diffusers refuses members that it does not know
    told = {"dtype": plan.dtype} if found.family.library == "transformers" else {}
    return found.family.config_json(found.size, found.config, found.head) | told


def config_file(plan: Plan) -> bytes | None:
    """Return what stands in the config.json of a published model; None for another."""
    config = config_of(plan)
    return None if config is None else json.dumps(config, indent=2, sort_keys=True).encode() + b"\n"


def as_in_a_checkpoint(plan: Plan) -> Plan:
    """Return a plan with its arrays named and cut as checkpoints of its model have them; their values stay."""
    found = published_in(plan)
    if found is None or not (found.family.files or found.family.experts):
        return plan
    return replace(plan, layers=tuple(there for layer in plan.layers for there in layers_of(layer, found.family)))


def layers_of(layer: PlannedLayer, family: Family) -> Iterator[PlannedLayer]:
    """Yield what a checkpoint has for a layer: itself by its name there, or every expert's parts."""
    for pattern, parts in family.experts.items():
        if found := re.match(pattern, layer.name):
            (parameter,) = layer.parameters
            yield from experts(parameter, layer, [found.expand(name) for name in parts])
            return
    name = layer.name
    for pattern, meant in family.files.items():
        name = re.sub(pattern, meant, name)
    yield layer if name == layer.name else named(layer, name, layer.parameters)


def named(layer: PlannedLayer, name: str, parameters: Iterable[PlannedParameter]) -> PlannedLayer:
    return replace(layer, name=name, parameters=tuple(replace(each, layer=name) for each in parameters))


def experts(whole: PlannedParameter, layer: PlannedLayer, parts: Sequence[str]) -> Iterator[PlannedLayer]:
    """Yield the parts of each expert, one after the other along its first axis."""
    for expert, cut in enumerate(experts_of(whole.array, len(parts))):
        for array, pattern in zip(cut, parts, strict=True):
            name = pattern.format(expert=expert)
            yield PlannedLayer(name, layer.type, layer.activation, (replace(whole, layer=name, array=array),))


@lru_cache(maxsize=64)
def experts_of(array: PlannedArray, parts: int) -> list[list[PlannedArray]]:
    """Return an array's parts by expert: the same for all layers that have this array."""
    count, rows, *_ = array.form.shape
    height = rows // parts
    cut = [array.form.between(1, start, start + height) for start in range(0, rows, height)]
    return [[replace(array, form=form.sliced([expert]), slice_of=array) for form in cut] for expert in range(count)]


def arrays_in_a_checkpoint(plan: Plan) -> dict[str, list[PlannedParameter]]:
    """Return what a checkpoint has for each array, by the array's own name, where that is another one, or several."""
    found = published_in(plan)
    if found is None:
        return {}
    there: dict[str, list[PlannedParameter]] = {}
    for layer in plan.layers:
        for part in layers_of(layer, found.family):
            for here, parameter in zip(layer.parameters, part.parameters, strict=True):
                if parameter.key != here.key:
                    there.setdefault(here.key, []).append(parameter)
    return there
