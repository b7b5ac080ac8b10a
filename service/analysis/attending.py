"""How a layer of attention looks about: at all keys alike, or at few of them."""

from dataclasses import dataclass

import numpy as np

from service import stopping
from service.analysis.functions import softmax
from service.analysis.tape import Array, seen_by

AT_ONCE = 2**20  # logits that are looked at together


@dataclass(frozen=True, slots=True)
class Logits:
    """What the softmax takes, about the mean of each query's: only differences within one count. In natural units."""

    std: float
    max: float


@dataclass(frozen=True, slots=True)
class Attending:
    """How a layer looks about.

    `entropy` is the mean over heads and queries, in parts of the greatest that each query could have: the logarithm of
    the number of keys that it sees. 1: every key alike; 0: one key each. None where no query sees two keys.
    """

    name: str
    heads: int
    entropy: float | None
    logits: Logits


def attending_of(name: str, logits: Array, causal: bool) -> Attending:
    """Measure logits (batch, key heads, heads for each, queries, keys)."""
    batch, key_heads, shared, queries, keys = logits.shape
    seen = seen_by(queries, keys) if causal else np.ones((queries, keys), np.bool_)
    counts = seen.sum(axis=-1)
    choosing = counts > 1
    entropy = squares = largest = 0.0
    for part in np.array_split(logits, max(1, min(batch, logits.size // AT_ONCE))):
        stopping.give_way()
        mean = np.where(seen, part, 0.0).sum(axis=-1, keepdims=True) / counts[:, None]
        away = np.where(seen, part - mean, 0.0)
        squares += float(np.sum(away * away, dtype=np.float64))
        largest = max(largest, float(away.max(initial=0.0)))
        shares = softmax(np.where(seen, part, -np.inf))
        told = -(shares * np.log(np.where(shares > 0.0, shares, 1.0))).sum(axis=-1)
        entropy += float(np.sum(told[..., choosing] / np.log(counts[choosing]), dtype=np.float64))
    heads = key_heads * shared
    queries_told = batch * heads * int(choosing.sum())
    std = (squares / (batch * heads * int(counts.sum()))) ** 0.5
    return Attending(name, heads, entropy / queries_told if queries_told else None, Logits(std, largest))
