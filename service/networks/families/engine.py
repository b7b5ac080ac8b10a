"""A published model's tree of modules as torch goes through it: what is constructed and filled, in which order.

Modules are constructed one after the other, with torch's own defaults. A model within, a PreTrainedModel, ends its
constructor by initialising every module below that has had none yet, children first. So a matrix is drawn twice or
more, and has the values that it was given last; what replays torch makes every draw, for each moves the generator.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from service.networks.families.tree import Fill, Initialise, Layer, Module, normal
from service.networks.parameters import TORCH
from service.networks.schemes import Scheme


class Construct(NamedTuple):
    """A layer is constructed as torch does, with torch's own defaults."""

    layer: str


class Filled(NamedTuple):
    """A canonical parameter of a layer is given a scheme; `lost`, `lengths_of` and `inexact` are Fill's."""

    layer: str
    parameter: str
    scheme: Scheme
    lost: bool
    lengths_of: str
    inexact: str


Step: TypeAlias = Construct | Filled


@dataclass(frozen=True, slots=True)
class Model:
    """A published model, as layers that a spec could state itself: each parameter has the scheme that it is left with.

    `steps` are what torch does, draw by draw. `tied` leads from arrays that are another one to that, by their names in
    the PyTorch layout: they are layers like others, are constructed and drawn, and then dropped.
    """

    layers: tuple[Layer, ...]
    steps: tuple[Step, ...]
    tied: Mapping[str, str]


def walk(root: Module) -> Model:
    """Return what a tree comes to."""
    layers = dict(leaves(root, ""))
    steps = tuple(constructed(root, "", set(), set()))
    left: dict[str, dict[str, Scheme]] = {name: {} for name in layers}
    for step in steps:
        match step:
            case Construct(name):
                left[name] = by_torch(layers[name])
            case Filled(name, parameter, scheme, lost=False):
                left[name][parameter] = scheme
    stated = tuple({"name": name, **layer, **members(layer, left[name])} for name, layer in layers.items())
    return Model(stated, steps, dict(tied(root, "")))


def by_torch(layer: Layer) -> dict[str, Scheme]:
    """Return the schemes of torch's own defaults, where a published model may leave them as they are."""
    match layer["type"]:
        case "dense" | "conv1d" | "conv2d" | "conv3d" | "conv1d_transpose" | "conv2d_transpose":
            return {"kernel": TORCH, "bias": TORCH}
        case "embedding":
            return {"embeddings": normal(1.0)}
        case _:
            return {}


def below(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def leaves(module: Module, path: str) -> Iterator[tuple[str, Layer]]:
    """Yield every layer by its path, in the order of a state_dict."""
    if module.layer is not None:
        yield path, module.layer
    for child in module.children:
        yield from leaves(child, below(path, child.name))


def tied(module: Module, path: str) -> Iterator[tuple[str, str]]:
    for name, source in module.ties.items():
        yield below(path, name), below(path, source)
    for child in module.children:
        yield from tied(child, below(path, child.name))


def constructed(module: Module, path: str, made: set[str], done: set[str]) -> Iterator[Step]:
    """Yield what the constructor of a module does, unless it has run.

    `made` holds the paths of those whose constructor has run, `done` of those that were initialised.
    """
    if path in made:
        return
    made.add(path)
    early = ((name, module.at(name)) for name in module.construction)
    for name, child in (*early, *((child.name, child) for child in module.children)):
        if child is not None:
            yield from constructed(child, below(path, name), made, done)
    if module.layer is not None and module.drawn is None:
        yield Construct(path)
    yield from (placed(fill, path) for fill in module.drawn or ())
    if module.initialise is not None:
        yield from initialised(module, path, module.initialise, done)


def initialised(module: Module, path: str, initialise: Initialise, done: set[str]) -> Iterator[Step]:
    """Yield what initialising a module does, its children first; a model within goes by its own rules."""
    if path in done:
        return
    for child in module.children:
        yield from initialised(child, below(path, child.name), child.initialise or initialise, done)
    done.add(path)
    yield from (placed(fill, path) for fill in initialise(module))


def placed(fill: Fill, path: str) -> Filled:
    source = below(path, fill.lengths_of) if fill.lengths_of else ""
    return Filled(below(path, fill.path), fill.parameter, fill.scheme, fill.lost, source, fill.inexact)


def members(layer: Layer, left: Mapping[str, Scheme]) -> dict[str, Any]:
    """Return the members of a layer that say how it starts; not those of norms and biases that start as any do."""
    found: dict[str, Any] = {}
    for parameter, scheme in left.items():
        if parameter in ("bias", "beta"):
            if scheme.name != "zeros" and "bias" not in layer:
                found["bias"] = stated(scheme)
        elif not (layer["type"].endswith("_norm") and scheme.name == "ones"):
            found["scheme"] = stated(scheme)
    return found


def stated(scheme: Scheme) -> str | dict[str, Any]:
    return scheme.name if scheme.name in ("zeros", "ones") else scheme.model_dump()
