"""What a published model's files say of it: its config.json, and the names that its arrays have in a checkpoint."""

import json
from collections.abc import Mapping
from dataclasses import replace
from re import sub
from typing import Any, NamedTuple

from service.networks.families import FAMILIES
from service.networks.families.family import Family
from service.networks.plan import Plan, PlannedLayer


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


def config_of(plan: Plan) -> dict[str, Any] | None:
    """Return the config.json of a published model; None for another."""
    if (found := published_in(plan)) is None:
        return None
    return found.family.config_json(found.size, found.config, found.head) | {"dtype": plan.dtype}


def as_in_a_checkpoint(plan: Plan) -> Plan:
    """Return a plan with its arrays named as checkpoints of its model name them; their values stay."""
    found = published_in(plan)
    names = found.family.files if found else {}
    if not names:
        return plan

    def renamed(layer: PlannedLayer) -> PlannedLayer:
        name = layer.name
        for pattern, meant in names.items():
            name = sub(pattern, meant, name)
        return replace(layer, name=name, parameters=tuple(replace(each, layer=name) for each in layer.parameters))

    return replace(plan, layers=tuple(renamed(layer) for layer in plan.layers))


def names_in_a_checkpoint(plan: Plan) -> dict[str, str]:
    """Return the arrays' own names by those in a checkpoint, where these are others."""
    both = zip(as_in_a_checkpoint(plan).parameters, plan.parameters, strict=True)
    return {there.key: here.key for there, here in both if there.key != here.key}
