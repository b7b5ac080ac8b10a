"""Where signals begin: batches of numbers, tokens, tables that are read, arrays that every example has.

Tokens are told by how often two places have the same one: an embedding gives the same row then, and else rows that do
not know each other.
"""

from math import prod

import numpy as np
from numpy.typing import NDArray

from service.analysis.forecast.normal import Array
from service.analysis.forecast.signal import Gradient, Places, Signal, count_of, plain, spread, two_places
from service.analysis.forecast.step import Given, Step, squared, weightless

ENOUGH_EXAMPLES = 16  # of a batch of tokens, by which places are compared


def standard(shape: tuple[int, ...]) -> Signal:
    """Return standard normal numbers of this shape, (*places, features)."""
    return plain(shape[:-1], shape[-1])


def drawn_tokens(places: Places, rows: int) -> Signal:
    """Return tokens each of which is any of so many."""
    count, alike = count_of(places), 1.0 / rows
    return Signal(places, 1, np.zeros(count), spread(1.0, alike, places), np.full((count, count), alike))


def counted_positions(places: Places) -> Signal:
    """Return 0, 1, 2, … along places: the same in every example."""
    known = np.eye(count_of(places))
    return Signal(places, 1, np.zeros(len(known)), known, known, growth=0.0)


def like(batch: NDArray[np.float64]) -> Signal:
    """Return a batch of numbers, (examples, *places, features), as the maps see it."""
    examples, *axes, features = batch.shape
    places = tuple(axes)
    values = batch.reshape(examples, prod(places), features)
    same, cross = moments_of(values, places)
    mean = values.mean(axis=(0, 2))
    return Signal(places, features, mean if len(mean) == len(same) else np.full(2, mean.mean()), same, cross)


def like_tokens(batch: NDArray[np.int64]) -> Signal:
    """Return a batch of tokens, (examples, *places), by how often two places have the same."""
    few = batch[:ENOUGH_EXAMPLES]
    places = tuple(few.shape[1:])
    _, numbers = np.unique(few, return_inverse=True)
    tokens = numbers.reshape(len(few), prod(places))
    same, cross = alike(tokens) if count_of(places) == prod(places) else alike_on_average(tokens)
    return Signal(places, 1, np.zeros(len(same)), same, cross)


def alike(tokens: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return how often each two places have the same token, in one example and in two."""
    examples, count = tokens.shape
    same: Array = (tokens[:, :, None] == tokens[:, None, :]).mean(axis=0)
    seen = np.zeros((int(tokens.max()) + 1, count))
    np.add.at(seen, (tokens, np.arange(count)), 1.0)
    every = seen.T @ seen  # over all pairs of examples, those of one with itself too
    return same, (every - examples * same) / (examples * (examples - 1)) if examples > 1 else same


def alike_on_average(tokens: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the same for any two places."""
    examples, count = tokens.shape
    rows = int(tokens.max()) + 1
    within = pairs_in(tokens + rows * np.arange(examples)[:, None])
    same = two_places(1.0, (within / examples - count) / (count * (count - 1)))
    if examples == 1:
        return same, same
    pairs = examples * (examples - 1)
    own = (pairs_in(tokens + rows * np.arange(count)[None, :]) - examples * count) / (count * pairs)
    whole = (pairs_in(tokens) - within) / pairs
    return same, two_places(own, (whole - own * count) / (count * (count - 1)))


def pairs_in(numbers: NDArray[np.int64]) -> float:
    """Return how many pairs are of one number, each with itself too."""
    _, counts = np.unique(numbers, return_counts=True)
    return float((counts.astype(np.float64) ** 2).sum())


def moments_of(values: Array, places: Places) -> tuple[Array, Array]:
    """Return E[x x'] of two places in one example, and in two, of values (examples, places, features)."""
    examples, _, features = values.shape
    if count_of(places) == prod(places):
        rows = values.transpose(1, 0, 2).reshape(prod(places), examples * features)
        same = rows @ rows.T
        total = values.sum(axis=0)
        every = total @ total.T
    else:
        own = float((values * values).sum()) / prod(places)
        spread_out, total = values.sum(axis=1), values.sum(axis=0)
        count = prod(places)
        same = two_places(own, (float((spread_out**2).sum()) - own * count) / (count * (count - 1)))
        alone, whole = float((total**2).sum()) / count, float((total.sum(axis=0) ** 2).sum())
        every = two_places(alone, (whole - alone * count) / (count * (count - 1)))
    others = (every - same) / (examples * (examples - 1)) if examples > 1 else same / examples
    return same / (examples * features), others / features


def looked_up(given: Given) -> Step:
    (x,) = given.inputs
    drawn = given.sources["embeddings"].distribution
    spread_out, mean = squared(drawn.deviation), squared(drawn.mean)
    same, cross = spread_out * x.same + mean, spread_out * x.cross + mean
    out = Signal(given.places, given.features, np.full(len(same), drawn.mean), same, cross)

    def back(gradient: Gradient) -> list[Gradient]:
        return [Gradient(np.zeros_like(gradient.same))]

    return Step(out, back, 1.0, lambda gradient: gradient.second)


def array(given: Given) -> Step:
    """Give an array of its own: the same for every example."""
    drawn = given.sources["value"].distribution
    mean, second = drawn.mean, squared(drawn.deviation) + squared(drawn.mean)
    moments = spread(second, mean * mean, given.places)
    out = Signal(given.places, given.features, np.full(len(moments), mean), moments, moments, growth=0.0)
    return Step(out, lambda gradient: [], 0.0, lambda gradient: gradient.second)


def relative_positions(given: Given) -> Step:
    """Numbers of distances, the same for every example; any two of them are alike as often as any others."""
    told = vars(given.layer)
    alike = 1.0 / told["buckets"]
    moments = spread(1.0, alike, given.shape)
    out = Signal(given.shape, 1, np.zeros(len(moments)), moments, moments, growth=0.0)

    def back(gradient: Gradient) -> list[Gradient]:
        return [Gradient(np.zeros_like(x.same)) for x in given.inputs]

    return weightless(out, back, 0.0)
