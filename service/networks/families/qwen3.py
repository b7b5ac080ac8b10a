"""Qwen3: Llama's blocks, with norms of each head's queries and keys."""

from functools import partial

from service.networks.families import decoders
from service.networks.families.blocks import alike, attention, block, gated, head_width, initialisation, stack
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, rms_norm

DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
    "attention_bias": False,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def normed(c: Settings) -> Module:
    """Return attention that norms queries and keys."""
    norms = (rms_norm(name, head_width(c)) for name in ("q_norm", "k_norm"))
    return attention(c, c.flag("attention_bias"), *norms)


def body(c: Settings) -> Module:
    mixed = gated("mlp", c.size("hidden_size"), c.size("intermediate_size"))
    return stack(c, initialisation(c), alike(c, block(c, normed(c), mixed)))


BASE = Base("model", body, initialisation)

FAMILY = Family(
    model_type="qwen3",
    summary="Qwen3: every matrix and table N(0, 0.02²).",
    references=("Yang et al. 2025",),
    defaults=DEFAULTS,
    sizes={
        "8b": {
            "intermediate_size": 12288,
            "num_hidden_layers": 36,
            "num_key_value_heads": 8,
            "max_position_embeddings": 40960,
        },
        "0.6b": {
            "hidden_size": 1024,
            "intermediate_size": 3072,
            "num_hidden_layers": 28,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "tie_word_embeddings": True,
            "max_position_embeddings": 40960,
        },
        "1.7b": {
            "hidden_size": 2048,
            "intermediate_size": 6144,
            "num_hidden_layers": 28,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "tie_word_embeddings": True,
            "max_position_embeddings": 40960,
        },
        "4b": {
            "hidden_size": 2560,
            "intermediate_size": 9728,
            "num_hidden_layers": 36,
            "num_key_value_heads": 8,
            "tie_word_embeddings": True,
            "max_position_embeddings": 40960,
        },
        "14b": {
            "hidden_size": 5120,
            "intermediate_size": 17408,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "num_key_value_heads": 8,
            "max_position_embeddings": 40960,
        },
        "32b": {
            "hidden_size": 5120,
            "intermediate_size": 25600,
            "num_hidden_layers": 64,
            "num_attention_heads": 64,
            "num_key_value_heads": 8,
            "max_position_embeddings": 40960,
        },
    },
    heads=of_decoder("Qwen3", BASE, questions="transformer"),
    structure=decoders.STRUCTURE,
    network=partial(decoders.network, base=BASE, read=decoders.normed, mixed=decoders.gated, questions="transformer"),
)
