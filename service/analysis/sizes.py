"""Shapes of what goes through a stack, and what a study of it costs, before a number is drawn."""

from collections.abc import Iterable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from service.errors import TooLarge
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec, PlacedSpec
from service.networks.layers.normalization import LayerNorm, PRelu, RmsNorm, ScaleAndShift
from service.networks.layers.recurrent import Recurrent
from service.networks.layers.structure import DotProductAttention, Pool, TiedLayer
from service.networks.layers.tensor import Tensor
from service.stream.views import Shape

STEPS = 16  # of a sequence that nobody gave
SIDES = {1: 32, 2: 12, 3: 6}  # of what a convolution sees, by its axes, where nothing after it asks for another size
PLACES = 4096  # examples x places of a batch that nobody gave: enough for means to a few per cent
MOST_BYTES = 2**31  # that a study may hold at once: weights, what a pass keeps, and the gradients of both
# Multiplications of a pass forward from which on float32 will do: what is told of so many numbers has three digits.
MANY = 2**31
BESIDE = 2**26  # bytes that a study may hold beside these: parts of a product, a look at a layer
TAKEN = 16  # bytes of each number that goes in: in float64 it and its gradient, in float32 as it was drawn, too
LOOKED_AT = 3  # arrays that are made as large as one that is looked at, or whose gradient passes a function or a norm
KEPT_OF_SLOPES, KEPT_OF_SCORES = (
    5,
    5,
)  # arrays that learnt slopes keep as large as what they give, attention as its scores
GATES = 8  # what a step of a recurrent layer keeps, in units of its gates: sums, gates, states
SETUP = 2  # a matrix decomposition's operations are worth so many of a pass's multiplications in time
# What a study costs, in multiplications that take as long: of a pass forward and back, and of looking at what it kept
# (moments, cosines, units that differ), at weights (drawn, and their singular values) and at a layer (theory, the way
# through Python).
THERE_AND_BACK, PER_VALUE, PER_WEIGHT, PER_LAYER = 3, 300, 100, 60_000_000
# Of those that a layer takes whatever its size: a forecast of it, and a step there and back.
PER_FORECAST, PER_STEP = 12_000_000, 7_000_000
IN_ALL = 4  # times the most multiplications that a pass forward may have: what a study may cost in all


def field_of(layer: LayerSpec) -> list[int]:
    return layer.shape[:-2] if isinstance(layer, FIELDS) else []


WHOLE = (LayerNorm, RmsNorm, PRelu)  # layers whose sizes are those of an input's last axes
FIELDS = (Convolution, TransposedConvolution, DepthwiseConvolution, SeparableConvolution)


def default_shape(layers: Sequence[LayerSpec], batch: int | None) -> tuple[int, ...]:
    """Return the shape of a batch that fits the first of a stack of layers; of tokens, without features."""
    first = layers[0]
    axes = len(field_of(first))
    if axes:
        side = side_for(layers) or SIDES[axes]
        places: tuple[int, ...] = (side,) * axes
    elif isinstance(first, WHOLE):
        places = tuple(first.shape[:-1])
    else:
        places = (STEPS,) if any(isinstance(layer, Embedding | Recurrent | Attention) for layer in layers) else ()
    examples = batch or most_examples(places)
    shape = (examples, *places) if isinstance(first, Embedding) else (examples, *places, features_of(first))
    if 8 * prod(shape) > MOST_BYTES:
        raise too_large(f"{8 * prod(shape):,} bytes of inputs", f"{MOST_BYTES:,}", "/layers/0/shape")
    return shape


def most_examples(places: Sequence[int]) -> int:
    """Return how many examples are drawn of inputs with so many places."""
    return min(128, max(8, PLACES // max(1, prod(places))))


def features_of(layer: LayerSpec) -> int:
    shape: list[int] = vars(layer)["shape"]
    if isinstance(layer, WHOLE):
        return shape[-1]
    return shape[-2] if isinstance(layer, FIELDS) else shape[0]


def side_for(layers: Sequence[LayerSpec]) -> int | None:
    """Return the side with which what the convolutions give is just what the dense layer after them takes."""
    axes, channels, step = len(field_of(layers[0])), 0, 1
    widest = max(max(field_of(layer), default=1) for layer in layers)
    for layer in layers:
        if isinstance(layer, FIELDS):
            *_, inputs, outputs = layer.shape
            channels = inputs * outputs if isinstance(layer, DepthwiseConvolution) else outputs
            step *= layer.strides if isinstance(layer, TransposedConvolution) else 1
        elif isinstance(layer, Dense):
            side = round((layer.shape[0] / channels) ** (1 / axes)) // step
            # On a ring smaller than the field a value would be seen twice.
            return side if side >= widest and channels * (side * step) ** axes == layer.shape[0] else None
    return None


class Taken(NamedTuple):
    """The shape that a dense layer takes of what comes, and which of it where that is not all, or is flattened."""

    shape: Shape
    every: tuple[slice, ...] | None


def taken(came: Shape, layer: Dense) -> Taken:
    """Return what a dense layer takes of what comes, where it fits: every k-th place of as many as it takes."""
    places, features, wanted = came[1:-1], came[-1], layer.shape[0]
    if features != wanted and wanted % features == 0 and places:
        side = round((wanted // features) ** (1 / len(places)))
        if side ** len(places) * features == wanted and all(size >= side for size in places):
            steps = (slice(None), *(slice(None, size // side * side, size // side) for size in places))
            return Taken((came[0], wanted), steps)
    return Taken(came, None)


class Cost(NamedTuple):
    """Multiplications of a pass forward, values that it keeps for the way back beside weights, and its weights."""

    work: int
    kept: int
    weights: int


def cost_of(layer: PlacedSpec, shapes: Sequence[Shape], came: Sequence[Shape], gives: Sequence[Shape]) -> Cost:
    """Return what a layer costs, given its parameters' shapes, and those of what it takes and gives."""
    weights, out = sum(map(prod, shapes)), sum(map(prod, gives))
    if isinstance(layer, TiedLayer):  # times the transpose of a matrix
        return Cost(prod(came[0]) * gives[0][-1], out, 0)
    if isinstance(layer, DotProductAttention):
        queries, keys, *_ = came
        scores = queries[0] * queries[1] * keys[1] * layer.heads
        return Cost(scores * (queries[-1] + gives[0][-1]) // layer.heads, KEPT_OF_SCORES * scores + 2 * out, 0)
    if not isinstance(layer, LayerSpec):
        return Cost(out, 2 * out if isinstance(layer, Pool) else out, 0)
    x, seen = came[0] if came else (1,), prod(came[0]) if came else 0
    places = prod(gives[0][:-1])
    work = 0 if isinstance(layer, Embedding | Tensor) else places * weights
    kept = out * (
        KEPT_OF_SLOPES if isinstance(layer, PRelu) else 2 if isinstance(layer, ScaleAndShift | RmsNorm) else 1
    )
    kept += out if layer.activation != "linear" else 0
    if isinstance(layer, FIELDS):  # what is given, and what is taken with the places around it
        work = prod(x[:-1]) * weights if isinstance(layer, TransposedConvolution) else work
        kept += seen + (out if isinstance(layer, SeparableConvolution) else 0)
    if isinstance(layer, Attention):  # every place looks at every other, and reads
        heads, size, other = layer.shape[1], layer.shape[2], came[-1]
        scores = places * heads * other[1]
        work += 2 * scores * size
        kept += KEPT_OF_SCORES * scores + 4 * heads * size * (places + prod(other[:-1]))
    if isinstance(layer, Recurrent):
        widest = max(shape[-1] for shape in shapes)
        kept += GATES * places * widest * layer.num_layers * (2 if layer.bidirectional else 1)
        work += GATES * places * widest * layer.num_layers
    return Cost(work, kept, weights)


def exactness_of(cost: Cost) -> type[np.floating[Any]]:
    """Return the type that a pass is made in: float64, and float32 for a large network."""
    return np.float32 if cost.work > MANY else np.float64


def bytes_of(cost: Cost, exactness: type[np.floating[Any]]) -> int:
    """Return the bytes of weights, of what a pass keeps, and of the gradients of both."""
    size: int = np.dtype(exactness).itemsize
    return size * (2 * cost.weights + 2 * cost.kept) + BESIDE


def bytes_beside(
    inputs: Iterable[Shape], outputs: Iterable[Shape], values: Iterable[Shape], exactness: type[np.floating[Any]]
) -> int:
    """Return the bytes that a study holds beside a pass: of what goes in and comes out, and of a look at any value.

    The inputs and the gradient that is sent back are drawn in float64; a pass in float32 has both once more.
    """
    size: int = np.dtype(exactness).itemsize
    drawn = sum(8 * prod(shape) for shape in outputs) if size < 8 else 0
    largest = max(map(prod, values), default=0)
    return TAKEN * sum(map(prod, inputs)) + drawn + LOOKED_AT * size * largest


SMALLER = "a smaller batch may do"


def too_large(asked: str, allowed: str, at: str, hint: str = SMALLER) -> TooLarge:
    return TooLarge(f"running up to here takes {asked}; at most {allowed} are allowed: {hint}", at)


def too_heavy(total: Cost, exactness: type[np.floating[Any]], weights: int, at: str) -> TooLarge:
    """Return the refusal of what does not fit in memory, of a network of so many weights, with what would help."""
    alone = bytes_of(Cost(0, 0, weights), exactness) > MOST_BYTES
    hint = "its weights alone are too many, so that fewer layers or smaller ones may do" if alone else SMALLER
    return too_large(f"{bytes_of(total, exactness):,} bytes of memory", f"{MOST_BYTES:,}", at, hint)
