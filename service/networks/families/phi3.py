"""Phi-3: Llama's blocks, with queries, keys and values in one matrix, and gates with what they open in another."""

from functools import partial

from service.networks.families import decoders
from service.networks.families.blocks import alike, block, head_width, initialisation, stack
from service.networks.families.family import Family
from service.networks.families.heads import Base, of_decoder
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, linear, module
from service.networks.families.wiring import Wiring, function

DEFAULTS = {
    "vocab_size": 32064,
    "hidden_size": 3072,
    "intermediate_size": 8192,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": None,
    "tie_word_embeddings": False,
    "initializer_range": 0.02,
    "pad_token_id": 32000,
}


def body(c: Settings) -> Module:
    width, wide, heads, head = (
        c.size("hidden_size"),
        c.size("intermediate_size"),
        c.size("num_attention_heads"),
        head_width(c),
    )
    few = c.optional_size("num_key_value_heads") or heads
    fused = linear("qkv_proj", width, head * (heads + 2 * few), bias=False)
    read = module("self_attn", linear("o_proj", head * heads, width, bias=False), fused)
    mixed = module(
        "mlp", linear("gate_up_proj", width, 2 * wide, bias=False), linear("down_proj", wide, width, bias=False)
    )
    return stack(c, initialisation(c), alike(c, block(c, read, mixed)))


def read(c: Settings, w: Wiring, at: str, x: str) -> list[str]:
    """Write down queries, keys and values of one matrix."""
    heads, few = decoders.numbers_of_heads(c)
    width = head_width(c)
    return w.split(f"{at}.split", w.weighted(f"{at}.qkv_proj", x), heads * width, few * width, few * width)


def opened(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down gated dense layers, of which the two that read are one matrix."""
    wide = c.size("intermediate_size")
    gate, up = w.split(f"{at}.split", w.weighted(f"{at}.gate_up_proj", x), wide, wide)
    gate = w.activation(f"{at}.act", gate, function(c, "hidden_act"))
    return w.weighted(f"{at}.down_proj", w.plain("multiply", f"{at}.multiply", up, gate))


BASE = Base("model", body, initialisation)

FAMILY = Family(
    model_type="phi3",
    summary="Phi-3, Phi-3.5 and Phi-4: every matrix and table N(0, 0.02²).",
    references=("Abdin et al. 2024",),
    defaults=DEFAULTS,
    sizes={
        "mini": {},
        "medium": {
            "hidden_size": 5120,
            "intermediate_size": 17920,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "num_key_value_heads": 10,
        },
        "4": {
            "vocab_size": 100352,
            "hidden_size": 5120,
            "intermediate_size": 17920,
            "num_hidden_layers": 40,
            "num_attention_heads": 40,
            "num_key_value_heads": 10,
            "max_position_embeddings": 16384,
            "original_max_position_embeddings": 16384,
            "pad_token_id": 100349,
            "bos_token_id": 100257,
            "eos_token_id": 100265,
        },
    },
    heads=of_decoder("Phi3", BASE),
    structure={**decoders.STRUCTURE, "rms_norm_eps": 1e-5},
    network=partial(decoders.network, base=BASE, read=read, mixed=opened),
)
