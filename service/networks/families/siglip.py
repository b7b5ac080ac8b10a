"""SigLIP: a transformer of text and one of images; U by both fans, biases of dense blocks N(0, 10⁻¹²)."""

import math
from collections.abc import Iterator

from service.networks.families.family import Config, Family, Head
from service.networks.families.heads import labels
from service.networks.families.images import patches, sides
from service.networks.families.initialisers import lecun_normal, xavier_uniform, xavier_uniform_by
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    ZEROS,
    Fill,
    Layer,
    Module,
    convolution,
    embedding,
    generic,
    layer_norm,
    linear,
    model,
    module,
    normal,
    numbered,
    parameter,
)

TEXT = {
    "vocab_size": 32000,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 64,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "projection_size": None,
}
VISION = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 16,
    "hidden_act": "gelu_pytorch_tanh",
    "layer_norm_eps": 1e-6,
    "vision_use_head": True,
}
DEFAULTS = {"initializer_factor": 1.0}
# None of its configs has an initializer_range: parts have no number at all, the whole its factor.
USUAL = generic(0.02)
SLIGHT = normal(1e-6)


def initialise(module: Module) -> Iterator[Fill]:
    """Yield how a stack starts, of text or of images."""
    yield from USUAL(module)
    layer = module.layer or {"type": ""}
    match module.kind or layer["type"]:
        case "vision_embeddings":
            width = layer_of(module, "position_embedding")["shape"][1]
            yield Fill("position_embedding", "embeddings", normal(1 / math.sqrt(width)))
        case "embedding":
            yield Fill("", "embeddings", normal(math.sqrt(1.0 / layer["shape"][1])))
        case "attention":
            parts = ("q_proj", "k_proj", "v_proj", "out_proj")
            yield from (Fill(part, "kernel", xavier_uniform(layer_of(module, part))) for part in parts)
        case "mlp":
            yield from (Fill(part, "kernel", xavier_uniform(layer_of(module, part))) for part in ("fc1", "fc2"))
            yield from (Fill(part, "bias", SLIGHT) for part in ("fc1", "fc2"))
        case "multihead":
            yield drawn_at_once(module)
        case "pooling":
            width = layer_of(module, "probe")["shape"][-1]
            yield Fill("probe", "value", xavier_uniform_by(width, width))
            yield from (drawn_at_once(each, f"{each.name}.") for each in module.children if each.kind == "multihead")
        case "dense" | "conv2d":
            yield Fill("", "kernel", lecun_normal(layer))
        case "logits":
            yield Fill("logit_scale", "value", ZEROS)
            yield Fill("logit_bias", "value", ZEROS)


def drawn_at_once(attention: Module, before: str = "") -> Fill:
    """Return how the matrix of queries, keys and values starts: by the fans of all three."""
    wide, width = layer_of(attention, "in_proj_weight")["shape"]
    return Fill(f"{before}in_proj_weight", "value", xavier_uniform_by(width, wide))


def layer_of(module: Module, name: str) -> Layer:
    """Return the layer of a leaf that this module has."""
    leaf = module.child(name)
    return (leaf and leaf.layer) or {}


def encoder(c: Settings) -> Module:
    """Return the blocks of a stack, of text or of images."""
    width = c.size("hidden_size")
    c.divided("hidden_size", "num_attention_heads")
    parts = (linear(part, width, width) for part in ("k_proj", "v_proj", "q_proj", "out_proj"))
    block = module(
        "",
        layer_norm("layer_norm1", width),
        module("self_attn", *parts, kind="attention"),
        layer_norm("layer_norm2", width),
        mlp(c),
    )
    return module("encoder", numbered("layers", [block] * c.depth("num_hidden_layers")))


def mlp(c: Settings) -> Module:
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    return module("mlp", linear("fc1", width, wide), linear("fc2", wide, width), kind="mlp")


def text(c: Settings, name: str) -> Module:
    width = c.size("hidden_size")
    tables = module(
        "embeddings",
        embedding("token_embedding", c.size("vocab_size"), width),
        embedding("position_embedding", c.size("max_position_embeddings"), width),
    )
    norm = layer_norm("final_layer_norm", width)
    head = linear("head", width, c.optional_size("projection_size") or width)
    return model(name, initialise, tables, encoder(c), norm, head)


def pooling(c: Settings) -> Module:
    """Return attention of one learned query to the patches: torch's MultiheadAttention, of one matrix for q, k, v."""
    width = c.size("hidden_size")
    attention = module(
        "attention",
        parameter("in_proj_weight", (3 * width, width), xavier_uniform_by(width, 3 * width), (width, width)),
        parameter("in_proj_bias", (3 * width,)),
        linear("out_proj", width, width),
        kind="multihead",
        construction=("out_proj",),
    )
    probe = parameter("probe", (1, 1, width), normal(1.0))
    return module("head", probe, attention, layer_norm("layernorm", width), mlp(c), kind="pooling")


def vision(c: Settings, name: str) -> Module:
    width, window = c.size("hidden_size"), sides(c, "patch_size")
    read = module(
        "embeddings",
        convolution("patch_embedding", window, c.size("num_channels"), width),
        embedding("position_embedding", patches(sides(c, "image_size"), window), width),
        kind="vision_embeddings",
    )
    pooled = pooling(c) if c.flag("vision_use_head") else None
    return model(name, initialise, read, encoder(c), layer_norm("post_layernorm", width), pooled)


def body(c: Settings) -> Module:
    return model(
        "",
        initialise,
        parameter("logit_scale", (1,), normal(1.0)),
        parameter("logit_bias", (1,), normal(1.0)),
        text(c.inner("text_config", TEXT), "text_model"),
        vision(c.inner("vision_config", VISION), "vision_model"),
        kind="logits",
        construction=("text_model", "vision_model"),
    )


def with_classes(c: Settings) -> Module:
    """Return the stack of images with scores of classes."""
    images, factor = c.inner("vision_config", VISION), c.deviation("initializer_factor")
    width = images.size("hidden_size")

    def whole(module: Module) -> Iterator[Fill]:
        yield from initialise(module)
        if module.kind == "whole":
            yield Fill("classifier", "kernel", normal(width**-0.5 * factor))

    return model("", whole, vision(images, "vision_model"), linear("classifier", width, labels(c)), kind="whole")


def both(text_config: Config, vision_config: Config, **shared: object) -> Config:
    """Return a config of two stacks and what they share."""
    return {"text_config": {**shared, **text_config}, "vision_config": {**shared, **vision_config}}


LARGE = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
SHAPED = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}
FAMILY = Family(
    model_type="siglip",
    summary="SigLIP: U by both fans in blocks, tables by their width, biases of dense blocks N(0, 10⁻¹²).",
    references=("Zhai et al. 2023",),
    defaults=DEFAULTS,
    sizes={
        "base_patch16_224": {},
        "base_patch16_384": both({}, {"image_size": 384}),
        "large_patch16_256": both({}, {"image_size": 256}, **LARGE),
        "large_patch16_384": both({}, {"image_size": 384}, **LARGE),
        "so400m_patch14_384": both({}, {"image_size": 384, "patch_size": 14}, **SHAPED),
    },
    heads={
        None: Head("SiglipModel", body),
        "image_classification": Head("SiglipForImageClassification", with_classes),
    },
)
