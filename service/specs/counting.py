"""Counting: how many arrays and elements a recipe has in PyTorch's layout, without deciding how each of them starts."""

from collections.abc import Iterable
from math import prod
from typing import NamedTuple

from service.networks.families.engine import leaves, tied
from service.networks.families.tree import Layer
from service.networks.layers import LAYERS
from service.networks.layouts import as_they_are, key_of
from service.specs.recipes import RECIPES, Named, expand
from service.specs.starts import Start


class Count(NamedTuple):
    arrays: int
    elements: int


def count(recipe: str, size: str) -> Count:
    """Return what a recipe has at a size, of a published model without a head; what is tied counts once."""
    found = RECIPES[recipe]
    if isinstance(found, Start):
        return count_layers(((layer["name"], layer) for layer in expand(Named(recipe, size)).layers), set())
    tree = found.tree(size, None, None)
    return count_layers(leaves(tree, ""), {name for name, _ in tied(tree, "")})


def count_layers(layers: Iterable[tuple[str, Layer]], others: set[str]) -> Count:
    """Return what layers have, by their names; those that are alike are one object, in a published model's tree."""
    known: dict[int, tuple[Layer, dict[str, int]]] = {}
    arrays = elements = 0
    for name, layer in layers:
        if id(layer) not in known:
            known[id(layer)] = layer, arrays_of(layer)
        sizes = [size for array, size in known[id(layer)][1].items() if key_of(name, array, "pytorch") not in others]
        arrays, elements = arrays + len(sizes), elements + sum(sizes)
    return Count(arrays, elements)


def arrays_of(layer: Layer) -> dict[str, int]:
    """Return the elements of each of a layer's arrays, by the array's name."""
    spec = LAYERS[layer["type"]].model_validate({name: value for name, value in layer.items() if name != "name"})
    forms = as_they_are({parameter.name: parameter.shape for parameter in spec.parameters()})
    return {placement.name: prod(placement.of.form(forms).shape) for placement in spec.placements()["pytorch"]}
