"""A Keras model as layers of a spec, called by its structure: the names do not depend on what was built before."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from keras.src.utils.naming import to_snake_case

from initserve.keras.layers import Layer, Variables, layer_of, tensor_of

NUMBERED = re.compile(r"_\d+$")
ROOT = "model"  # what a layer is called that is the whole model


@dataclass(slots=True)
class Node:
    """A layer and the model's variables that it has, by their names in the layer's file."""

    layer: Layer
    kind: str  # the layer's class
    variables: Variables


def nodes_of(model: Any) -> Iterator[Node]:
    """Yield the layers of a model, each once, in the order in which it has them."""
    yield from within(model, "", set(), frozenset())


def within(layer: Any, path: str, seen: set[int], taken: frozenset[int]) -> Iterator[Node]:
    """Yield what a layer comes to; `taken` are the variables of a layer around it, which it is a part of."""
    if id(layer) in seen:
        return
    seen.add(id(layer))
    try:
        told, variables = layer_of(layer)
    except (KeyError, AttributeError):  # not a layer that a spec has, or not as a spec has it
        told, variables = {}, {}
    name = path or ROOT
    if told and not any(id(each) in taken for each in variables.values()):
        taken |= {id(each) for each in variables.values()}
        yield Node({"name": name, **told}, type(layer).__name__, {f"{name}/{own}": it for own, it in variables.items()})
    for each in (*layer._trainable_variables, *layer._non_trainable_variables):
        if id(each) not in taken:
            full = joined(path, each.name)
            yield Node(
                {"name": full, **tensor_of(each.name, tuple(each.shape))}, type(layer).__name__, {f"{full}/value": each}
            )
    for name, child in parts_of(layer).items():
        yield from within(child, joined(path, name), seen, taken)


def parts_of(layer: Any) -> dict[str, Any]:
    """Return the layers within one: by its attributes where a user wrote it, else by their names in it."""
    own = type(layer).__module__.partition(".")[0] != "keras"
    found = dict(attributes(layer)) if own else {}
    known = {id(each) for each in found.values()}
    numbers: dict[str, int] = {}
    for child in layer._layers:
        if id(child) in known:
            continue
        plain = plain_name(child)
        place = numbers[plain] = numbers.get(plain, -1) + 1
        found[f"{plain}_{place}" if place else plain] = child
    return found


def plain_name(layer: Any) -> str:
    """Return a layer's name; without the number that Keras counts over the process where it is one of its own."""
    name = re.sub(r"[^A-Za-z0-9_.\-]", "_", layer.name)
    plain = NUMBERED.sub("", name)
    return plain if plain.endswith(to_snake_case(type(layer).__name__)) else name


def attributes(layer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the layers that a layer has as attributes, then those in its lists and dictionaries, each by its path."""
    tracked = {id(each) for each in layer._layers}
    # On torch's backend a layer's attributes that are layers are torch's modules.
    held = {name: each for name, each in {**vars(layer), **vars(layer).get("_modules", {})}.items() if name[0] != "_"}
    yield from ((name, each) for name, each in held.items() if id(each) in tracked)
    for name, each in held.items():
        if id(each) not in tracked:
            yield from layers_in(each, name, tracked)


def layers_in(value: Any, path: str, tracked: set[int]) -> Iterator[tuple[str, Any]]:
    if id(value) in tracked:
        yield path, value
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from layers_in(each, f"{path}.{key}", tracked)
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value):
            yield from layers_in(each, f"{path}.{place}", tracked)


def joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
