"""What is asked of a diagnosis: the request, and the batch that is sent through."""

from collections.abc import Mapping
from math import prod
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from service.analysis.across.asked import Across
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
EXTRA = (
    "inputs",
    "batch",
    "forecast_only",
    "distributions",
    "tune",
    "across",
    "steps",
    *OF_STEPS,
)  # of the request, beside what a spec has


Npy: TypeAlias = Annotated[str, Field(max_length=2**24)]


def read_all(given: str | dict[str, str]) -> str | dict[str, str]:
    """Refuse what is no .npy file of finite numbers in base64, or are none."""
    for text in [given] if isinstance(given, str) else given.values():
        read_npy(text)
    return given


class DiagnoseRequest(Spec, StepsRequest):
    """A network to diagnose: a spec as in /init, and what to send through it."""

    inputs: (
        Annotated[Npy | Annotated[dict[str, Npy], Field(min_length=1, max_length=16)], AfterValidator(read_all)] | None
    ) = Field(
        None,
        description="A batch as a .npy file in base64, examples first, or batches by the names of the network's "
        "inputs. What is left out is drawn: standard normal numbers, tokens for an embedding.",
    )
    batch: Annotated[int, Field(ge=2, le=1024)] | None = Field(
        None, description="Examples drawn where `inputs` is left out; 128, fewer for images, unless given."
    )
    forecast_only: bool = Field(False, description="What theory expects, without a number drawn.")
    distributions: bool = Field(
        False, description="Also how the outputs of every layer, and the gradient there, are distributed."
    )
    tune: Literal["lsuv", "gains"] | None = Field(
        None, description="Also answer a spec whose gains give every layer outputs of variance 1 for these inputs."
    )
    across: Across | None = Field(
        None, description="Also how sizes of outputs, gradients and of the first step's changes go with width or depth."
    )

    def check_distributions(self) -> None:
        """Refuse to count numbers where none is drawn."""
        if self.distributions and self.forecast_only:
            detail = "a forecast draws no numbers whose distribution could be told"
            raise InvalidSpec(detail, "/distributions", {"forecast_only": False})


def standard_normal(shape: tuple[int, ...], seed: int, what: str) -> Array:
    """Return values of a stream that no parameter has: a layer's name has no spaces."""
    return filled(Normal(0.0, 1.0), stream_of(seed, f"diagnose {what}"), prod(shape)).reshape(shape)


def given_arrays(request: DiagnoseRequest, spec: Spec) -> dict[str, Array]:
    """Return the arrays that were posted, by the names of the network's inputs; one alone is the first.

    Raises InvalidSpec for a name that no input has, and for batches of different length.
    """
    if request.inputs is None:
        return {}
    names = spec.graph.inputs
    posted = {names[0]: request.inputs} if isinstance(request.inputs, str) else request.inputs
    found = {name: load_npy(text) for name, text in posted.items()}
    unknown = next((name for name in found if name not in names), None)
    if unknown is not None:
        detail = f"no input of the network is called {unknown!r}: its inputs are {', '.join(names)}"
        raise InvalidSpec(detail, f"/inputs/{escaped(unknown)}")
    for name, batch in found.items():
        if not batch.ndim:
            raise InvalidSpec("a batch has one example at least, not the shape []", pointer_to(request, name))
    lengths = {len(batch) for batch in found.values()}
    if len(lengths) > 1:
        raise InvalidSpec(f"batches have as many examples each, not {sorted(lengths)}", "/inputs")
    return found


def pointer_to(request: DiagnoseRequest, name: str) -> str:
    """Return where a batch stands in a request."""
    return "/inputs" if isinstance(request.inputs, str) else f"/inputs/{escaped(name)}"


def escaped(name: str) -> str:
    """Return a member's name as a JSON pointer has it (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def batches_of(request: DiagnoseRequest, spec: Spec, seed: int, shapes: Mapping[str, Shape]) -> Batches:
    """Return a batch of each shape for the network's inputs: as given, or drawn; tokens where an embedding takes it."""
    graph, given = spec.graph, given_arrays(request, spec)
    found: dict[str, NDArray[Any]] = {}
    for number, (name, shape) in enumerate(shapes.items()):
        tables = (graph.weights_of(place) for place in graph.takers(name))
        rows = [table.shape[0] - table.offset for table in tables if isinstance(table, Embedding)]
        if name in given:
            found[name] = given_batch(given[name], min(rows, default=None), pointer_to(request, name))
        elif name == POSITIONS:
            found[name] = counted(shape, min(rows, default=None))
        elif rows:
            found[name] = drawn_tokens(shape, min(rows), seed, "inputs" if number == 0 else name)
        else:
            found[name] = standard_normal(shape, seed, "inputs" if number == 0 else name)
    return found


def batch_shapes(request: DiagnoseRequest, spec: Spec) -> dict[str, Shape]:
    """Return the shape of each input, the batch first: as given, as stated, or what fits the first layer.

    Inputs that are stated to have one shape (tokens and positions) have that of whichever is given.
    """
    given = given_arrays(request, spec)
    if not given:
        return drawn_shapes(spec, request.batch)
    stated = spec.network.input_shape
    examples = len(next(iter(given.values())))
    like = {tuple(stated[name]): batch.shape[1:] for name, batch in reversed(given.items()) if name in stated}
    shapes: dict[str, Shape] = {}
    for name in spec.graph.inputs:
        if name not in given and name not in stated:
            raise InvalidSpec(f"say of which shape {name} is, or give it", "/input_shape")
        if name in given:
            check_axes(given[name], spec, name, pointer_to(request, name))
        inner = given[name].shape[1:] if name in given else like.get(tuple(stated[name]), stated[name])
        shapes[name] = (examples, *inner)
    return shapes


def check_axes(given: Batch, spec: Spec, name: str, at: str) -> None:
    """Refuse a batch of numbers without features; tokens need none."""
    taken = (spec.graph.weights_of(place) for place in spec.graph.takers(name))
    if given.ndim < 2 and not any(isinstance(layer, Embedding) for layer in taken):
        raise InvalidSpec(f"a batch has two axes or more, examples first, not {list(given.shape)}", at)


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


def given_batch(given: Array, rows: int | None, at: str) -> Batch:
    """Return a batch that was posted, of tokens where an embedding of so many rows takes it; refuses what is none."""
    if not given.size:
        raise InvalidSpec(f"a batch has one example at least, not the shape {list(given.shape)}", at)
    if rows is not None:
        return tokens(given, rows, at)
    if not given.any():
        raise InvalidSpec("every input is 0: nothing can be seen of the network", at)
    return given


def counted(shape: Shape, rows: int | None) -> Batch:
    """Return positions along the last axis; raises InvalidSpec where an embedding has fewer rows."""
    if rows is not None and shape[-1] > rows:
        detail = f"an embedding of {rows} positions cannot count {shape[-1]}: fewer steps, or a longer table"
        raise InvalidSpec(detail, "/input_shape")
    return np.broadcast_to(np.arange(shape[-1], dtype=np.int64), shape).copy()


def drawn_tokens(shape: tuple[int, ...], rows: int, seed: int, what: str) -> Batch:
    words = np.empty(prod(shape), np.uint32)
    fill_words(stream_of(seed, f"diagnose {what}").address(), np.zeros(1, np.uint64), words.size, words)
    return (words.astype(np.int64) % rows).reshape(shape)


def tokens(given: Array, rows: int, at: str) -> Batch:
    if (given != np.floor(given)).any() or given.min() < 0 or given.max() >= rows:
        raise InvalidSpec(f"an embedding takes whole numbers from 0 to {rows - 1}", at)
    return given.astype(np.int64)
