"""What decoders of text have in common since Llama: attention with fewer keys, gated layers, experts, a stack."""

from collections.abc import Iterable, Iterator, Sequence

from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    embedding,
    generic,
    linear,
    model,
    module,
    normal,
    numbered,
    parameter,
    rms_norm,
)

# What checkpoints have for experts, of most families.
EACH = r"\1.{expert}"
IN_FILES = {
    r"^(.*\bmlp\.experts)\.gate_up_proj$": (f"{EACH}.gate_proj.weight", f"{EACH}.up_proj.weight"),
    r"^(.*\bmlp\.experts)\.down_proj$": (f"{EACH}.down_proj.weight",),
}


def initialisation(c: Settings) -> Initialise:
    """Return the general initialisation with the deviation that a config states, by whichever of its names."""
    if "initializer_range" in c:
        return generic(c.deviation("initializer_range") or 0.02)
    return generic(c.deviation("init_std" if "init_std" in c else "initializer_factor"))


def head_width(c: Settings) -> int:
    """Return how many features a head of attention has: its own number, or its share of the width."""
    return c.optional_size("head_dim") or c.divided("hidden_size", "num_attention_heads")


def attention(c: Settings, bias: bool, *norms: Module, bias_out: bool | None = None) -> Module:
    """Return projections to queries and to as many keys and values as there are heads for these, and back."""
    width, heads, head = c.size("hidden_size"), c.size("num_attention_heads"), head_width(c)
    few = head * (c.optional_size("num_key_value_heads") or heads)
    return module(
        "self_attn",
        linear("q_proj", width, head * heads, bias),
        linear("k_proj", width, few, bias),
        linear("v_proj", width, few, bias),
        linear("o_proj", head * heads, width, bias if bias_out is None else bias_out),
        *norms,
    )


def gated(name: str, width: int, wide: int, bias: bool = False) -> Module:
    """Return dense layers of which one opens what another lets through."""
    return module(
        name,
        linear("gate_proj", width, wide, bias),
        linear("up_proj", width, wide, bias),
        linear("down_proj", wide, width, bias),
    )


def router(name: str, width: int, experts: int) -> Module:
    return module(name, parameter("weight", (experts, width)), kind="router")


def experts(count: int, width: int, wide: int) -> Module:
    """Return gated layers, one for each expert: gates and what they open in one array, the way back in another."""
    return module(
        "experts",
        parameter("gate_up_proj", (count, 2 * wide, width)),
        parameter("down_proj", (count, width, wide)),
        kind="experts",
    )


def with_experts(c: Settings) -> Initialise:
    """Return the general initialisation, with experts and routers drawn once the rest of their layer is."""
    general, drawn = initialisation(c), normal(c.deviation("initializer_range"))

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.kind == "experts":
            yield Fill("gate_up_proj", "value", drawn)
            yield Fill("down_proj", "value", drawn)
        elif each.kind == "router":
            yield Fill("weight", "value", drawn)

    return initialise


def block(c: Settings, attention: Module, mixed: Module) -> Module:
    """Return attention, then dense layers, a norm of its own before each."""
    width = c.size("hidden_size")
    return module("", attention, mixed, rms_norm("input_layernorm", width), rms_norm("post_attention_layernorm", width))


def stack(c: Settings, initialise: Initialise, blocks: Iterable[Module]) -> Module:
    """Return a table of words, blocks, and a last norm."""
    width, rows = c.size("hidden_size"), c.size("vocab_size")
    words = embedding("embed_tokens", rows, width, c.index("pad_token_id", rows))
    return model("", initialise, words, numbered("layers", blocks), rms_norm("norm", width))


def alike(c: Settings, each: Module) -> Sequence[Module]:
    """Return as many of the same block as the model is deep."""
    return [each] * c.depth("num_hidden_layers")
