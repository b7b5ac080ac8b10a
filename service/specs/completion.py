"""What a spec leaves to others, put in its place before it is read: a recipe's layers, a framework's own settings."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from service.replay import ALGORITHMS, Replay
from service.specs.recipes import RECIPES, expand


def complete(document: Any) -> Any:
    """Return the document with a recipe's layers and rules, and with what a framework's stream starts with."""
    if not isinstance(document, Mapping):
        return document
    return with_framework(with_recipe(document))


def with_framework(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let layout, defaults and fans start as the framework's whose stream is replayed."""
    name = document.get("algorithm")
    replay = ALGORITHMS.get(name) if isinstance(name, str) else None
    if replay is None:
        return document
    # A published model's own initialisation leaves no default of its layers.
    defaults = "recommended" if "recipe" in document else replay.layout
    return {"layout": replay.layout, "defaults": defaults, "fans": replay.layout, **document}


def with_recipe(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put a recipe's layers and rules in its place; the spec's own rules come after them."""
    if not isinstance(document.get("recipe"), str):
        return document
    rest = {key: value for key, value in document.items() if key not in ("recipe", "size")}
    name, size = document["recipe"], document.get("size")
    if name not in RECIPES:
        raise PydanticCustomError(
            "recipe", "no recipe has this name; choose one of {names}", {"names": ", ".join(RECIPES)}
        )
    sizes = RECIPES[name].sizes
    if size is not None and (not isinstance(size, str) or size not in sizes):
        raise PydanticCustomError(
            "recipe", "{name} comes in the sizes {sizes}", {"name": name, "sizes": ", ".join(sizes)}
        )
    if "layers" in rest:
        raise PydanticCustomError("recipe", "a spec has layers or a recipe, not both; rules may change a recipe")
    layers, rules = expand(name, size)
    own = rest.get("rules", [])
    kept = {}
    if rest.get("algorithm") in ALGORITHMS:
        refuse_recipe(name, own, ALGORITHMS[rest["algorithm"]])
        kept = {"recipe": name, "size": size}
    return {
        "layout": "pytorch",
        **kept,
        **rest,
        "layers": layers,
        "rules": [*rules, *own] if isinstance(own, list) else own,
    }


def refuse_recipe(name: str, rules: object, replay: Replay) -> None:
    """Refuse a recipe that no published model in this framework is like, and changes to one that is."""
    if name not in replay.recipes:
        built = [f"{each.name} builds {', '.join(each.recipes)}" for each in ALGORITHMS.values() if each.recipes]
        raise PydanticCustomError(
            "recipe",
            "no published model draws {name} from {algorithm}: post its layers and rules, or use initserve/1; {built}",
            {"name": name, "algorithm": replay.name, "built": "; ".join(built)},
        )
    if rules:
        raise PydanticCustomError("recipe", "under a framework's stream {name} is as published", {"name": name})
