"""Gemma 2: Llama's blocks between norms on both sides, whose scales are 1 more than their weights, which start at 0."""

from collections.abc import Iterator

from service.networks.families.blocks import alike, attention, gated, initialisation, stack
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import ZEROS, Fill, Initialise, Module, module, rms_norm

DEFAULTS = {
    "vocab_size": 256000,
    "hidden_size": 2304,
    "intermediate_size": 9216,
    "num_hidden_layers": 26,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "head_dim": 256,
    "attention_bias": False,
    "tie_word_embeddings": True,
    "initializer_range": 0.02,
    "pad_token_id": 0,
}
NORMS = ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm")


def with_zero_norms(c: Settings) -> Initialise:
    """Return the general initialisation, with norms' weights at 0."""
    general = initialisation(c)

    def initialise(each: Module) -> Iterator[Fill]:
        yield from general(each)
        if each.layer is not None and each.layer["type"] == "rms_norm":
            yield Fill("", "scale", ZEROS)

    return initialise


def blocks(c: Settings, read: Module) -> Module:
    """Return attention, then gated layers, a norm before and after each."""
    width = c.size("hidden_size")
    c.divided("hidden_size", "num_attention_heads")  # which the library asks for, though heads have their own width
    mixed = gated("mlp", width, c.size("intermediate_size"))
    each = module("", read, mixed, *(rms_norm(name, width) for name in NORMS))
    return stack(c, with_zero_norms(c), alike(c, each))


def body(c: Settings) -> Module:
    return blocks(c, attention(c, c.flag("attention_bias")))


FAMILY = Family(
    model_type="gemma2",
    summary="Gemma 2: every matrix and table N(0, 0.02²), norms' weights 0.",
    references=("Gemma Team 2024",),
    defaults=DEFAULTS,
    sizes={
        "9b": {
            "hidden_size": 3584,
            "intermediate_size": 14336,
            "num_hidden_layers": 42,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
        },
        "2b": {},
        "27b": {
            "hidden_size": 4608,
            "intermediate_size": 36864,
            "num_hidden_layers": 46,
            "num_attention_heads": 32,
            "num_key_value_heads": 16,
            "head_dim": 128,
            "query_pre_attn_scalar": 144,
        },
    },
    heads=of_decoder("Gemma2", Base("model", body, with_zero_norms)),
)
