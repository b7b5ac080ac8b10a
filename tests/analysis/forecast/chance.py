"""Brute force: weights drawn many times over, in NumPy alone; what comes out of them, and Jacobians by differences.

Nothing here knows the service: each layer is written once more, as its definition has it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Function: TypeAlias = Callable[[Array], Array]
Generator: TypeAlias = np.random.Generator
Draw: TypeAlias = Callable[[Generator], Function]
TRIALS, STEP = 60, 1e-5


class Found(NamedTuple):
    """Means over trials and their standard errors: E[y y], E[y y'] of two examples, and the squared gradient at x."""

    second: tuple[float, float]
    cross: tuple[float, float]
    back: tuple[float, float]


def normal(generator: Generator, *shape: int, stddev: float = 1.0) -> Array:
    return generator.normal(0.0, stddev, shape)


def relu(x: Array) -> Array:
    return np.maximum(x, 0.0)


def sigmoid(x: Array) -> Array:
    found: Array = 1.0 / (1.0 + np.exp(-x))
    return found


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    found: Array = powers / powers.sum(axis=-1, keepdims=True)
    return found


def standardised(x: Array, axes: tuple[int, ...]) -> Array:
    mean = x.mean(axis=axes, keepdims=True)
    found: Array = (x - mean) / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)
    return found


def before(generator: Generator, batch: int, places: tuple[int, ...], features: int) -> Array:
    """Return what comes to the layers that are tried: relu of normal sums, which has a mean and things in common."""
    z = normal(generator, batch, *places, features)
    return relu(z @ normal(generator, features, features, stddev=(2.0 / features) ** 0.5))


def tried(draw: Draw, batch: int, places: tuple[int, ...], features: int, seed: int, trials: int = TRIALS) -> Found:
    """Return what a network does on average over its weights.

    A gradient of variance 1 at the outputs has at the inputs, on average, the squared length of J v for a v of variance
    1 there, over how many inputs there are.
    """
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(trials):
        x, function = before(generator, batch, places, features), draw(generator)
        y, v = function(x), normal(generator, *x.shape)
        along = (function(x + STEP * v) - function(x - STEP * v)) / (2.0 * STEP)
        pairs = (y[1:] * y[:-1]).mean()
        rows.append(((y * y).mean(), pairs, (along * along).sum() / x.size))
    table = np.array(rows)
    means, errors = table.mean(axis=0), table.std(axis=0, ddof=1) / np.sqrt(trials)
    return Found(*((float(mean), float(error)) for mean, error in zip(means, errors, strict=True)))


def windows(x: Array, size: int, step: int, before_: int, after: int, fill: float = 0.0) -> Array:
    """Return (batch, places, size, features): what a window sees, along one axis of places."""
    padded = np.pad(x, ((0, 0), (before_, after), (0, 0)), constant_values=fill)
    count = (padded.shape[1] - size) // step + 1
    return np.stack([padded[:, at * step : at * step + size] for at in range(count)], axis=1)


def attended(
    q: Array, k: Array, v: Array, heads: int, causal: bool, scale: float, bias: float | Array = 0.0, cap: float = 0.0
) -> Array:
    batch, queries, width = q.shape
    q, k, v = (each.reshape(batch, each.shape[1], heads, -1).transpose(0, 2, 1, 3) for each in (q, k, v))
    logits = scale * (q @ k.transpose(0, 1, 3, 2)) + bias
    logits = cap * np.tanh(logits / cap) if cap else logits
    if causal:
        logits = np.where(np.tri(queries, k.shape[2], dtype=bool), logits, -np.inf)
    found: Array = (softmax(logits) @ v).transpose(0, 2, 1, 3).reshape(batch, queries, width)
    return found


Case: TypeAlias = tuple[list[dict[str, Any]], Draw]
