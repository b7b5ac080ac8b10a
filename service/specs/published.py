"""What a recipe's model is published as: its config.json, and the names that its arrays have in a checkpoint.

A row of PUBLISHED for each recipe that the transformers library has a model of. A config states what defines the
model; what it leaves out is that library's default.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from re import sub
from typing import Any, TypeAlias

from service.networks.plan import Plan, PlannedLayer
from service.specs.recipes import RECIPES

Config: TypeAlias = dict[str, Any]

HEAD = 64  # the width of an attention head in each of these families


def gpt2(width: int, depth: int) -> Config:
    return {
        "model_type": "gpt2",
        "architectures": ["GPT2Model"],
        "vocab_size": 50257,
        "n_positions": 1024,
        "n_embd": width,
        "n_layer": depth,
        "n_head": width // HEAD,
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "initializer_range": 0.02,
        "bos_token_id": 50256,
        "eos_token_id": 50256,
    }


def bert(width: int, depth: int) -> Config:
    return {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": 30522,
        "max_position_embeddings": 512,
        "type_vocab_size": 2,
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": width // HEAD,
        "intermediate_size": 4 * width,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "pad_token_id": 0,
    }


def t5(width: int, depth: int, heads: int) -> Config:
    return {
        "model_type": "t5",
        "architectures": ["T5Model"],
        "is_encoder_decoder": True,
        "vocab_size": 32128,
        "d_model": width,
        "d_kv": HEAD,
        "d_ff": 4 * width,
        "num_layers": depth,
        "num_decoder_layers": depth,
        "num_heads": heads,
        "relative_attention_num_buckets": 32,
        "feed_forward_proj": "relu",
        "layer_norm_epsilon": 1e-6,
        "initializer_factor": 1.0,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": 1,
    }


def vit(width: int, depth: int) -> Config:
    return {
        "model_type": "vit",
        "architectures": ["ViTModel"],
        "image_size": 224,
        "patch_size": 16,
        "num_channels": 3,
        "hidden_size": width,
        "num_hidden_layers": depth,
        "num_attention_heads": width // HEAD,
        "intermediate_size": 4 * width,
        "hidden_act": "gelu",
        "qkv_bias": True,
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
    }


@dataclass(frozen=True, slots=True)
class Published:
    """`config` takes the numbers of a size, as the recipe does.

    `checkpoint_names` are patterns of layer names and what stands for them in a checkpoint, where transformers has
    renamed its modules since: every version of it reads the names of old, and writes them.
    """

    config: Callable[..., Config]
    checkpoint_names: Mapping[str, str] = field(default_factory=dict)


VIT_NAMES = {
    r"^layers\.(\d+)\.attention\.q_proj$": r"encoder.layer.\1.attention.attention.query",
    r"^layers\.(\d+)\.attention\.k_proj$": r"encoder.layer.\1.attention.attention.key",
    r"^layers\.(\d+)\.attention\.v_proj$": r"encoder.layer.\1.attention.attention.value",
    r"^layers\.(\d+)\.attention\.o_proj$": r"encoder.layer.\1.attention.output.dense",
    r"^layers\.(\d+)\.mlp\.fc1$": r"encoder.layer.\1.intermediate.dense",
    r"^layers\.(\d+)\.mlp\.fc2$": r"encoder.layer.\1.output.dense",
    r"^layers\.(\d+)\.layernorm_(before|after)$": r"encoder.layer.\1.layernorm_\2",
}

PUBLISHED: dict[str, Published] = {
    "gpt2": Published(gpt2),
    "bert": Published(bert),
    "t5": Published(t5),
    "vit": Published(vit, VIT_NAMES),
}


def published_in(plan: Plan) -> tuple[str, str | None] | None:
    """Return recipe and size of a plan whose arrays load into a published model; None for another."""
    text = plan.canonical_json()
    if plan.layout != "pytorch" or '"recipe"' not in text:
        return None
    document = json.loads(text)
    recipe = document.get("recipe")
    return (recipe, document.get("size")) if recipe in PUBLISHED else None


def config_of(plan: Plan) -> Config | None:
    """Return the config.json of a published model; None for another."""
    if (found := published_in(plan)) is None:
        return None
    recipe, size = found
    sizes = RECIPES[recipe].sizes
    return PUBLISHED[recipe].config(*sizes[size or next(iter(sizes))]) | {"dtype": plan.dtype}


def as_in_a_checkpoint(plan: Plan) -> Plan:
    """Return a plan with its arrays named as checkpoints of its model name them; their values stay."""
    found = published_in(plan)
    names = PUBLISHED[found[0]].checkpoint_names if found else {}
    if not names:
        return plan

    def renamed(layer: PlannedLayer) -> PlannedLayer:
        name = layer.name
        for pattern, meant in names.items():
            name = sub(pattern, meant, name)
        return replace(layer, name=name, parameters=tuple(replace(each, layer=name) for each in layer.parameters))

    return replace(plan, layers=tuple(renamed(layer) for layer in plan.layers))


def names_in_a_checkpoint(plan: Plan) -> dict[str, str]:
    """Return the arrays' own names by those in a checkpoint, where these are others."""
    both = zip(as_in_a_checkpoint(plan).parameters, plan.parameters, strict=True)
    return {there.key: here.key for there, here in both if there.key != here.key}
