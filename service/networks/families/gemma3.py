"""Gemma 3's text: Gemma 2's blocks, with norms of each head's queries and keys."""

from service.networks.families.blocks import attention, head_width
from service.networks.families.family import Family, Head
from service.networks.families.gemma2 import DEFAULTS as GEMMA2
from service.networks.families.gemma2 import blocks, with_zero_norms
from service.networks.families.heads import Base
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, rms_norm

DEFAULTS = {**GEMMA2, "vocab_size": 262208}


def body(c: Settings) -> Module:
    norms = (rms_norm(name, head_width(c)) for name in ("q_norm", "k_norm"))
    return blocks(c, attention(c, c.flag("attention_bias"), *norms))


BASE = Base("model", body, with_zero_norms)

TEXT = Family(
    model_type="gemma3_text",
    summary="Gemma 3's text: every matrix and table N(0, 0.02²), norms' weights 0.",
    references=("Gemma Team 2025",),
    defaults=DEFAULTS,
    sizes={
        "1b": {
            "vocab_size": 262144,
            "hidden_size": 1152,
            "intermediate_size": 6912,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "max_position_embeddings": 32768,
            "sliding_window": 512,
        },
        "270m": {
            "vocab_size": 262144,
            "hidden_size": 640,
            "intermediate_size": 2048,
            "num_hidden_layers": 18,
            "num_attention_heads": 4,
            "num_key_value_heads": 1,
            "max_position_embeddings": 32768,
            "sliding_window": 512,
        },
    },
    heads={
        None: Head("Gemma3TextModel", body),
        "causal_lm": Head("Gemma3ForCausalLM", BASE.causal_lm),
        "sequence_classification": Head("Gemma3TextForSequenceClassification", BASE.sequence_classification),
    },
)
