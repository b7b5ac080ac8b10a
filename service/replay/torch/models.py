"""Published models as the transformers library (5.24) builds them after set_seed: which draws, in which order.

A model is constructed with torch's defaults, which its own initialisation then replaces; the draws that do not last
move the generator all the same. To add one, write its order and its row in MODELS, by the recipe's name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from service.networks.layers.tensor import Tensor
from service.replay.framework import Module
from service.replay.torch.draws import Call, Normal
from service.replay.torch.modules import Draw, called, constructed, fans_of


class Placed(NamedTuple):
    """A draw of a model's; `module` is None where what it fills is dropped."""

    module: Module | None
    draw: Draw


Order: TypeAlias = Callable[[Sequence[Module]], Iterator[Placed]]


def built(module: Module) -> Iterator[Placed]:
    """Yield what constructing a module draws; a bare parameter is drawn by torch.randn."""
    if isinstance(module.spec, Tensor):
        yield given(module, Normal(0.0, 1.0))
    else:
        yield from (Placed(module, draw) for draw in constructed(module))


def given(module: Module, call: Call) -> Placed:
    """Return the draw of a module's weight, which is its first array."""
    array = next(iter(module.arrays.values()))
    return Placed(module, Draw(array.name, call, array.shape))


def initialised(module: Module) -> Iterator[Placed]:
    """Yield the draw of a module's weight by the model's own initialisation; norms and biases take none."""
    array = next(iter(module.arrays.values()))
    call = None if array.stated is None else called(array, array.stated, lambda: fans_of(array))
    if call is not None:
        yield given(module, call)


def gpt2(modules: Sequence[Module]) -> Iterator[Placed]:
    """Build all, then initialise in order; what writes to the residual stream twice, the second time narrowed."""
    for module in modules:
        yield from built(module)
    for module in modules:
        if module.name.endswith(".c_proj"):
            yield given(module, Normal(0.0, 0.02))
        yield from initialised(module)


def bert(modules: Sequence[Module]) -> Iterator[Placed]:
    """Build all, then initialise in order."""
    for module in modules:
        yield from built(module)
    for module in modules:
        yield from initialised(module)


def vit(modules: Sequence[Module]) -> Iterator[Placed]:
    """As BERT, but patches are built before positions, and initialised before them and the class token.

    The class token and the positions are cut at 100 deviations, where nothing is: the normals are the same.
    """
    token, positions, patches, *rest = modules
    for module in (token, patches, positions, *rest):
        yield from built(module)
    yield from initialised(patches)
    for module in (positions, token):
        yield given(module, Normal(0.0, 0.02))
    for module in rest:
        yield from initialised(module)


def t5(modules: Sequence[Module]) -> Iterator[Placed]:
    """Build and initialise each stack by itself, with a table of its own that is dropped; the shared one comes last.

    Each block of projections is initialised by the general rule, with deviation 1, and again by its own.
    """
    shared, *rest = modules
    dropped = given(shared, Normal(0.0, 1.0))._replace(module=None)
    yield from built(shared)
    for _, stack in groupby(rest, key=lambda module: module.name.partition(".")[0]):
        layers = list(stack)
        yield dropped
        for module in layers:
            yield from built(module)
        yield dropped
        for _, block in groupby(layers, key=lambda module: module.name.rpartition(".")[0]):
            parts = [module for module in block if any(True for _ in initialised(module))]
            yield from (given(module, Normal(0.0, 1.0)) for module in parts)
            for module in parts:
                yield from initialised(module)
    yield given(shared, Normal(0.0, 1.0))
    yield given(shared, Normal(0.0, 1.0))


MODELS: Mapping[str, Order] = {"gpt2": gpt2, "bert": bert, "vit": vit, "t5": t5}
