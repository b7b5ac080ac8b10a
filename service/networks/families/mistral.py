"""Mistral: Llama's blocks without biases, four queries to a key."""

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
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": None,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def body(c: Settings) -> Module:
    mixed = gated("mlp", c.size("hidden_size"), c.size("intermediate_size"))
    return stack(c, initialisation(c), alike(c, block(c, attention(c, False), mixed)))


BASE = Base("model", body, initialisation)

FAMILY = Family(
    model_type="mistral",
    summary="Mistral: every matrix and table N(0, 0.02²).",
    references=("Jiang et al. 2023",),
    defaults=DEFAULTS,
    sizes={
        "7b": {"max_position_embeddings": 32768, "sliding_window": None},
        "nemo-12b": {
            "vocab_size": 131072,
            "hidden_size": 5120,
            "num_hidden_layers": 40,
            "head_dim": 128,
            "max_position_embeddings": 131072,
            "sliding_window": None,
        },
        "small-24b": {
            "vocab_size": 131072,
            "hidden_size": 5120,
            "intermediate_size": 32768,
            "num_hidden_layers": 40,
            "head_dim": 128,
            "max_position_embeddings": 32768,
            "sliding_window": None,
        },
    },
    heads=of_decoder("Mistral", BASE, questions="model"),
    structure={**decoders.STRUCTURE, "sliding_window": 4096},
    network=partial(decoders.network, base=BASE, read=decoders.projected, mixed=decoders.gated),
)
