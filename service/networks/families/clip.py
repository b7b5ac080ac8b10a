"""CLIP: a transformer of text and one of images, into one space; every matrix by its width and its stack's depth."""

from collections.abc import Iterator

from service.networks.families.family import Config, Family, Head
from service.networks.families.heads import labels
from service.networks.families.images import patches, sides
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    constant,
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
    "vocab_size": 49408,
    "hidden_size": 512,
    "intermediate_size": 2048,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "max_position_embeddings": 77,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "initializer_range": 0.02,
    "initializer_factor": 1.0,
}
VISION = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_channels": 3,
    "image_size": 224,
    "patch_size": 32,
    "hidden_act": "quick_gelu",
    "layer_norm_eps": 1e-5,
    "initializer_range": 0.02,
    "initializer_factor": 1.0,
}
DEFAULTS = {"projection_dim": 512, "logit_scale_init_value": 2.6592, "initializer_factor": 1.0}
TABLES = 0.02  # of text, whatever the initializer_range


def initialisation(c: Settings) -> Initialise:
    """Return how a stack starts, of text or of images."""
    usual = generic(c.deviation("initializer_range") or 0.02)
    width, depth, factor = c.size("hidden_size"), c.depth("num_hidden_layers"), c.deviation("initializer_factor")
    narrowed = normal((width**-0.5) * ((2 * depth) ** -0.5) * factor) if depth else normal(0.0)
    by_width, widened = normal(width**-0.5 * factor), normal((2 * width) ** -0.5 * factor)
    table, seen = normal(factor * TABLES), normal(c.deviation("initializer_range") * factor)

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        match module.kind:
            case "text_embeddings":
                yield Fill("token_embedding", "embeddings", table)
                yield Fill("position_embedding", "embeddings", table)
            case "vision_embeddings":
                yield Fill("class_embedding", "value", by_width)
                yield Fill("patch_embedding", "kernel", seen)
                yield Fill("position_embedding", "embeddings", seen)
            case "attention":
                yield from (Fill(part, "kernel", narrowed) for part in ("q_proj", "k_proj", "v_proj"))
                yield Fill("out_proj", "kernel", by_width)
            case "mlp":
                yield Fill("fc1", "kernel", widened)
                yield Fill("fc2", "kernel", narrowed)

    return initialise


def encoder(c: Settings) -> Module:
    """Return the blocks of a stack, of text or of images."""
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    c.divided("hidden_size", "num_attention_heads")
    parts = (linear(part, width, width) for part in ("k_proj", "v_proj", "q_proj", "out_proj"))
    block = module(
        "",
        module("self_attn", *parts, kind="attention"),
        layer_norm("layer_norm1", width),
        module("mlp", linear("fc1", width, wide), linear("fc2", wide, width), kind="mlp"),
        layer_norm("layer_norm2", width),
    )
    return module("encoder", numbered("layers", [block] * c.depth("num_hidden_layers")))


def text(c: Settings) -> Module:
    width = c.size("hidden_size")
    tables = module(
        "embeddings",
        embedding("token_embedding", c.size("vocab_size"), width),
        embedding("position_embedding", c.size("max_position_embeddings"), width),
        kind="text_embeddings",
    )
    return model("text_model", initialisation(c), tables, encoder(c), layer_norm("final_layer_norm", width))


def vision(c: Settings) -> Module:
    width, window = c.size("hidden_size"), sides(c, "patch_size")
    places = patches(sides(c, "image_size"), window)
    read = module(
        "embeddings",
        parameter("class_embedding", (width,), normal(1.0)),
        convolution("patch_embedding", window, c.size("num_channels"), width, bias=False),
        embedding("position_embedding", places + 1, width),
        kind="vision_embeddings",
    )
    norms = layer_norm("pre_layrnorm", width), layer_norm("post_layernorm", width)
    return model("vision_model", initialisation(c), read, norms[0], encoder(c), norms[1])


def part(c: Settings, name: str, defaults: Config) -> Settings:
    """Return the config of a stack; where an older file has it by another name too, that one holds."""
    older = f"{name}_dict"
    return c.inner(older if older in c else name, defaults)


def body(c: Settings) -> Module:
    texts, images = part(c, "text_config", TEXT), part(c, "vision_config", VISION)
    factor, width = c.deviation("initializer_factor"), c.size("projection_dim")
    widths = {"text_projection": texts.size("hidden_size"), "visual_projection": images.size("hidden_size")}
    usual = generic(factor)

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.kind == "whole":
            for name, inputs in widths.items():
                yield Fill(name, "kernel", normal(inputs**-0.5 * factor))

    return model(
        "",
        initialise,
        parameter("logit_scale", (), constant(c.number("logit_scale_init_value"))),
        text(texts),
        vision(images),
        linear("visual_projection", widths["visual_projection"], width, bias=False),
        linear("text_projection", widths["text_projection"], width, bias=False),
        kind="whole",
    )


def with_classes(c: Settings) -> Module:
    """Return the stack of images with scores of classes."""
    images, factor = part(c, "vision_config", VISION), c.deviation("initializer_factor")
    usual, width = generic(factor), images.size("hidden_size")

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.kind == "whole":
            yield Fill("classifier", "kernel", normal(width**-0.5 * factor))

    return model("", initialise, vision(images), linear("classifier", width, labels(c)), kind="whole")


LARGE_VISION: Config = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "patch_size": 14,
    "projection_dim": 768,
}
LARGE: Config = {
    "projection_dim": 768,
    "text_config": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12, "projection_dim": 768},
    "vision_config": LARGE_VISION,
}
FAMILY = Family(
    model_type="clip",
    summary="CLIP: matrices by their width, those into attention narrowed by the depth; tables N(0, 0.02²).",
    references=("Radford et al. 2021",),
    defaults=DEFAULTS,
    sizes={
        "base_patch32": {},
        "base_patch16": {"vision_config": {"patch_size": 16}},
        "large_patch14": LARGE,
        "large_patch14_336": {**LARGE, "vision_config": {**LARGE_VISION, "image_size": 336}},
    },
    heads={
        None: Head("CLIPModel", body),
        "image_classification": Head("CLIPForImageClassification", with_classes),
    },
)
