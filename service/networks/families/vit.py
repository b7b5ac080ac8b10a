"""ViT: patches of an image as a sequence; N(0, 0.02²) cut at ±2 absolute, where nothing is."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    bounded,
    convolution,
    generic,
    layer_norm,
    linear,
    model,
    module,
    normal,
    numbered,
    parameter,
)

DEFAULTS = {
    "image_size": 224,
    "patch_size": 16,
    "num_channels": 3,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "qkv_bias": True,
    "layer_norm_eps": 1e-12,
    "initializer_range": 0.02,
    "pooler_output_size": None,
}
FILES = {
    r"\blayers\.(\d+)\.attention\.q_proj$": r"encoder.layer.\1.attention.attention.query",
    r"\blayers\.(\d+)\.attention\.k_proj$": r"encoder.layer.\1.attention.attention.key",
    r"\blayers\.(\d+)\.attention\.v_proj$": r"encoder.layer.\1.attention.attention.value",
    r"\blayers\.(\d+)\.attention\.o_proj$": r"encoder.layer.\1.attention.output.dense",
    r"\blayers\.(\d+)\.mlp\.fc1$": r"encoder.layer.\1.intermediate.dense",
    r"\blayers\.(\d+)\.mlp\.fc2$": r"encoder.layer.\1.output.dense",
    r"\blayers\.(\d+)\.layernorm_(before|after)$": r"encoder.layer.\1.layernorm_\2",
}


def initialisation(c: Settings) -> Initialise:
    drawn = bounded(c.deviation("initializer_range"))
    usual = generic(c.deviation("initializer_range") or 0.02, drawn)

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.kind == "embeddings":
            yield Fill("position_embeddings", "value", drawn)
            yield Fill("cls_token", "value", drawn)

    return initialise


def window(c: Settings, name: str) -> tuple[int, int]:
    """Return height and width, which a config states as one number or two."""
    if isinstance(c.stated(name), int):
        return (c.size(name),) * 2
    sides = c.sizes(name)
    if len(sides) != 2:
        c.refuse(name, "one number or two")
    return sides[0], sides[1]


def embeddings(c: Settings) -> Module:
    width, image, patch = c.size("hidden_size"), window(c, "image_size"), window(c, "patch_size")
    patches = (image[0] // patch[0]) * (image[1] // patch[1])
    return module(
        "embeddings",
        parameter("cls_token", [1, 1, width], normal(1.0)),
        parameter("position_embeddings", [1, patches + 1, width], normal(1.0)),
        module("patch_embeddings", convolution("projection", patch, c.size("num_channels"), width)),
        kind="embeddings",
        construction=("cls_token", "patch_embeddings"),
    )


def block(c: Settings) -> Module:
    width, wide, biased = c.size("hidden_size"), c.size("intermediate_size"), c.flag("qkv_bias")
    c.divided("hidden_size", "num_attention_heads")
    reads = (linear(f"{part}_proj", width, width, biased) for part in ("q", "k", "v"))
    return module(
        "",
        module("attention", *reads, linear("o_proj", width, width)),
        layer_norm("layernorm_before", width),
        layer_norm("layernorm_after", width),
        module("mlp", linear("fc1", width, wide), linear("fc2", wide, width)),
    )


def body(c: Settings, name: str = "", pooled: bool = True) -> Module:
    width, each = c.size("hidden_size"), block(c)
    to = c.optional_size("pooler_output_size") or width
    return model(
        name,
        initialisation(c),
        embeddings(c),
        numbered("layers", [each] * c.depth("num_hidden_layers")),
        layer_norm("layernorm", width),
        module("pooler", linear("dense", width, to)) if pooled else None,
    )


def with_classes(c: Settings) -> Module:
    classes = linear("classifier", c.size("hidden_size"), labels(c))
    return model("", initialisation(c), body(c, "vit", pooled=False), classes)


FAMILY = Family(
    model_type="vit",
    summary="ViT on patches of an image: N(0, 0.02²) cut at ±2 absolute.",
    references=("Dosovitskiy et al. 2021",),
    defaults=DEFAULTS,
    sizes={
        "base": {},
        "large": {
            "hidden_size": 1024,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "intermediate_size": 4096,
        },
    },
    heads={None: Head("ViTModel", body), "image_classification": Head("ViTForImageClassification", with_classes)},
    files=FILES,
)
