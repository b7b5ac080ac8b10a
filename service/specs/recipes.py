"""Recipes: published models and ways to start them, as layers and rules that a spec could state itself.

Published models are families (service/networks/families), ways to start a network of any kind are in starts.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from service.errors import UnsupportedCombination
from service.networks.families import FAMILIES
from service.networks.families.engine import Step
from service.networks.families.family import Family
from service.networks.families.tree import Layer
from service.networks.families.wiring import Network
from service.specs.starts import STARTS, Start
from service.specs.starts.layers import Rule

RECIPES: dict[str, Start | Family] = {**FAMILIES, **STARTS}


class Named(NamedTuple):
    """A recipe as a spec names it; `config` is its JSON text."""

    recipe: str
    size: str | None = None
    config: str | None = None
    head: str | None = None

    @property
    def settings(self) -> Any:
        return None if self.config is None else json.loads(self.config)


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a recipe comes to: layers, and rules, each of which says where it comes from.

    Of a published model, `because` is the reason for what its layers state, `steps` are what torch does to make it, and
    `tied` leads from arrays that are another one to that, by their names in the PyTorch layout. `misspelt` are members
    of its config from which nothing is read, and what was meant by each.
    """

    layers: Sequence[Layer]
    rules: Sequence[Rule] = ()
    because: str | None = None
    steps: Sequence[Step] = ()
    tied: Mapping[str, str] = field(default_factory=dict)
    misspelt: Mapping[str, str] = field(default_factory=dict)

    @property
    def tied_layers(self) -> set[str]:
        """The names of layers whose weights are another's."""
        return {name.removesuffix(".weight") for name in self.tied if name.endswith(".weight")}


@lru_cache(maxsize=8)
def expand(named: Named) -> Expanded:
    """Return what a recipe comes to; raises InvalidSpec, pointing into the config, for a model that cannot be."""
    recipe = RECIPES[named.recipe]
    because = f"the recipe {named.recipe}: {', '.join(recipe.references)}"
    if isinstance(recipe, Start):
        layers, rules = recipe.build(*recipe.sizes[named.size or next(iter(recipe.sizes))])
        return Expanded(layers, [{**each, "because": because} for each in rules])
    model = recipe.model(named.size, named.settings, named.head)
    misspelt = recipe.misspelt(named.settings or {})
    return Expanded(model.layers, because=because, steps=model.steps, tied=model.tied, misspelt=misspelt)


@lru_cache(maxsize=8)
def structured(named: Named) -> Network:
    """Return the network that a recipe is: its layers as `expand` has them, with structure, in the order of computing.

    Raises InvalidSpec as `expand` does, and UnsupportedCombination where no network is told.
    """
    recipe = RECIPES[named.recipe]
    if isinstance(recipe, Start):
        found: Network | None = recipe.network(*recipe.sizes[named.size or next(iter(recipe.sizes))])
    else:
        found = recipe.wired(named.size, named.settings, named.head)
    if found is None:
        detail = f"{named.recipe} is known by its weights alone; these are known as networks: {', '.join(networks())}"
        raise UnsupportedCombination(detail, "/recipe")
    return whole(found, expand(named).layers)


def whole(network: Network, layers: Sequence[Layer]) -> Network:
    """Return a network whose layers with weights have all that they state."""
    leaves = {layer["name"]: layer for layer in layers}
    return network._replace(
        layers=tuple(each if "type" in each else {**leaves[each["name"]], **each} for each in network.layers)
    )


def composed(start: Start, numbers: Sequence[Any]) -> tuple[Sequence[Rule], Network]:
    """Return the rules and the network of a start made of other numbers than those of its sizes."""
    layers, rules = start.build(*numbers)
    return rules, whole(start.network(*numbers), layers)


def networks() -> list[str]:
    """Return the recipes that tell how their layers make a network."""
    return [name for name, recipe in RECIPES.items() if isinstance(recipe, Start) or recipe.network is not None]
