"""What a spec leaves to others, put in its place before it is read: a recipe's layers, a framework's own settings."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from service.replay import ALGORITHMS, Replay
from service.specs.recipes import RECIPES, expand
from service.specs.rules import Rule
from service.specs.vocabulary import Vocabulary


def complete(document: Any) -> Any:
    """Return the document with a recipe's layers and rules, and with what a framework's stream starts with."""
    if not isinstance(document, Mapping):
        return document
    return with_framework(with_recipe(document))


def replay_in(document: Mapping[str, Any]) -> Replay | None:
    name = document.get("algorithm")
    return ALGORITHMS.get(name) if isinstance(name, str) else None


def usual(replay: Replay | None, of_recipe: bool) -> dict[str, Any]:
    """Return what the members of a spec are that are left out, beside its seed and its layers."""
    framework = {"layout": "keras", "defaults": "recommended", "fans": "true"}
    if replay is not None:
        framework = dict.fromkeys(framework, replay.layout)
    if of_recipe:  # a published model's own initialisation leaves no default of its layers
        framework |= {"layout": "pytorch", "defaults": "recommended"}
    return {**framework, "dtype": "float32"}


def with_framework(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let layout, defaults and fans start as the framework's whose stream is replayed, and as a recipe's."""
    replay, of_recipe = replay_in(document), document.get("recipe") is not None
    return {**usual(replay, of_recipe), **document} if replay is not None or of_recipe else document


def at(member: str, error: PydanticCustomError) -> ValidationError:
    """Return an error of the whole spec as one of its members."""
    return ValidationError.from_exception_data("Spec", [InitErrorDetails(type=error, loc=(member,), input=None)])


def refusal(member: str, detail: str, remedy: Any = None) -> ValidationError:
    context = {"detail": detail} | ({} if remedy is None else {"try": remedy})
    return at(member, PydanticCustomError("recipe", "{detail}", context))


def with_recipe(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put a recipe's layers in its place; its rules are `rules_of` it."""
    name, size = document.get("recipe"), document.get("size")
    if name is None and size is not None:
        raise refusal("size", "a size is one of a recipe's; this spec names no recipe")
    if name is None:
        return document
    if not isinstance(name, str) or name not in RECIPES:
        raise at("recipe", Vocabulary(tuple(RECIPES)).no_such(name if isinstance(name, str) else ""))
    sizes = tuple(RECIPES[name].sizes)
    if size is not None and size not in sizes:
        near = Vocabulary(sizes).nearest(size.lower()) if isinstance(size, str) else None
        raise refusal("size", f"{name} comes in the sizes {', '.join(sizes)}", near or sizes[0])
    if document.get("layers") is not None:
        raise refusal("layers", "a spec has layers or a recipe, not both; rules may change a recipe")
    replay = replay_in(document)
    if replay is not None:
        refuse_recipe(name, document.get("rules"), replay)
    return {**document, "layers": expand(name, size)[0]}


@lru_cache(maxsize=64)
def rules_of(recipe: str | None, size: str | None) -> tuple[Rule, ...]:
    """Return the rules of a recipe, which come before a spec's own; none where there is no recipe."""
    return () if recipe is None else tuple(Rule.model_validate(each) for each in expand(recipe, size)[1])


def refuse_recipe(name: str, rules: object, replay: Replay) -> None:
    """Refuse a recipe that no published model in this framework is like, and changes to one that is."""
    if name not in replay.recipes:
        built = "; ".join(
            f"{each.name} builds {', '.join(each.recipes)}" for each in ALGORITHMS.values() if each.recipes
        )
        raise refusal("recipe", f"no published model draws {name} from {replay.name}; use initserve/1, or: {built}")
    if rules:
        raise refusal("rules", f"under a framework's stream {name} is as published: without rules")
