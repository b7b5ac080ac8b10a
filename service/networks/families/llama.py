"""Llama: rotary positions, RMS norms, gated dense layers, fewer heads for keys and values; everything N(0, 0.02²)."""

from dataclasses import replace

from service.networks.families.family import Family, Head
from service.networks.families.heads import causal_lm, labels, sequence_classification
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Initialise,
    Module,
    embedding,
    generic,
    linear,
    model,
    module,
    numbered,
    rms_norm,
)

DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 11008,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "head_dim": None,
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def initialisation(c: Settings) -> Initialise:
    return generic(c.deviation("initializer_range") or 0.02)


def attention(c: Settings, biased: bool, biased_out: bool, *norms: Module) -> Module:
    """Return projections to queries and to as many keys and values as there are heads for these, and back."""
    width, heads = c.size("hidden_size"), c.size("num_attention_heads")
    head = c.optional_size("head_dim") or c.divided("hidden_size", "num_attention_heads")
    few = head * (c.optional_size("num_key_value_heads") or heads)
    return module(
        "self_attn",
        linear("q_proj", width, head * heads, biased),
        linear("k_proj", width, few, biased),
        linear("v_proj", width, few, biased),
        linear("o_proj", head * heads, width, biased_out),
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


def block(c: Settings) -> Module:
    width, biased = c.size("hidden_size"), c.flag("attention_bias")
    return module(
        "",
        attention(c, biased, biased),
        gated("mlp", width, c.size("intermediate_size"), c.flag("mlp_bias")),
        rms_norm("input_layernorm", width),
        rms_norm("post_attention_layernorm", width),
    )


def body(c: Settings) -> Module:
    width, rows = c.size("hidden_size"), c.size("vocab_size")
    each = block(c)
    return model(
        "",
        initialisation(c),
        embedding("embed_tokens", rows, width, c.index("pad_token_id", rows)),
        numbered("layers", [each] * c.depth("num_hidden_layers")),
        rms_norm("norm", width),
    )


def with_lm(c: Settings) -> Module:
    base = replace(body(c), name="model")
    tied = c.flag("tie_word_embeddings")
    return causal_lm(base, initialisation(c), c.size("hidden_size"), c.size("vocab_size"), "embed_tokens", tied)


def with_classes(c: Settings) -> Module:
    base = replace(body(c), name="model")
    return sequence_classification(base, initialisation(c), c.size("hidden_size"), labels(c))


FAMILY = Family(
    model_type="llama",
    summary="Llama: every matrix and table N(0, 0.02²).",
    references=("Touvron et al. 2023", "Grattafiori et al. 2024"),
    defaults=DEFAULTS,
    sizes={
        "8b": {
            "vocab_size": 128256,
            "intermediate_size": 14336,
            "num_key_value_heads": 8,
            "max_position_embeddings": 131072,
        },
        "1b": {
            "vocab_size": 128256,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 16,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "tie_word_embeddings": True,
            "max_position_embeddings": 131072,
        },
    },
    heads={
        None: Head("LlamaModel", body),
        "causal_lm": Head("LlamaForCausalLM", with_lm),
        "sequence_classification": Head("LlamaForSequenceClassification", with_classes),
    },
)
