"""DeepSeek-V3: attention through low ranks, then experts, some of them shared by all; the first layers are dense."""

from service.networks.families.blocks import IN_FILES, block, experts, gated, stack, with_experts
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, linear, module, parameter, rms_norm

DEFAULTS = {
    "vocab_size": 129280,
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "moe_intermediate_size": 2048,
    "num_hidden_layers": 61,
    "num_attention_heads": 128,
    "n_shared_experts": 1,
    "n_routed_experts": 256,
    "kv_lora_rank": 512,
    "q_lora_rank": 1536,
    "qk_rope_head_dim": 64,
    "qk_nope_head_dim": 128,
    "v_head_dim": 128,
    "first_k_dense_replace": 3,
    "attention_bias": False,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": None,
}


def queries(c: Settings, width: int, outputs: int, bias: bool) -> list[Module]:
    rank = c.optional_size("q_lora_rank")
    if rank is None:
        return [linear("q_proj", width, outputs, bias=False)]
    narrow, norm = linear("q_a_proj", width, rank, bias), rms_norm("q_a_layernorm", rank)
    return [narrow, norm, linear("q_b_proj", rank, outputs, bias=False)]


def attention(c: Settings) -> Module:
    """Return attention whose keys and values come of one narrow state, beside a part of keys that has the positions."""
    width, heads, rank, bias = (
        c.size("hidden_size"),
        c.size("num_attention_heads"),
        c.size("kv_lora_rank"),
        c.flag("attention_bias"),
    )
    placed, plain, value = c.size("qk_rope_head_dim"), c.size("qk_nope_head_dim"), c.size("v_head_dim")
    return module(
        "self_attn",
        *queries(c, width, heads * (plain + placed), bias),
        linear("kv_a_proj_with_mqa", width, rank + placed, bias),
        rms_norm("kv_a_layernorm", rank),
        linear("kv_b_proj", rank, heads * (plain + value), bias=False),
        linear("o_proj", heads * value, width, bias),
    )


def mixture(c: Settings) -> Module:
    """Return experts, a router that keeps its own precision, and experts that all tokens share."""
    width, wide, count = c.size("hidden_size"), c.size("moe_intermediate_size"), c.size("n_routed_experts")
    gate = module(
        "gate",
        parameter("weight", (count, width), dtype="float32"),
        parameter("e_score_correction_bias", (count,), dtype="float32"),
        kind="router",
    )
    shared = gated("shared_experts", width, wide * c.size("n_shared_experts"))
    return module("mlp", experts(count, width, wide), gate, shared)


def body(c: Settings) -> Module:
    dense = block(c, attention(c), gated("mlp", c.size("hidden_size"), c.size("intermediate_size")))
    sparse, first = block(c, attention(c), mixture(c)), c.depth("first_k_dense_replace")
    return stack(c, with_experts(c), [dense if i < first else sparse for i in range(c.depth("num_hidden_layers"))])


FAMILY = Family(
    model_type="deepseek_v3",
    summary="DeepSeek-V3 and R1: every matrix, table, expert and router N(0, 0.02²), the routers' corrections 0.",
    references=("DeepSeek-AI 2024",),
    defaults=DEFAULTS,
    sizes={"671b": {"max_position_embeddings": 163840}},
    heads=of_decoder("DeepseekV3", Base("model", body, with_experts)),
    experts=IN_FILES,
    aliases={"num_local_experts": "n_routed_experts"},
)
