"""Joined: how a spec's layers make a network, written out so that it can be drawn, changed and sent again."""

from typing import Any

from service.errors import InitserveError
from service.networks.families import FAMILIES
from service.networks.graph.shapes import shapes_of
from service.specs.rules import Rule
from service.specs.spec import Spec


def joined(spec: Spec) -> dict[str, Any] | None:
    """Return the network of a spec, a recipe's with its structure; None for a listing of tensors.

    `layers`, `input_shape` and `rules` may stand in the recipe's place where `replaces` is true: the weights are then
    the same. `inputs` are what each layer takes and `outputs` the shapes that it gives, without the batch, where that
    is known; `config` is a published model's config.json, its size's numbers included.
    """
    if spec.tensors is not None:
        return None
    written = spec.written_out(0)
    layers = written.get("layers")
    replaces, told = layers is not None, True
    try:
        if spec.recipe is not None:
            layers = [*spec.network.layers]
    except InitserveError:  # a recipe that is known by its weights alone, with this head at least
        told = False
        layers = layers or [each.model_dump(mode="json", exclude_unset=True) for each in spec.layers]
    return {
        "layers": layers,
        "input_shape": dict(spec.network.input_shape) if told and spec.network.input_shape else None,
        "rules": [written_rule(rule) for rule in spec.all_rules],
        "replaces": replaces,
        "config": config_of(spec),
        **(places_of(spec) if told else {"inputs": None, "outputs": None}),
    }


def written_rule(rule: Rule) -> dict[str, Any]:
    """Return a rule as a spec states it; its seed as text, which no reader of JSON rounds."""
    written = rule.model_dump(mode="json", exclude_none=True)
    return written if rule.seed is None else {**written, "seed": str(rule.seed)}


def places_of(spec: Spec) -> dict[str, Any]:
    """Return what each layer takes, and the shapes that it gives where those of the inputs are known."""
    try:
        graph = spec.graph
        takes = {place.name: graph.names_taken(place) for place in graph.places}
        if not spec.network.input_shape:
            return {"inputs": takes, "outputs": None}
        given = shapes_of(graph, {name: (1, *shape) for name, shape in spec.network.input_shape.items()})
    except InitserveError:
        return {"inputs": None, "outputs": None}
    shapes = {place.name: [shape[1:] for shape in found] for place, found in zip(graph.places, given, strict=True)}
    return {"inputs": takes, "outputs": shapes}


def config_of(spec: Spec) -> dict[str, Any] | None:
    """Return the config.json of a published model; None for anything else."""
    family = FAMILIES.get(spec.recipe or "")
    return None if family is None else family.config_json(spec.size, spec.config, spec.head)
