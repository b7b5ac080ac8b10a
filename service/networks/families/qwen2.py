"""Qwen2: Llama's blocks, with biases of queries, keys and values alone."""

from functools import partial

from service.networks.families import decoders
from service.networks.families.blocks import alike, attention, block, gated, initialisation, stack
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Module

DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def body(c: Settings) -> Module:
    mixed = gated("mlp", c.size("hidden_size"), c.size("intermediate_size"))
    each = block(c, attention(c, True, bias_out=False), mixed)
    return stack(c, initialisation(c), alike(c, each))


BASE = Base("model", body, initialisation)

FAMILY = Family(
    model_type="qwen2",
    summary="Qwen2 and Qwen2.5: every matrix and table N(0, 0.02²).",
    references=("Yang et al. 2024",),
    defaults=DEFAULTS,
    sizes={
        "7b": {
            "vocab_size": 152064,
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "num_key_value_heads": 4,
        },
        "0.5b": {
            "hidden_size": 896,
            "intermediate_size": 4864,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
        },
        "1.5b": {
            "hidden_size": 1536,
            "intermediate_size": 8960,
            "num_hidden_layers": 28,
            "num_attention_heads": 12,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
        },
        "3b": {
            "hidden_size": 2048,
            "intermediate_size": 11008,
            "num_hidden_layers": 36,
            "num_attention_heads": 16,
            "num_key_value_heads": 2,
            "tie_word_embeddings": True,
        },
        "14b": {
            "vocab_size": 152064,
            "hidden_size": 5120,
            "intermediate_size": 13824,
            "num_hidden_layers": 48,
            "num_attention_heads": 40,
            "num_key_value_heads": 8,
        },
        "32b": {
            "vocab_size": 152064,
            "hidden_size": 5120,
            "intermediate_size": 27648,
            "num_hidden_layers": 64,
            "num_attention_heads": 40,
            "num_key_value_heads": 8,
        },
        "72b": {
            "vocab_size": 152064,
            "hidden_size": 8192,
            "intermediate_size": 29568,
            "num_hidden_layers": 80,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
        },
    },
    heads=of_decoder("Qwen2", BASE, questions="transformer"),
    structure=decoders.STRUCTURE,
    network=partial(
        decoders.network, base=BASE, read=decoders.projected, mixed=decoders.gated, questions="transformer"
    ),
)
