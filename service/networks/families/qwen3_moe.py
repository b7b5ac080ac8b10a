"""Qwen3's mixtures of experts: Qwen3's blocks, in all or some of which experts stand for the dense layers."""

from service.networks.families.blocks import IN_FILES, block, experts, gated, router, stack, with_experts
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.qwen3 import normed
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, module

DEFAULTS = {
    "vocab_size": 151936,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "attention_bias": False,
    "decoder_sparse_step": 1,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "mlp_only_layers": None,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def body(c: Settings) -> Module:
    width, count, step = c.size("hidden_size"), c.size("num_experts"), c.size("decoder_sparse_step")
    plain = c.indices("mlp_only_layers")
    mixed = module("mlp", experts(count, width, c.size("moe_intermediate_size")), router("gate", width, count))
    dense = block(c, normed(c), gated("mlp", width, c.size("intermediate_size")))
    sparse = block(c, normed(c), mixed)
    places = range(c.depth("num_hidden_layers"))
    return stack(c, with_experts(c), [dense if i in plain or (i + 1) % step else sparse for i in places])


FAMILY = Family(
    model_type="qwen3_moe",
    summary="Qwen3's mixtures of experts: every matrix, table, expert and router N(0, 0.02²).",
    references=("Yang et al. 2025",),
    defaults=DEFAULTS,
    sizes={
        "30b-a3b": {"num_hidden_layers": 48, "head_dim": 128, "max_position_embeddings": 40960},
        "235b-a22b": {
            "hidden_size": 4096,
            "intermediate_size": 12288,
            "num_hidden_layers": 94,
            "num_attention_heads": 64,
            "head_dim": 128,
            "moe_intermediate_size": 1536,
            "max_position_embeddings": 40960,
        },
    },
    heads=of_decoder("Qwen3Moe", Base("model", body, with_experts), questions="transformer"),
    experts=IN_FILES,
    aliases={"num_local_experts": "num_experts"},
)
