"""DINOv2: a ViT whose residual branches are scaled; matrices are drawn N(0, 0.02²), and again cut at ±2 absolute."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.images import patches, sides
from service.networks.families.settings import LARGEST, Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    bounded,
    constant,
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
from service.networks.families.vit import attended, attention, embedded
from service.networks.families.wiring import Network, Wiring, function

DEFAULTS = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "mlp_ratio": 4,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-6,
    "initializer_range": 0.02,
    "image_size": 224,
    "patch_size": 14,
    "num_channels": 3,
    "qkv_bias": True,
    "layerscale_value": 1.0,
    "use_swiglu_ffn": False,
    "use_mask_token": True,
}
FILES = {
    r"\.attention\.q_proj$": ".attention.attention.query",
    r"\.attention\.k_proj$": ".attention.attention.key",
    r"\.attention\.v_proj$": ".attention.attention.value",
    r"\.attention\.o_proj$": ".attention.output.dense",
}


def initialisation(c: Settings) -> Initialise:
    stated = c.deviation("initializer_range")
    usual, cut, scale = generic(stated or 0.02), bounded(stated), constant(c.number("layerscale_value"))

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.kind == "embeddings":
            yield Fill("position_embeddings", "value", cut)
            yield Fill("cls_token", "value", cut)
        elif module.kind == "scale":
            yield Fill("lambda1", "value", scale)
        elif module.layer and module.layer["type"] in ("dense", "conv2d"):
            yield Fill("", "kernel", cut)

    return initialise


def embeddings(c: Settings) -> Module:
    width, window = c.size("hidden_size"), sides(c, "patch_size")
    places = patches(sides(c, "image_size"), window)
    return module(
        "embeddings",
        parameter("cls_token", (1, 1, width)),
        parameter("mask_token", (1, width)) if c.flag("use_mask_token") else None,
        parameter("position_embeddings", (1, places + 1, width), normal(1.0)),
        module("patch_embeddings", convolution("projection", window, c.size("num_channels"), width)),
        kind="embeddings",
        construction=("patch_embeddings",),
    )


def mlp(c: Settings) -> Module:
    """Return two dense layers; or three, of which one opens what another lets through, of two thirds the width."""
    width, ratio, gated = c.size("hidden_size"), c.number("mlp_ratio"), c.flag("use_swiglu_ffn")
    if not (2 if gated else 1) <= width * ratio <= LARGEST:
        c.refuse("mlp_ratio", "a number that makes layers of at least one feature of hidden_size")
    wide = int(width * ratio)
    if not gated:
        return module("mlp", linear("fc1", width, wide), linear("fc2", wide, width))
    wide = (int(wide * 2 / 3) + 7) // 8 * 8
    reads = (linear("gate_proj", width, wide), linear("up_proj", width, wide))
    return module("mlp", *reads, linear("down_proj", wide, width))


def block(c: Settings) -> Module:
    width = c.size("hidden_size")
    return module(
        "",
        layer_norm("norm1", width),
        attention(c),
        module("layer_scale1", parameter("lambda1", (width,)), kind="scale"),
        layer_norm("norm2", width),
        mlp(c),
        module("layer_scale2", parameter("lambda1", (width,)), kind="scale"),
    )


def body(c: Settings, name: str = "") -> Module:
    rule = initialisation(c)
    blocks = numbered("layer", [block(c)] * c.depth("num_hidden_layers"))
    return model(
        name, rule, embeddings(c), model("encoder", rule, blocks), layer_norm("layernorm", c.size("hidden_size"))
    )


def with_classes(c: Settings) -> Module:
    """Return the model with a projection of the class token and of the patches' mean."""
    classes = linear("classifier", 2 * c.size("hidden_size"), labels(c))
    return model("", initialisation(c), body(c, "dinov2"), classes)


def network(c: Settings, head: str | None) -> Network:
    """Return patches, blocks, a last norm, and the first place, beside the mean of the others before classes."""
    w, at = Wiring(input=[*sides(c, "image_size"), c.size("num_channels")]), "" if head is None else "dinov2."
    x, width = embedded(c, w, f"{at}embeddings"), c.size("hidden_size")
    for number in range(c.depth("num_hidden_layers")):
        x = computed(c, w, f"{at}encoder.layer.{number}", x)
    x = w.weighted(f"{at}layernorm", x, epsilon=c.number("layer_norm_eps"))
    first, others = w.split(f"{at}first.split", x, 1, -1, axis=1)
    first = w.reshape(f"{at}first", first, width)
    if head is not None:
        mean = w.plain("global_average_pool", "mean", others)
        w.weighted("classifier", w.plain("concatenate", "both", first, mean))
    return w.written()


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, whose branches are scaled feature by feature, and return its output."""
    epsilon = c.number("layer_norm_eps")
    y = attended(c, w, f"{at}.attention", w.weighted(f"{at}.norm1", x, epsilon=epsilon))
    x = w.add(f"{at}.add_1", scaled(w, f"{at}.layer_scale1", y), x)
    y = w.weighted(f"{at}.norm2", x, epsilon=epsilon)
    if c.flag("use_swiglu_ffn"):
        gate = w.activation(f"{at}.mlp.act", w.weighted(f"{at}.mlp.gate_proj", y), "silu")
        y = w.plain("multiply", f"{at}.mlp.multiply", gate, w.weighted(f"{at}.mlp.up_proj", y))
        y = w.weighted(f"{at}.mlp.down_proj", y)
    else:
        y = w.activation(f"{at}.mlp.act", w.weighted(f"{at}.mlp.fc1", y), function(c, "hidden_act"))
        y = w.weighted(f"{at}.mlp.fc2", y)
    return w.add(f"{at}.add_2", scaled(w, f"{at}.layer_scale2", y), x)


def scaled(w: Wiring, at: str, x: str) -> str:
    return w.plain("multiply", f"{at}.multiply", x, w.weighted(f"{at}.lambda1"))


FAMILY = Family(
    model_type="dinov2",
    summary="DINOv2: N(0, 0.02²) cut at ±2 absolute, scales of residual branches 1.",
    references=("Oquab et al. 2023",),
    defaults=DEFAULTS,
    sizes={
        "base": {"image_size": 518},
        "small": {"image_size": 518, "hidden_size": 384, "num_attention_heads": 6},
        "large": {"image_size": 518, "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16},
        "giant": {
            "image_size": 518,
            "hidden_size": 1536,
            "num_hidden_layers": 40,
            "num_attention_heads": 24,
            "use_swiglu_ffn": True,
        },
    },
    heads={None: Head("Dinov2Model", body), "image_classification": Head("Dinov2ForImageClassification", with_classes)},
    files=FILES,
    network=network,
)
