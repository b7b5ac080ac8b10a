"""Attention's way through heads: what each query reads of which keys; turned and told apart by their positions."""

import numpy as np
from numpy.typing import NDArray

from service.analysis.functions import FUNCTIONS
from service.analysis.tape.arranging import reshape
from service.analysis.tape.elementwise import add, apply, apply_softmax, scaled
from service.analysis.tape.node import Array, Node, constant
from service.analysis.tape.products import contract

Seen = NDArray[np.bool_]


def attend(
    query: Node,
    key: Node,
    value: Node,
    key_heads: int,
    causal: bool = False,
    scale: float | None = None,
    bias: Node | None = None,
    softcap: float | None = None,
) -> Node:
    """(batch, queries, heads, size) x (batch, keys, key heads, size) -> (batch, queries, heads, size of values).

    Every `heads / key_heads` heads of queries share one of keys and values. `scale` is size^-0.5 where it is None;
    `bias` (batch or 1, queries, keys, heads) is added to logits, which stay within ±`softcap`, if any; where it is
    `causal`, query i sees keys 0 to i.
    """
    logits = logits_of(query, key, key_heads, scale, bias, softcap)
    batch, queries, heads = query.value.shape[:3]
    shares = apply_softmax(logits, seen_by(queries, key.value.shape[1]) if causal else None)
    read = contract("bkgtu,buks->btkgs", shares, value)
    return reshape(read, (batch, queries, heads, value.value.shape[-1]))


def logits_of(
    query: Node,
    key: Node,
    key_heads: int,
    scale: float | None = None,
    bias: Node | None = None,
    softcap: float | None = None,
) -> Node:
    """Return what softmax is taken of: (batch, key heads, heads of queries for each, queries, keys)."""
    batch, queries, heads, size = query.value.shape
    shared = heads // key_heads
    parted = reshape(query, (batch, queries, key_heads, shared, size))
    logits = scaled(contract("btkgs,buks->bkgtu", parted, key), size**-0.5 if scale is None else scale)
    if bias is not None:
        examples, *_ = bias.value.shape
        moved = reshape(across_heads(bias), (examples, key_heads, shared, queries, key.value.shape[1]))
        logits = add(logits, moved)
    return logits if softcap is None else scaled(apply(FUNCTIONS["tanh"], scaled(logits, 1.0 / softcap)), softcap)


def across_heads(bias: Node) -> Node:
    """(batch, queries, keys, heads) -> (batch, heads, queries, keys)."""
    return Node(np.moveaxis(bias.value, -1, 1), (bias,), lambda g: (np.moveaxis(g, 1, -1),))


def seen_by(queries: int, keys: int) -> Seen:
    """Return which keys (columns) each query sees that must not look ahead."""
    return np.tri(queries, keys, dtype=np.bool_)


def rotate(x: Node, heads: int, base: float, turning: int | None = None) -> Node:
    """(batch, steps, heads x size): turn pairs of features, half a head apart, by angles that grow with the step.

    Su et al. 2021, with the halves of Llama: the pair i turns by step x base^(-2 i / size). Where fewer of a head's
    features are `turning`, the first ones, these are its size.
    """
    batch, steps, width = x.value.shape
    size = width // heads
    half = (turning or size) // 2
    angles = np.arange(steps)[:, None] * base ** (-np.arange(half) / half)
    cos, sin = (part[:, None, :].astype(x.value.dtype) for part in (np.cos(angles), np.sin(angles)))

    def turned(value: Array, sin: Array) -> Array:
        apart = value.reshape(batch, steps, heads, size)
        first, second, rest = np.split(apart, (half, 2 * half), -1)
        parts = (first * cos - second * sin, second * cos + first * sin, rest)
        return np.concatenate(parts, -1).reshape(batch, steps, width)

    return Node(turned(x.value, sin), (x,), lambda g: (turned(g, -sin),))


def relative_positions(queries: int, keys: int, buckets: int, farthest: int, bidirectional: bool) -> Node:
    """Return the bucket (1, queries, keys) of how far each key lies from each query: T5's (Raffel et al. 2020).

    Half of them are for one distance each, the others for distances that grow by a factor, up to `farthest`; where it
    is `bidirectional`, a half of all is for keys after the query.
    """
    ahead = np.arange(keys)[None, :] - np.arange(queries)[:, None]
    first = np.zeros_like(ahead)
    if bidirectional:
        buckets //= 2
        first, away = np.where(ahead > 0, buckets, 0), np.abs(ahead)
    else:
        away = np.maximum(-ahead, 0)
    exact = buckets // 2
    # T5 takes the logarithm in float32, which tells on which side of an edge a distance falls.
    ratio = np.log(np.maximum(away, 1).astype(np.float32) / np.float32(exact))
    further = (ratio / np.float32(np.log(farthest / exact)) * np.float32(buckets - exact)).astype(np.int64)
    found = np.where(away < exact, away, np.minimum(exact + further, buckets - 1))
    return constant((first + found)[None])
