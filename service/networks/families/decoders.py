"""Decoders of text as networks, as they are since Llama: norms before, rotary positions, gated dense layers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from service.networks.families.blocks import head_width
from service.networks.families.heads import Base
from service.networks.families.settings import Settings
from service.networks.families.wiring import Network, Wiring, function, steps

# What says how rotary positions turn, and dense layers are opened; the library's defaults.
STRUCTURE: Mapping[str, Any] = {
    "hidden_act": "silu",
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 2048,
    "rope_theta": 10000.0,
    "rope_parameters": None,
    "rope_scaling": None,
    "partial_rotary_factor": 1.0,
    "sliding_window": None,
}

# What reads queries, keys and values off a norm's output, by the name of attention, and returns their names.
Read: TypeAlias = Callable[[Settings, Wiring, str, str], Sequence[str]]
# What comes after attention: dense layers by their name, on a norm's output.
Mixed: TypeAlias = Callable[[Settings, Wiring, str, str], str]


def network(c: Settings, head: str | None, base: Base, read: Read, mixed: Mixed, questions: str = "model") -> Network:
    """Return a table of words, blocks, a last norm, and what a head reads of it.

    `questions` is what the head that answers questions calls the base model.
    """
    base = replace(base, name=questions) if head == "question_answering" else base
    w, at, epsilon = Wiring(input=seen(c)), base.below(head), c.number("rms_norm_eps")
    x = w.weighted(f"{at}embed_tokens", "input")
    for number in range(c.depth("num_hidden_layers")):
        here = f"{at}layers.{number}"
        normed = w.weighted(f"{here}.input_layernorm", x, epsilon=epsilon)
        x = w.add(f"{here}.add_1", x, attended(c, w, f"{here}.self_attn", read(c, w, f"{here}.self_attn", normed)))
        normed = w.weighted(f"{here}.post_attention_layernorm", x, epsilon=epsilon)
        x = w.add(f"{here}.add_2", x, mixed(c, w, f"{here}.mlp", normed))
    return base.read_out(c, w, w.weighted(f"{at}norm", x, epsilon=epsilon), head)


def seen(c: Settings) -> list[int]:
    """Return the shape of a sequence of which every place sees all before it."""
    (longest,) = steps(c, "max_position_embeddings")
    return [min(longest, c.optional_size("sliding_window") or longest)]


def attended(
    c: Settings, w: Wiring, at: str, parts: Sequence[str], turn: dict[str, Any] | None = None, **members: Any
) -> str:
    """Write down attention to what came before, queries and keys turned by their places."""
    heads, few = numbers_of_heads(c)
    turn = turned(c, head_width(c)) if turn is None else turn
    query, key, value = parts
    query = w.plain("rotary", f"{at}.turned_query", query, heads=heads, **turn)
    key = w.plain("rotary", f"{at}.turned_key", key, heads=few, **turn)
    y = w.attention(f"{at}.attention", query, key, value, heads=heads, key_heads=few, causal=True, **members)
    return w.weighted(f"{at}.o_proj", y)


def numbers_of_heads(c: Settings) -> tuple[int, int]:
    heads = c.size("num_attention_heads")
    return heads, c.optional_size("num_key_value_heads") or heads


def turned(c: Settings, width: int) -> dict[str, Any]:
    """Return the base of rotary wavelengths, and how many of a head's features are turned where not all are."""
    name = "rope_parameters" if "rope_parameters" in c else "rope_scaling"
    stated = c.stated(name) or {}
    if not isinstance(stated, Mapping) or stated.get("rope_type", stated.get("type", "default")) != "default":
        c.refuse(name, "null or of the type default for a network")
    members = c.inner(name, {each: c.stated(each) for each in ("rope_theta", "partial_rotary_factor")})
    part, base = int(width * members.number("partial_rotary_factor")), members.number("rope_theta")
    pairs = -(-part // 2)  # the library turns an odd one with what follows, by wavelengths of an odd number
    if not part > 0 or 2 * pairs > width or not base > 0:
        c.refuse("partial_rotary_factor", f"what leaves pairs of a head's {width} features", 1)
    return {"base": base ** (2 * pairs / part)} | ({} if 2 * pairs == width else {"width": 2 * pairs})


def projected(c: Settings, w: Wiring, at: str, x: str) -> list[str]:
    """Write down a dense layer each for queries, keys and values."""
    return [w.weighted(f"{at}.{part}_proj", x) for part in "qkv"]


def normed(c: Settings, w: Wiring, at: str, x: str, **members: float) -> list[str]:
    """Write down queries, keys and values, and a norm of each head's queries and keys."""
    parts, heads = projected(c, w, at, x), numbers_of_heads(c)
    for place, (part, count) in enumerate(zip("qk", heads, strict=True)):
        apart = w.reshape(f"{at}.{part}_heads", parts[place], -1, count, head_width(c))
        normed = w.weighted(f"{at}.{part}_norm", apart, epsilon=c.number("rms_norm_eps"), **members)
        parts[place] = w.reshape(f"{at}.{part}_joined", normed, -1, count * head_width(c))
    return parts


def gated(c: Settings, w: Wiring, at: str, x: str, opens: str = "hidden_act") -> str:
    """Write down dense layers of which one opens what another lets through, by the function that a member says."""
    gate = w.activation(f"{at}.act", w.weighted(f"{at}.gate_proj", x), function(c, opens))
    return w.weighted(f"{at}.down_proj", w.plain("multiply", f"{at}.multiply", gate, w.weighted(f"{at}.up_proj", x)))
