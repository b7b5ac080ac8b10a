"""Llama: rotary positions, RMS norms, gated dense layers, fewer heads for keys and values; everything N(0, 0.02²)."""

from functools import partial

from service.networks.families import decoders
from service.networks.families.blocks import alike, attention, block, gated, initialisation, stack
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Module

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


def body(c: Settings) -> Module:
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    c.divided("hidden_size", "num_attention_heads")  # which the library asks for, though heads have their own width
    each = block(c, attention(c, c.flag("attention_bias")), gated("mlp", width, wide, c.flag("mlp_bias")))
    return stack(c, initialisation(c), alike(c, each))


BASE = Base("model", body, initialisation)

LONG = {"vocab_size": 128256, "num_key_value_heads": 8, "max_position_embeddings": 131072}

FAMILY = Family(
    model_type="llama",
    summary="Llama: every matrix and table N(0, 0.02²).",
    references=("Touvron et al. 2023", "Grattafiori et al. 2024"),
    defaults=DEFAULTS,
    sizes={
        "8b": {**LONG, "intermediate_size": 14336},
        "1b": {
            **LONG,
            "hidden_size": 2048,
            "intermediate_size": 8192,
            "num_hidden_layers": 16,
            "head_dim": 64,
            "tie_word_embeddings": True,
        },
        "3b": {
            **LONG,
            "hidden_size": 3072,
            "intermediate_size": 8192,
            "num_hidden_layers": 28,
            "num_attention_heads": 24,
            "head_dim": 128,
            "tie_word_embeddings": True,
        },
        "70b": {
            **LONG,
            "hidden_size": 8192,
            "intermediate_size": 28672,
            "num_hidden_layers": 80,
            "num_attention_heads": 64,
        },
        "405b": {
            **LONG,
            "hidden_size": 16384,
            "intermediate_size": 53248,
            "num_hidden_layers": 126,
            "num_attention_heads": 128,
        },
        "2-7b": {"max_position_embeddings": 4096},
        "2-13b": {
            "hidden_size": 5120,
            "intermediate_size": 13824,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "max_position_embeddings": 4096,
        },
        "2-70b": {
            "hidden_size": 8192,
            "intermediate_size": 28672,
            "num_hidden_layers": 80,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "max_position_embeddings": 4096,
        },
        "tiny-1.1b": {
            "hidden_size": 2048,
            "intermediate_size": 5632,
            "num_hidden_layers": 22,
            "num_key_value_heads": 4,
        },
    },
    heads=of_decoder("Llama", BASE, questions="transformer"),
    structure=decoders.STRUCTURE,
    network=partial(
        decoders.network, base=BASE, read=decoders.projected, mixed=decoders.gated, questions="transformer"
    ),
)
