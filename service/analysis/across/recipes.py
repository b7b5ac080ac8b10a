"""A recipe in another width or depth: by the members of its config, or the numbers that it is made of."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from service.analysis.across.axes import Document
from service.networks.families.family import Family
from service.specs.recipes import RECIPES, composed
from service.specs.spec import Spec
from service.specs.starts import Start

# What published configs call their hidden size, what goes with it, their heads and their blocks; the first is meant.
WIDTHS = ("hidden_size", "n_embd", "d_model", "embed_dim", "dim")
BESIDE = ("intermediate_size", "n_inner", "d_ff", "ffn_dim", "hidden_dim", "encoder_ffn_dim", "decoder_ffn_dim")
HEADS = ("num_attention_heads", "n_head", "num_heads", "n_heads", "encoder_attention_heads", "decoder_attention_heads")
KEY_HEADS = "num_key_value_heads"
DEPTHS = ("num_hidden_layers", "n_layer", "num_layers", "n_layers", "depth", "num_blocks", "encoder_layers")
OTHER_DEPTHS = ("num_decoder_layers", "decoder_layers")


def member(document: Document, by: str, size: int) -> Document | None:
    """Return the request for a recipe in another size; None where the recipe has no number for it."""
    recipe = RECIPES[document["recipe"]]
    if isinstance(recipe, Start):
        return of_start(recipe, document, by, size)
    return of_family(recipe, document, by, size)


def of_family(family: Family, document: Document, by: str, size: int) -> Document | None:
    config = {**family.defaults, **family.settled(document.get("size"), document.get("config"))}
    names = WIDTHS if by == "width" else DEPTHS
    name = next((each for each in names if is_size(config.get(each))), None)
    if name is None:
        return None
    changed = widened(config, name, size) if by == "width" else deepened(config, name, size)
    stated = {**family.settled(document.get("size"), document.get("config")), **changed}
    return {**{key: value for key, value in document.items() if key != "size"}, "config": stated}


def is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def widened(config: Mapping[str, Any], name: str, width: int) -> dict[str, int]:
    """Return what changes of a config with its hidden size: sizes beside it and heads, in proportion."""
    before = config[name]
    found = {name: width}
    found |= {each: max(1, config[each] * width // before) for each in BESIDE if is_size(config.get(each))}
    for each in HEADS:
        if is_size(config.get(each)):
            found[each] = divisor(width, max(1, config[each] * width // before))
            if is_size(config.get(KEY_HEADS)):
                found[KEY_HEADS] = divisor(found[each], max(1, config[KEY_HEADS] * width // before))
    return found


def divisor(whole: int, most: int) -> int:
    """Return the largest number up to `most` that divides a size."""
    return next(each for each in range(min(whole, most), 0, -1) if whole % each == 0)


def deepened(config: Mapping[str, Any], name: str, depth: int) -> dict[str, int]:
    return {name: depth} | {each: depth for each in OTHER_DEPTHS if is_size(config.get(each))}


def of_start(start: Start, document: Document, by: str, size: int) -> Document | None:
    """Return the layers and rules of a start in another size, as a request could state them itself."""
    names = [*signature(start.build).parameters]
    if by not in names:
        return None
    numbers = dict(zip(names, start.sizes[document.get("size") or next(iter(start.sizes))], strict=True))
    if by == "width" and "heads" in numbers:
        numbers["heads"] = divisor(size, max(1, numbers["heads"] * size // numbers["width"]))
    numbers[by] = size
    rules, network = composed(start, tuple(numbers.values()))
    rest = {key: value for key, value in document.items() if key not in ("recipe", "size", "config", "head")}
    return {
        "input_shape": dict(network.input_shape),
        **rest,
        "layers": [*network.layers],
        "rules": [*rules, *document.get("rules", [])],
    }


def of_document(document: Document) -> Spec:
    """Return the spec of a request for a recipe, its layers in the recipe's place, with their structure."""
    request = Spec.model_validate(document)
    written = request.plan().written_out()
    if request.recipe is not None and "layers" in written:
        network = request.network
        written |= {"layers": [*network.layers], "input_shape": dict(network.input_shape)}
    return Spec.model_validate(written)
