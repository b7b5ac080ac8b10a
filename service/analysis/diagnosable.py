"""What is asked of a diagnosis: the request, and the batch that is sent through."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from service.analysis.network import Batches
from service.analysis.sizes import default_shape, most_examples
from service.analysis.steps.asked import OF_STEPS, StepsRequest
from service.analysis.tape import Array
from service.errors import InvalidSpec
from service.networks.graph.graph import POSITIONS
from service.networks.layers.dropout import Dropout
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec
from service.networks.layers.tensor import Tensor
from service.networks.schemes.npy import load_npy, read_npy
from service.specs.spec import Spec
from service.stream.distributions import Normal, filled
from service.stream.kernels import fill_words
from service.stream.streams import stream_of
from service.stream.views import Shape

Batch: TypeAlias = NDArray[Any]  # float64; int64 where it is tokens
EXTRA = ("inputs", "batch", "forecast_only", "tune", "steps", *OF_STEPS)  # of the request, beside what a spec has


class DiagnoseRequest(Spec, StepsRequest):
    """A network to diagnose: a spec as in /init, and what to send through it."""

    inputs: Annotated[str, Field(max_length=2**24), AfterValidator(read_npy)] | None = Field(
        None, description="A batch as a .npy file in base64, examples first; left out: standard normal ones."
    )
    batch: Annotated[int, Field(ge=2, le=1024)] | None = Field(
        None, description="Examples drawn where `inputs` is left out; 128, fewer for images, unless given."
    )
    forecast_only: bool = Field(False, description="What theory expects, without a number drawn.")
    tune: Literal["lsuv", "gains"] | None = Field(
        None, description="Also answer a spec whose gains give every layer outputs of variance 1 for these inputs."
    )


def standard_normal(shape: tuple[int, ...], seed: int, what: str) -> Array:
    """Return values of a stream that no parameter has: a layer's name has no spaces."""
    return filled(Normal(0.0, 1.0), stream_of(seed, f"diagnose {what}"), prod(shape)).reshape(shape)


def batches_of(request: DiagnoseRequest, spec: Spec, seed: int, shapes: Mapping[str, Shape]) -> Batches:
    """Return a batch of each shape for the network's inputs: as given, or drawn; tokens where an embedding takes it."""
    graph = spec.graph
    found: dict[str, NDArray[Any]] = {}
    for number, (name, shape) in enumerate(shapes.items()):
        tables = (graph.weights_of(place) for place in graph.takers(name))
        rows = [table.shape[0] - table.offset for table in tables if isinstance(table, Embedding)]
        if number == 0 and request.inputs is not None:
            found[name] = given_batch(load_npy(request.inputs), min(rows, default=None))
        elif name == POSITIONS:
            found[name] = np.broadcast_to(np.arange(shape[-1], dtype=np.int64), shape).copy()
        elif rows:
            found[name] = drawn_tokens(shape, min(rows), seed, "inputs" if number == 0 else name)
        else:
            found[name] = standard_normal(shape, seed, "inputs" if number == 0 else name)
    return found


def batch_shapes(request: DiagnoseRequest, spec: Spec) -> dict[str, Shape]:
    """Return the shape of each input, the batch first: as stated, as given, or what fits the first layer."""
    if request.inputs is None:
        return drawn_shapes(spec, request.batch)
    stated, names = spec.network.input_shape, spec.graph.inputs
    given = load_npy(request.inputs)
    examples = len(given) if given.ndim else 1
    like = {name: given.shape[1:] for name in names if stated.get(name) == stated.get(names[0])}
    return {name: (examples, *like.get(name, stated.get(name, ()))) for name in names}


def drawn_shapes(spec: Spec, batch: int | None) -> dict[str, Shape]:
    """Return the shape of each input where none is given: of so many examples, or as many as are enough for means."""
    stated, names = spec.network.input_shape, spec.graph.inputs
    if not stated:
        return {name: default_shape(readers_of(name, spec), batch) for name in names}
    examples = batch or min(most_examples(stated[name]) for name in names)
    return {name: (examples, *stated[name]) for name in names}


def readers_of(name: str, spec: Spec) -> list[LayerSpec]:
    """Return the layer whose sizes tell the shape of an input that nobody stated, and in a bare stack those after it.

    Raises InvalidSpec where there is none.
    """
    layers = spec.weighted if not spec.graph.stated else [place.layer for place in spec.graph.takers(name)]
    known = [layer for layer in layers if isinstance(layer, LayerSpec) and not isinstance(layer, Dropout | Tensor)]
    if not known or len(spec.graph.inputs) > 1:
        raise InvalidSpec("say what goes in: input_shape", "/input_shape")
    return known


def given_batch(given: Array, rows: int | None) -> Batch:
    """Return a batch that was posted, of tokens where an embedding of so many rows takes it; refuses what is none."""
    if not given.size or not given.ndim:
        raise InvalidSpec(f"a batch has one example at least, not the shape {list(given.shape)}", "/inputs")
    if rows is not None:
        return tokens(given, rows)
    if given.ndim < 2:
        raise InvalidSpec(f"a batch has two axes or more, examples first, not {list(given.shape)}", "/inputs")
    if not given.any():
        raise InvalidSpec("every input is 0: nothing can be seen of the network", "/inputs")
    return given


def drawn_tokens(shape: tuple[int, ...], rows: int, seed: int, what: str) -> Batch:
    words = np.empty(prod(shape), np.uint32)
    fill_words(stream_of(seed, f"diagnose {what}").address(), np.zeros(1, np.uint64), words.size, words)
    return (words.astype(np.int64) % rows).reshape(shape)


def tokens(given: Array, rows: int) -> Batch:
    if (given != np.floor(given)).any() or given.min() < 0 or given.max() >= rows:
        raise InvalidSpec(f"an embedding takes whole numbers from 0 to {rows - 1}", "/inputs")
    return given.astype(np.int64)
