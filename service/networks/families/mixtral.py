"""Mixtral: Mistral's blocks, each with several experts in place of its dense layers, and a router to them."""

from service.networks.families.blocks import alike, attention, block, experts, router, stack, with_experts
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, module

DEFAULTS = {
    "vocab_size": 32000,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "num_local_experts": 8,
    "head_dim": None,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def body(c: Settings) -> Module:
    width, count = c.size("hidden_size"), c.size("num_local_experts")
    mixed = module("mlp", router("gate", width, count), experts(count, width, c.size("intermediate_size")))
    return stack(c, with_experts(c), alike(c, block(c, attention(c, False), mixed)))


EACH = r"\1block_sparse_moe.experts.{expert}"

FAMILY = Family(
    model_type="mixtral",
    summary="Mixtral: every matrix, table, expert and router N(0, 0.02²).",
    references=("Jiang et al. 2024",),
    defaults=DEFAULTS,
    sizes={
        "8x7b": {"max_position_embeddings": 32768},
        "8x22b": {
            "hidden_size": 6144,
            "intermediate_size": 16384,
            "num_hidden_layers": 56,
            "num_attention_heads": 48,
            "max_position_embeddings": 65536,
        },
    },
    heads=of_decoder("Mixtral", Base("model", body, with_experts), questions="model"),
    files={r"\bmlp\.gate\.weight$": "block_sparse_moe.gate.weight"},
    experts={
        r"^(.*)\bmlp\.experts\.gate_up_proj$": (f"{EACH}.w1.weight", f"{EACH}.w3.weight"),
        r"^(.*)\bmlp\.experts\.down_proj$": (f"{EACH}.w2.weight",),
    },
    aliases={"num_experts": "num_local_experts"},
)
