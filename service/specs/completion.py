"""What a spec leaves to others, put in its place before it is read: a recipe's layers, a framework's own settings."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import PydanticCustomError

from service.networks.layouts import LAYOUTS
from service.networks.vocabulary import DTYPE, Vocabulary
from service.replay import ALGORITHMS, Replay
from service.specs.named import OF_RECIPE, at, expanded, named_in, part_meant, recipe_of, refusal
from service.specs.recipes import RECIPES
from service.specs.tensors import read
from service.specs.vocabulary import LAYOUT
from service.stream.dtypes import DTYPES
from service.stream.streams import ALGORITHM


def complete(document: Any) -> Any:
    """Return the document with a recipe's layers and rules, and with what a framework's stream starts with."""
    if not isinstance(document, Mapping):
        return document
    return with_framework(with_tensors(with_recipe(document)))


def replay_in(document: Mapping[str, Any]) -> Replay | None:
    name = document.get("algorithm")
    return ALGORITHMS.get(name) if isinstance(name, str) else None


def usual(
    replay: Replay | None, of_recipe: bool, config: Mapping[str, Any] | None = None, listed: bool = False
) -> dict[str, Any]:
    """Return what the members of a spec are that are left out, beside its seed and its layers."""
    framework = {"layout": "pytorch" if listed else "keras", "defaults": "recommended", "fans": "true"}
    if replay is not None:
        framework = dict.fromkeys(framework, replay.layout)
    if of_recipe:  # a published model's own initialisation leaves no default of its layers
        framework |= {"layout": "pytorch", "defaults": "recommended"}
    return {**framework, "dtype": dtype_in(config or {})}


def dtype_in(config: Mapping[str, Any]) -> str:
    """Return the dtype in which a config.json has its model made, where it is one of this service's."""
    stated = config.get("dtype", config.get("torch_dtype"))
    named = stated.removeprefix("torch.") if isinstance(stated, str) else None
    return named if named in DTYPES else "float32"


def with_framework(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let layout, defaults, fans and dtype start as the framework's whose stream is replayed, and as a recipe's."""
    replay, config = replay_in(document), document.get("config")
    of_recipe, listed = document.get("recipe") is not None, document.get("tensors") is not None
    if replay is None and not of_recipe and not listed:
        return document
    return {**usual(replay, of_recipe, config, listed), **document}


def with_recipe(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put a recipe's layers in its place; its rules are `all_rules` of the spec."""
    name = document.get("recipe")
    if name is None:
        for member in OF_RECIPE:
            of_listing = member == "config" and document.get("tensors") is not None
            if document.get(member) is not None and not of_listing:
                meant = recipe_of(document[member])
                detail = f"a {member} is that of a recipe; this spec names no recipe"
                raise refusal(member, detail if meant is None else f"{detail}, and this is one of {meant}")
        return document
    if not isinstance(name, str) or name not in RECIPES:
        raise at("recipe", Vocabulary(tuple(RECIPES)).no_such(name if isinstance(name, str) else ""))
    if document.get("layers") is not None:
        raise refusal("layers", "a spec has layers or a recipe, not both; rules may change a recipe")
    name = part_meant(name, document)
    document = {**document, "recipe": name}
    named = named_in(name, document)
    replay = replay_in(document)
    if replay is not None:
        refuse_recipe(name, document.get("rules"), replay)
    return {**document, "layers": list(expanded(named).layers)}


def refuse_recipe(name: str, rules: object, replay: Replay) -> None:
    """Refuse a recipe that no published model in this framework is like, and changes to one that is."""
    if name not in replay.recipes:
        built = "; ".join(
            f"{each.name} builds {', '.join(each.recipes)}" for each in ALGORITHMS.values() if each.recipes
        )
        raise refusal("recipe", f"no published model draws {name} from {replay.name}; use initserve/1, or: {built}")
    if rules:
        raise refusal("rules", f"under a framework's stream {name} is as published: without rules")


def with_tensors(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put the layers that a listing of tensors comes to beside it."""
    tensors = document.get("tensors")
    if tensors is None:
        return document
    for member, called in (("recipe", "a recipe"), ("layers", "layers")):
        if document.get(member) is not None:
            raise refusal("tensors", f"a spec has tensors or {called}, not both")
    replay = replay_in(document)
    if replay is not None:
        detail = f"{replay.name} draws in an order that a listing does not tell; use initserve/1, or state layers"
        raise refusal("algorithm", detail, ALGORITHM)
    layout, dtype = (read_as(document, member, words, of) for member, words, of in OF_LISTING)
    if layout is None or dtype is None:  # which is said of that member
        return {**document, "tensors": None, "layers": [NO_LAYER]}
    if layout not in LAYOUTS:
        raise refusal(
            "layout", f"tensors are told by the names of {', '.join(LAYOUTS)}; {layout} has others", "pytorch"
        )
    of_model = model_type_in(document)
    listing = read(tensors, layout, dtype, of_model)
    config = {} if of_model is None else {"config": {"model_type": of_model}}
    return {**document, "tensors": listing, "layers": list(listing.told.layers), **config}


def model_type_in(document: Mapping[str, Any]) -> str | None:
    """Return which model a config.json beside a listing is of: no more of it says how tensors start."""
    config = document.get("config")
    if config is None:
        return None
    found = config.get("model_type") if isinstance(config, Mapping) else None
    if not isinstance(found, str):
        raise refusal("config", "beside tensors a config says the model_type, as a config.json does")
    return found


OF_LISTING = (("layout", LAYOUT, "pytorch"), ("dtype", DTYPE, "float32"))
NO_LAYER = {"type": "dropout"}  # in the place of layers that are not known


def read_as(document: Mapping[str, Any], member: str, words: Vocabulary, otherwise: str) -> Any:
    """Return the word that a member has, which is left out otherwise; None for one that is none of them."""
    try:
        word = words.read(document.get(member, otherwise))
    except PydanticCustomError:
        return None
    return word if isinstance(word, str) and word in words.words else None
