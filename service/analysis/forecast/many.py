"""Attention over more places than are followed one by one: two queries and two keys stand for all.

It is what attention.py has, on average over places; where a mask lets place t see t places, over all t.
"""

from dataclasses import dataclass
from math import prod

import numpy as np

from service.analysis.forecast.heads import Heads
from service.analysis.forecast.normal import Array
from service.analysis.forecast.shares import shares, steepness
from service.analysis.forecast.signal import Gradient, Places, Signal, count_of, spread, two_of

COUNTS = 33  # numbers of keys seen, between 1 and all, that stand for those between


@dataclass(frozen=True, slots=True)
class Seen:
    """How many keys queries see, what part of the queries do, and what part of two queries share so many."""

    counts: Array
    parts: Array
    of_pairs: Array

    def shares(self, variance: float, pairs: bool = False) -> float:
        """Return the mean of the sum of squared shares, or of products of two queries' shares."""
        found = shares(np.array(variance), self.counts)
        return float(found @ (self.of_pairs if pairs else self.parts))


def seen_by(keys: int, causal: bool) -> Seen:
    if not causal:
        return Seen(np.array([float(keys)]), np.ones(1), np.ones(1))
    counts = np.unique(np.geomspace(1.0, keys, COUNTS).round())
    parts = np.gradient(counts)
    return Seen(counts, parts / parts.sum(), parts * counts / (parts @ counts))


@dataclass(frozen=True, slots=True)
class ManyAttending:
    """What attention makes of queries, keys and values at many places, and how gradients come back to the three."""

    out: Signal
    query: Signal
    key: Signal
    value: Signal
    once: float  # the mean of the sum of squared shares
    twice: float  # of products of two queries' shares
    steep: float  # how steep shares are in logits, with their factor

    def back(self, gradient: Gradient) -> tuple[Gradient, Gradient, Gradient]:
        queries, keys = prod(self.query.places), prod(self.key.places)
        own, other = two_of(gradient.same, self.out.places)
        value_own, value_other = two_of(self.value.same, self.value.places)
        key_own, key_other = two_of(self.key.same, self.key.places)
        query_own, query_other = two_of(self.query.same, self.query.places)
        apart = value_own - value_other
        to_queries = self.steep * apart * (key_own - key_other)
        to_key = (
            self.steep * apart * queries / keys * (own * query_own + (queries - 1) * self.twice * other * query_other)
        )
        to_value = queries / keys * (self.once * own + (queries - 1) * self.twice * other)
        whole = queries * own + queries * (queries - 1) * other
        between = (whole - keys * to_value) / (keys * (keys - 1)) if keys > 1 else 0.0
        return (
            Gradient(gradient.same * to_queries),
            Gradient(spread(to_key, -to_key / max(keys - 1, 1), self.key.places)),
            Gradient(spread(to_value, between, self.value.places)),
        )


def attend_many(
    query: Signal, key: Signal, value: Signal, heads: Heads, places: Places, features: int
) -> ManyAttending:
    seen = seen_by(prod(key.places), heads.causal)
    factor = heads.scale * heads.scale * heads.size
    less = heads.less(factor * query.second * key.second + heads.added)
    found: list[float] = []
    for field in ("same", "cross"):
        (query_own, query_other), (key_own, key_other), (value_own, value_other) = (
            two_of(getattr(each, field), each.places) for each in (query, key, value)
        )
        for of_query, pairs in ((query_own, False), (query_other, True)):
            part = seen.shares(less * (factor * of_query * (key_own - key_other) + heads.added), pairs)
            found += [part, part * value_own + (1.0 - part) * value_other]
    once, same_own, twice, same_other, _, cross_own, _, cross_other = found
    own_variance = less * (factor * query.second * (two_of(key.same, key.places)[0] - two_of(key.same, key.places)[1]))
    steep = less * factor * float(steepness(np.array(own_variance + heads.added), seen.counts) @ seen.parts)
    mean = np.full(count_of(places), value.mean.mean())
    same, cross = spread(same_own, same_other, places), spread(cross_own, cross_other, places)
    out = Signal(places, features, mean, same, cross, value.growth * seen.shares(0.0))
    return ManyAttending(out, query, key, value, once, twice, steep)
