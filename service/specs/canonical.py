"""The canonical document of a spec: one for all that say the same, whatever their spelling and order of members.

Seed and algorithm are stated, and what a member would be anyway is left out, so that the document is small enough to
stand in an address. Structure is left out, too: it changes no weight. A recipe stays a name, and a listing stays one:
an answer's pointers lead into the spec as it was asked for. What is left out today means the same for ever, since
addresses and commit ids are made of it.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import copysign
from typing import Any, Protocol

from service import stopping
from service.networks.description import Description
from service.networks.layers.layer import OWN, BiasedLayerSpec, LayerSpec
from service.networks.schemes import PRESETS, Auto, Scheme
from service.replay import ALGORITHMS, Replay
from service.specs.choosing import Naming, Wanted, weighted
from service.specs.completion import usual
from service.specs.jcs import Written, canonical
from service.specs.recipes import RECIPES
from service.specs.rules import Rule
from service.specs.tensors import Listing

Document = dict[str, Any]


class Sized(Wanted, Protocol):
    @property
    def size(self) -> str | None: ...
    @property
    def config(self) -> Mapping[str, Any] | None: ...
    @property
    def head(self) -> str | None: ...
    @property
    def tensors(self) -> Listing | None: ...


def canonical_document(spec: Sized, seed: int) -> Document:
    """Return the document that stands for every spec that says the same; `seed` is the one that is used."""
    replay = ALGORITHMS.get(spec.algorithm)
    stated: Document = {"algorithm": spec.algorithm, "seed": str(seed)}
    if replay is not None and not spec.exact:
        stated["exact"] = False
    for member, value in usual(replay, spec.recipe is not None, spec.config, spec.tensors is not None).items():
        if getattr(spec, member) != value:
            stated[member] = getattr(spec, member)
    if spec.tensors is not None:
        stated["tensors"] = dict(spec.tensors.stated)
        stated |= {} if spec.config is None else {"config": dict(spec.config)}
    elif spec.recipe is None:
        stated["layers"] = layers_of(spec, replay, seed)
    else:
        stated["recipe"] = spec.recipe
        if spec.size is not None and (spec.config is not None or spec.size != next(iter(RECIPES[spec.recipe].sizes))):
            stated["size"] = spec.size
        for member in ("config", "head"):
            if getattr(spec, member) is not None:
                stated[member] = getattr(spec, member)
    if spec.select is not None:
        stated["select"] = spec.select
    if spec.rules:
        stated["rules"] = [rule_of(rule) for rule in spec.rules]
    return stated


def layers_of(spec: Wanted, replay: Replay | None, seed: int) -> list[Written]:
    """Return each layer with its members that say something; those of layers that are alike are written once."""
    called, naming = Naming(replay), Naming(replay)  # as the spec leaves names out, and as its document does
    automatic = replay is None and spec.defaults == "recommended"
    written: dict[str, list[str]] = {}
    found = []
    for _, layer in weighted(spec.layers):
        likeness = layer.likeness
        if likeness not in written:
            stopping.give_way()
            stated = members_of(layer, automatic)
            if layer.dtype == spec.dtype:
                stated.pop("dtype", None)
            written[likeness] = [f'"{member}":{canonical(value)}' for member, value in stated.items()]
        members = [*written[likeness]]
        name = called.usual(layer) if layer.name is None else layer.name
        called.count(layer, named=layer.name is not None)
        usual_name = naming.usual(layer) == name
        naming.count(layer, named=not usual_name)
        if not usual_name:
            members.append(f'"name":{canonical(name)}')
        if layer.seed is not None and (replay is not None or layer.seed != seed):
            members.append(f'"seed":"{layer.seed}"')
        found.append(Written(f"{{{','.join(sorted(members))}}}"))
    return found


def members_of(layer: LayerSpec, automatic: bool) -> Document:
    """Return what a layer states that it would not be anyway, but its name and its seed.

    `automatic` says whether that goes for auto, too.
    """
    found: Document = {}
    defaults, implied = defaults_of(type(layer)), layer.implied
    for member in layer.model_fields_set - OWN - layer.structure:
        value = getattr(layer, member)
        if isinstance(value, Scheme):
            found[member] = scheme_of(value)
        elif isinstance(value, Auto):
            if not automatic:
                found[member] = "auto"
        elif member == "bias" and isinstance(layer, BiasedLayerSpec):
            found[member] = None  # no bias at all, where one is left out the layer has one
        elif not (same(value, defaults[member]) or (member in implied and value == implied[member])):
            found[member] = value
    return found


def scheme_of(scheme: Scheme | Auto) -> str | Document:
    """Return a scheme's name, with those parameters that are not the preset's."""
    preset = vars(PRESETS[scheme.name]) if scheme.name in PRESETS else defaults_of(type(scheme)) | {"name": scheme.name}
    stated = {
        name: scheme_of(value) if isinstance(value, Scheme) else value
        for name, value in vars(scheme).items()
        if not same(value, preset[name])
    }
    return {"name": scheme.name, **stated} if stated.keys() - {"name"} else scheme.name


def rule_of(rule: Rule) -> Document:
    stated: Document = {"match": rule.match}
    if rule.scheme is not None:
        stated["scheme"] = scheme_of(rule.scheme)
    if rule.seed is not None:
        stated["seed"] = str(rule.seed)
    for member in ("dtype", "because"):
        if getattr(rule, member) is not None:
            stated[member] = getattr(rule, member)
    return stated


@lru_cache(maxsize=256)
def defaults_of(kind: type[Description]) -> dict[str, Any]:
    """Return what each member is that is left out."""
    return {name: field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()}


def same(value: object, other: object) -> bool:
    """Whether two values are one: minus zero is not zero, whose bytes are others."""
    if value == 0.0 and isinstance(value, float) and isinstance(other, float):
        return other == 0.0 and copysign(1.0, value) == copysign(1.0, other)
    return value == other
