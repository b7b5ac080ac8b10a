"""Attention over several heads, with projections of its own or without, and what positions do in it."""

from typing import Any

from service.analysis import tape
from service.analysis.rules.rule import Weights, with_bias
from service.analysis.tape import Node


def attention(layer: Any, weights: Weights, *inputs: Node) -> Node:
    """Return what queries read; inputs are one for all, or queries, then what keys and values are made of."""
    query, key, value = projected(layer, weights, *inputs)
    read = tape.attend(query, key, value, layer.key_heads, layer.causal)
    back = tape.contract("bths,hsd->btd", read, weights["attention_output/kernel"])
    return with_bias(back, weights, "attention_output/bias")


def projected(layer: Any, weights: Weights, *inputs: Node) -> tuple[Node, Node, Node]:
    """Return queries, keys and values, each (batch, steps, heads, size)."""
    sources = {"query": inputs[0], "key": inputs[min(1, len(inputs) - 1)], "value": inputs[-1]}
    query, key, value = (
        with_bias(tape.contract("btd,dhs->bths", x, weights[f"{name}/kernel"]), weights, f"{name}/bias")
        for name, x in sources.items()
    )
    return query, key, value


def dot_product_attention(
    layer: Any, weights: Weights, query: Node, key: Node, value: Node, bias: Node | None = None
) -> Node:
    heads, key_heads = layer.heads, layer.key_heads or layer.heads
    parted = (in_heads(query, heads), in_heads(key, key_heads), in_heads(value, key_heads))
    read = tape.attend(*parted, key_heads, layer.causal, layer.scale, bias, layer.softcap)
    batch, steps, _, size = read.value.shape
    return tape.reshape(read, (batch, steps, heads * size))


def in_heads(x: Node, heads: int) -> Node:
    batch, steps, width = x.value.shape
    return tape.reshape(x, (batch, steps, heads, width // heads))


def rotary(layer: Any, weights: Weights, x: Node) -> Node:
    return tape.rotate(x, layer.heads, layer.base, layer.width)


def relative_positions(layer: Any, weights: Weights, queries: Node, keys: Node) -> Node:
    steps = queries.value.shape[1], keys.value.shape[1]
    return tape.relative_positions(*steps, layer.buckets, layer.max_distance, layer.bidirectional)


def logits_of(layer: Any, weights: Weights, *inputs: Node) -> Node:
    """Return what an attention layer takes the softmax of: (batch, key heads, heads for each, queries, keys).

    Keys that a query does not see have logits too.
    """
    if layer.type == "dot_product_attention":
        key_heads = layer.key_heads or layer.heads
        query, key = in_heads(inputs[0], layer.heads), in_heads(inputs[1], key_heads)
        bias = inputs[3] if len(inputs) > 3 else None
        return tape.logits_of(query, key, key_heads, layer.scale, bias, layer.softcap)
    query, key, _ = projected(layer, weights, *inputs)
    return tape.logits_of(query, key, layer.key_heads)
