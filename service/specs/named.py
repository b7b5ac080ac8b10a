"""Named: which model of which recipe a document names, and what to say of one that there is not."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from service.errors import InitserveError
from service.networks.families import FAMILIES
from service.networks.families.family import Family, over
from service.networks.vocabulary import Vocabulary
from service.specs.jcs import canonical
from service.specs.recipes import RECIPES, Expanded, Named, expand
from service.specs.starts import Start

OF_RECIPE = ("size", "config", "head")  # members that say which model of a recipe


def at(pointer: str, error: PydanticCustomError) -> ValidationError:
    """Return an error of the whole spec as one of what a pointer leads to."""
    location = tuple(pointer.removeprefix("/").split("/"))
    return ValidationError.from_exception_data("Spec", [InitErrorDetails(type=error, loc=location, input=None)])


def refusal(pointer: str, detail: str, remedy: Any = None) -> ValidationError:
    context = {"detail": detail} | ({} if remedy is None else {"try": remedy})
    return at(pointer, PydanticCustomError("recipe", "{detail}", context))


def part_meant(name: str, document: Mapping[str, Any]) -> str:
    """Return a recipe, or that of a part of its model whose config or size is given in its place."""
    config, size = document.get("config"), document.get("size")
    for part, family in FAMILIES.items():
        if family.part_of == name:
            sized = isinstance(size, str) and size in family.sizes
            if sized or (size is None and isinstance(config, Mapping) and family.has(config, FAMILIES[name])):
                return part
    return name


def named_in(name: str, document: Mapping[str, Any]) -> Named:
    """Return the model that a document names; refuses a size, a config or a head that the recipe does not have."""
    recipe, size, config, head = RECIPES[name], *(document.get(member) for member in OF_RECIPE)
    sizes = tuple(recipe.sizes)
    if size is not None and size not in sizes:
        near = Vocabulary(sizes).nearest(size.lower()) if isinstance(size, str) else None
        raise refusal("size", f"{name} comes in the sizes {', '.join(sizes)}", near or sizes[0])
    if isinstance(recipe, Start):
        for member in OF_RECIPE[1:]:
            if document.get(member) is not None:
                raise refusal(
                    member, f"{name} is no published model, which has a {member}; its sizes are {', '.join(sizes)}"
                )
        return Named(name, size)
    heads = tuple(each for each in recipe.heads if each is not None)
    if head is not None and head not in heads:
        near = head_meant(recipe, head) if isinstance(head, str) else None
        known = f"with the heads {', '.join(heads)}, or with none: null" if heads else "without a head: null"
        raise refusal("head", f"{name} comes {known}", near)
    if config is not None and not isinstance(config, Mapping):
        raise refusal("config", "a config is the object that a config.json holds", {})
    of = recipe_of(config)
    if of is not None and RECIPES[of] is not recipe:
        raise refusal("recipe", f"this config is of the family {of}, not {name}", of)
    return Named(name, size, None if config is None else written(config), head)


def expanded(named: Named) -> Expanded:
    """Return what a recipe comes to; refuses a model that cannot be, with a setting that would do."""
    try:
        return expand(named)
    except InitserveError as error:
        remedy = next(iter((error.remedy or {}).values()), None)
        would_do = remedy is not None and can_be(named, error.pointer.split("/")[2:], remedy)
        raise refusal(error.pointer, error.detail, remedy if would_do else None) from None


def can_be(named: Named, path: list[str], setting: Any) -> bool:
    """Whether a published model can be made once the member of its config at a path is this."""
    family, config = RECIPES[named.recipe], named.settings or {}
    assert isinstance(family, Family)
    for name in reversed(path):
        setting = {name: setting}
    try:
        family.tree(named.size, over(config, setting), named.head)
    except InitserveError:
        return False
    return True


def recipe_of(config: object) -> str | None:
    """Return the recipe of a config.json, by the model_type that it states; None where that is none."""
    stated = config.get("model_type") if isinstance(config, Mapping) else None
    return next((name for name, family in FAMILIES.items() if family.model_type == stated), None)


def head_meant(family: Family, head: str) -> str | None:
    """Return the head that a word may mean: that of a class of the library, GPT2LMHeadModel say, or the nearest."""
    heads = {name: each.architecture for name, each in family.heads.items() if name is not None}
    plain = head.lower().replace("_", "")
    for name, architecture in heads.items():
        if head == architecture or plain.endswith(f"for{name.replace('_', '')}"):
            return name
    return Vocabulary(tuple(heads)).nearest(head.lower()) if heads else None


def written(config: Mapping[str, Any]) -> str:
    """Return a config as a text; refuses one that JSON cannot hold."""
    try:
        return canonical(dict(config))
    except (ValueError, TypeError, KeyError, RecursionError):
        raise refusal("config", "this config holds what JSON cannot: it is what a config.json holds") from None
