"""ViT: patches of an image as a sequence; N(0, 0.02²) cut at ±2 absolute, where nothing is."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.images import patches, sides
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
from service.networks.families.wiring import Network, Wiring, function

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


def embeddings(c: Settings) -> Module:
    width, image, patch = c.size("hidden_size"), sides(c, "image_size"), sides(c, "patch_size")
    return module(
        "embeddings",
        parameter("cls_token", [1, 1, width], normal(1.0)),
        parameter("position_embeddings", [1, patches(image, patch) + 1, width], normal(1.0)),
        module("patch_embeddings", convolution("projection", patch, c.size("num_channels"), width)),
        kind="embeddings",
        construction=("cls_token", "patch_embeddings"),
    )


def attention(c: Settings) -> Module:
    """Return projections to queries, keys and values, and back; where heads do not divide the width, they are less."""
    width, heads, biased = c.size("hidden_size"), c.size("num_attention_heads"), c.flag("qkv_bias")
    if heads > width:
        c.refuse("num_attention_heads", f"an integer from 1 to hidden_size, {width}")
    inner = width // heads * heads
    reads = (linear(f"{part}_proj", width, inner, biased) for part in ("q", "k", "v"))
    return module("attention", *reads, linear("o_proj", inner, width))


def block(c: Settings) -> Module:
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    return module(
        "",
        attention(c),
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


def embedded(c: Settings, w: Wiring, at: str) -> str:
    """Write down an image as a sequence: a place of its own, then patches, and to each its position."""
    width, patch = c.size("hidden_size"), [*sides(c, "patch_size")]
    read = w.weighted(f"{at}.patch_embeddings.projection", "input", strides=patch, padding="valid")
    rows = w.reshape(f"{at}.patch_embeddings.flatten", read, -1, width)
    first = w.reshape(f"{at}.first", w.weighted(f"{at}.cls_token"), 1, width)
    places = w.plain("concatenate", f"{at}.concatenate", first, rows, axis=1)
    return w.add(f"{at}.add", places, w.reshape(f"{at}.positions", w.weighted(f"{at}.position_embeddings"), -1, width))


def attended(c: Settings, w: Wiring, at: str, x: str) -> str:
    parts = [w.weighted(f"{at}.{part}_proj", x) for part in "qkv"]
    return w.weighted(f"{at}.o_proj", w.attention(f"{at}.attention", *parts, heads=c.size("num_attention_heads")))


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, whose norms come before, and return its output."""
    epsilon = c.number("layer_norm_eps")
    normed = w.weighted(f"{at}.layernorm_before", x, epsilon=epsilon)
    x = w.add(f"{at}.add_1", attended(c, w, f"{at}.attention", normed), x)
    wide = w.weighted(f"{at}.mlp.fc1", w.weighted(f"{at}.layernorm_after", x, epsilon=epsilon))
    opened = w.activation(f"{at}.mlp.act", wide, function(c, "hidden_act"))
    return w.add(f"{at}.add_2", w.weighted(f"{at}.mlp.fc2", opened), x)


def network(c: Settings, head: str | None) -> Network:
    """Return patches, blocks, a last norm, and what is read of the first place: by the pooler, or by the classifier."""
    w, at = Wiring(input=[*sides(c, "image_size"), c.size("num_channels")]), "" if head is None else "vit."
    x = embedded(c, w, f"{at}embeddings")
    for number in range(c.depth("num_hidden_layers")):
        x = computed(c, w, f"{at}layers.{number}", x)
    x = w.weighted(f"{at}layernorm", x, epsilon=c.number("layer_norm_eps"))
    first = w.place(f"{at}first", x, c.size("hidden_size"))
    if head is None:
        w.activation("pooler.activation", w.weighted("pooler.dense", first), function(c, "pooler_act"))
    else:
        w.weighted("classifier", first)
    return w.written()


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
        "huge": {
            "patch_size": 14,
            "hidden_size": 1280,
            "num_hidden_layers": 32,
            "num_attention_heads": 16,
            "intermediate_size": 5120,
        },
        "small": {"hidden_size": 384, "num_attention_heads": 6, "intermediate_size": 1536},
        "tiny": {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768},
        "base_patch32": {"patch_size": 32},
        "base_384": {"image_size": 384},
    },
    heads={None: Head("ViTModel", body), "image_classification": Head("ViTForImageClassification", with_classes)},
    files=FILES,
    structure={"pooler_act": "tanh"},
    network=network,
)
