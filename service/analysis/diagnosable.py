"""What is asked of a diagnosis: the request, and the batch that is sent through."""

from math import prod
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from service.analysis.sizes import default_shape
from service.analysis.tape import Array
from service.errors import InvalidSpec
from service.networks.layers.embedding import Embedding
from service.networks.schemes.npy import load_npy, read_npy
from service.specs.spec import Spec
from service.stream.distributions import Normal, filled
from service.stream.kernels import fill_words
from service.stream.streams import stream_of

Batch: TypeAlias = NDArray[Any]  # float64; int64 where it is tokens
EXTRA = ("inputs", "batch", "forecast_only", "tune")  # of the request, beside what a spec has


class DiagnoseRequest(Spec):
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


def batch_of(request: DiagnoseRequest, spec: Spec, seed: int) -> Batch:
    """Return the batch: as given, or drawn; tokens before an embedding."""
    first = spec.layers[0]
    if request.inputs is not None:
        given = load_npy(request.inputs)
        if not given.size or not given.ndim:
            raise InvalidSpec(f"a batch has one example at least, not the shape {list(given.shape)}", "/inputs")
        if isinstance(first, Embedding):
            return tokens(given, first.shape[0])
        if given.ndim < 2:
            raise InvalidSpec(f"a batch has two axes or more, examples first, not {list(given.shape)}", "/inputs")
        if not given.any():
            raise InvalidSpec("every input is 0: nothing can be seen of the network", "/inputs")
        return given
    shape = default_shape(spec, request.batch)
    if isinstance(first, Embedding):
        words = np.empty(prod(shape), np.uint32)
        fill_words(stream_of(seed, "diagnose inputs").address(), np.zeros(1, np.uint64), words.size, words)
        return (words.astype(np.int64) % first.shape[0]).reshape(shape)
    return standard_normal(shape, seed, "inputs")


def tokens(given: Array, rows: int) -> Batch:
    if (given != np.floor(given)).any() or given.min() < 0 or given.max() >= rows:
        raise InvalidSpec(f"an embedding takes whole numbers from 0 to {rows - 1}", "/inputs")
    return given.astype(np.int64)
