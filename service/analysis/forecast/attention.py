"""Attention at initialisation: nearly the mean over the keys seen, so that places become alike (Noci et al. 2022).

A place's logits are normal, of variance lambda beyond what its keys share. Its shares of the values are a softmax of
these, whose sum of squares is known (shares.py): 1 / n where lambda is 0, more the larger it is (Dong et al. 2021 on
what is left of a collapse). Two places' shares know of each other as far as their queries are correlated. Where a mask
lets place t see t places, it is the mean of t. On the way back a gradient comes to the values as to a mean, and to
queries and keys by how far values differ, and by how steep the shares are. Keys and values are taken as knowing nothing
of each other, as in wide layers: of more keys than features, what is left of a gradient is larger than is told, up to
twice where logits have variance 1 and keys are five times as many.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from service.analysis.forecast.bend import activated
from service.analysis.forecast.heads import Heads
from service.analysis.forecast.many import ManyAttending, attend_many
from service.analysis.forecast.normal import Array
from service.analysis.forecast.shares import shares, steepness
from service.analysis.forecast.signal import Gradient, Places, Signal
from service.analysis.forecast.step import Given, Step, squared, weightless
from service.analysis.forecast.weighted import Kernel, kernel_of, pulled, summed
from service.networks.layers.attention import Attention
from service.networks.layers.structure import DotProductAttention, Rotary


@dataclass(frozen=True, slots=True)
class Attending:
    """What attention makes of queries, keys and values, and how gradients come back to each of the three."""

    out: Signal
    heads: Heads
    query: Signal
    key: Signal
    value: Signal
    mean: Array  # (queries, keys): the shares where all logits are equal
    excess: Array  # how much more often two queries read the same key than by chance, as a share of that
    variance: Array  # of each query's logits, beyond what all its keys share
    less: float  # by how much a cap makes logits less steep, squared

    def back(self, gradient: Gradient) -> tuple[Gradient, Gradient, Gradient]:
        a, g = self.mean, gradient.same
        seen = (a > 0.0).sum(axis=1)
        fewer = np.maximum(np.maximum.outer(seen, seen) - 1.0, 1.0)
        alone = g * self.excess * (fewer + 1.0) / fewer
        value = a.T @ (g - g * self.excess / fewer) @ a + np.diag(np.diag(a.T @ alone @ a))
        factor, steep = self.less * squared(self.heads.scale) * self.heads.size, self.steepness()
        values, keys = self.value.same, self.key.same
        met = a @ values  # each query's mean with each value; about that mean values differ
        own_mean, queries = (met * a).sum(axis=1), g * self.query.same
        own = ((a @ (values * keys)) * a).sum(axis=1) - 2.0 * (((a * met) @ keys) * a).sum(axis=1)
        own = steep * (own + own_mean * ((a @ keys) * a).sum(axis=1))
        weights = steep * np.diag(queries)
        weighed = a.T * weights
        key = values * (weighed @ a) - weighed @ (a * met) - (a * met).T @ weighed.T + (weighed * own_mean) @ a
        centre = met.mean(axis=0)
        centred_mean = values - centre[:, None] - centre[None, :] + own_mean.mean()
        together = queries - np.diag(np.diag(queries))
        key = factor * (key + (a.T @ together @ a) * centred_mean)
        query = factor * g * np.sqrt(np.outer(own, own).clip(0.0))
        return Gradient(query), Gradient(key), Gradient(value)

    def steepness(self) -> Array:
        """Return for each query how steep its shares are in its logits, squared, over what equal shares are."""
        seen = (self.mean > 0.0).sum(axis=1).astype(np.float64)
        equal = (1.0 - 1.0 / seen) / seen
        steep = steepness(self.variance, seen)
        found: Array = np.divide(steep, equal, out=np.zeros_like(steep), where=equal > 0.0)
        return found


def attend(
    query: Signal, key: Signal, value: Signal, heads: Heads, places: Places, features: int
) -> Attending | ManyAttending:
    """Return what attention makes of three signals that are sums of the same inputs by weights of their own."""
    queries, keys = len(query.mean), len(key.mean)
    if queries != prod(places) or keys != prod(key.places):
        return attend_many(query, key, value, heads, places, features)
    mask = np.tri(queries, keys, keys - queries) if heads.causal else np.ones((queries, keys))
    mean = mask / mask.sum(axis=1, keepdims=True)
    factor = squared(heads.scale) * heads.size
    less = heads.less(factor * query.second * key.second + heads.added)
    variance = less * (factor * query.same * logits_spread(key.same, mean) + heads.added)
    of_two = less * (factor * query.cross * logits_spread(key.cross, mean) + heads.added)
    same, excess = read(value.same, mean, variance)
    cross, _ = read(value.cross, mean, of_two)
    growth = value.growth * float((mean * mean).sum(axis=1).mean())
    out = Signal(places, features, mean @ value.mean, same, cross, growth)
    return Attending(out, heads, query, key, value, mean, excess, np.diag(variance), less)


def logits_spread(moments: Array, mean: Array) -> Array:
    """Return for each two queries how keys that both see differ, beyond what they share."""
    own = (mean > 0.0) * np.diag(moments)[None, :]
    seen = np.maximum((mean > 0.0).sum(axis=1), 1)
    diagonal, every = own.sum(axis=1) / seen, ((mean @ moments) * mean).sum(axis=1)
    beyond = np.where(seen > 1, (diagonal - every) * seen / np.maximum(seen - 1, 1), 0.0)
    return np.minimum.outer(beyond, beyond)


def read(moments: Array, mean: Array, variance: Array) -> tuple[Array, Array]:
    """Return the moments of what is read of values, and how much more often two queries read the same key."""
    seen = (mean > 0.0).sum(axis=1)
    most = np.maximum.outer(seen, seen)
    excess = most * shares(variance, most) - 1.0
    every = mean @ moments @ mean.T
    alone = (mean * np.diag(moments)[None, :]) @ mean.T
    return every + excess * (alone * most - every) / np.maximum(most - 1.0, 1.0), excess


def dot_product_attention(given: Given) -> Step | None:
    """Of queries, keys and values that have something in common without weights between, theory knows nothing."""
    layer, (query, key, value, *bias) = given.layer, given.inputs
    assert isinstance(layer, DotProductAttention)
    if set(query.lineage) & set(key.lineage) or set(key.lineage) & set(value.lineage):
        return None
    size = query.features // layer.heads
    scale = size**-0.5 if layer.scale is None else layer.scale
    added = bias[0].second - bias[0].mean.mean() ** 2 if bias else 0.0
    heads = Heads(size, scale, layer.causal, float(added), layer.softcap)
    found = attend(query, key, value, heads, given.places, given.features)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        to_query, *others = found.back(gradient)
        shared = layer.heads / (layer.key_heads or layer.heads)  # heads of queries that read one of keys and values
        rest = [Gradient(shared * one.same) for one in others]
        return [to_query, *rest, *(Gradient(np.zeros_like(one.same)) for one in bias)]

    chi = found.out.growth / max(value.growth, 1e-300)
    return weightless(found.out, back, chi)


def rotated(given: Given) -> Step:
    """Rotary positions keep sizes; two places' common part turns by their distance (Su et al. 2021)."""
    (x,), layer = given.inputs, given.layer
    assert isinstance(layer, Rotary)
    size = x.features // layer.heads
    half = (layer.width or size) // 2
    angles = layer.base ** (-np.arange(half) / half)
    apart = np.abs(np.subtract.outer(*(np.arange(len(x.mean)),) * 2)).astype(np.float64)
    turned = np.cos(apart[..., None] * angles).mean(axis=-1)
    if len(x.mean) != prod(x.places):  # any two places: at distance d as often as there are two so far apart
        far = np.arange(1, prod(x.places))
        turned = np.where(apart == 0.0, 1.0, np.average(np.cos(far[:, None] * angles).mean(axis=1), weights=far[::-1]))
    share = 2.0 * half / size  # of a head's features
    turn = share * turned + 1.0 - share
    out = replace(x, same=x.same * turn, cross=x.cross * turn, origin=None)

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [Gradient(gradient.same * turn)]

    return weightless(out, back, 1.0)


def attention_layer(given: Given) -> Step | None:
    """Attention with its projections: queries, keys, values and back."""
    layer, sources, inputs = given.layer, given.sources, given.inputs
    assert isinstance(layer, Attention)
    for member in ("key_width", "value_width", "bias_kv"):
        if vars(layer).get(member):
            return None
    width, heads, size = layer.shape
    x, other = inputs[0], inputs[-1]
    if len(x.places) != 1:
        return None
    kernels = {
        name: kernel_of(
            sources[f"{name}/kernel"],
            sources.get(f"{name}/bias"),
            width,
            size * (heads if name == "query" else layer.key_heads),
        )
        for name in ("query", "key", "value")
    }
    made = {name: projected(x if name == "query" else other, kernel) for name, kernel in kernels.items()}
    causal = bool(vars(layer).get("causal"))
    found = attend(made["query"], made["key"], made["value"], Heads(size, size**-0.5, causal), x.places, heads * size)
    back_kernel = kernel_of(
        sources["attention_output/kernel"], sources.get("attention_output/bias"), heads * size, width
    )
    sums = summed(found.out, back_kernel)
    bend = activated(given.activation, given.places, given.features, sums.mean, sums.same, sums.cross)
    if bend is None:
        return None
    shared = heads / layer.key_heads  # heads of queries that read one of keys and values

    def back(gradient: Gradient) -> Sequence[Gradient]:
        inner = pulled(bend.back(gradient), back_kernel, x.places, x.places, None)
        query, key, value = found.back(inner)
        to_queries = pulled(query, kernels["query"], x.places, x.places, None)
        to_others = [
            pulled(Gradient(shared * each.same), kernels[name], other.places, other.places, None)
            for name, each in (("key", key), ("value", value))
        ]
        total = to_others[0].same + to_others[1].same
        if len(inputs) == 1:
            return [Gradient(to_queries.same + total)]
        rest = [Gradient(np.zeros_like(one.same)) for one in inputs[1:-1]]
        return [to_queries, *rest, Gradient(total)]

    share = found.out.growth / max(found.value.growth, 1e-300)
    chi = share * width * kernels["value"].variance * back_kernel.seen * back_kernel.variance * bend.steep
    return Step(bend.out, back, chi, lambda gradient: bend.back(gradient).second, x.apart)


def projected(x: Signal, kernel: Kernel) -> Signal:
    sums = summed(x, kernel)
    outer = np.outer(sums.mean, sums.mean)
    growth = x.growth
    return Signal(x.places, kernel.reach, sums.mean, sums.same + outer, sums.cross + outer, growth)
