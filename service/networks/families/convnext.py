"""ConvNeXt: depthwise convolutions of 7 by 7 and dense layers; N(0, 0.02²), residual branches scaled by 10⁻⁶."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.images import sides
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Initialise,
    Module,
    constant,
    convolution,
    generic,
    layer_norm,
    linear,
    model,
    module,
    numbered,
    parameter,
)
from service.networks.families.wiring import Network, Wiring, function

DEFAULTS = {
    "num_channels": 3,
    "patch_size": 4,
    "num_stages": 4,
    "hidden_sizes": [96, 192, 384, 768],
    "depths": [3, 3, 9, 3],
    "hidden_act": "gelu",
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-12,
    "layer_scale_init_value": 1e-6,
    "image_size": 224,
}

EPSILON = 1e-6  # of every norm but the last


def initialisation(c: Settings) -> Initialise:
    usual = generic(c.deviation("initializer_range") or 0.02)
    scale = constant(c.number("layer_scale_init_value"))

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        if module.kind == "block" and module.child("layer_scale_parameter"):
            yield Fill("layer_scale_parameter", "value", scale)

    return initialise


def block(c: Settings, width: int) -> Module:
    scaled = c.number("layer_scale_init_value") > 0
    return module(
        "",
        parameter("layer_scale_parameter", (width,)) if scaled else None,
        convolution("dwconv", (7, 7), width, width, groups=width),
        layer_norm("layernorm", width),
        linear("pwconv1", width, 4 * width),
        linear("pwconv2", 4 * width, width),
        kind="block",
    )


def stage(c: Settings, inputs: int, width: int, depth: int, halved: bool) -> Module:
    """Return blocks of one width, before which the image is halved where it is not the first stage's."""
    down = [layer_norm("", inputs), convolution("", (2, 2) if halved else (1, 1), inputs, width)]
    return module(
        "",
        numbered("downsampling_layer", down if halved else ()),
        numbered("layers", [block(c, width)] * depth),
    )


def stages(c: Settings) -> list[Module]:
    widths, depths, count = c.sizes("hidden_sizes"), c.depths("depths"), c.depth("num_stages")
    for name, found in (("hidden_sizes", widths), ("depths", depths)):
        if len(found) != count:
            c.refuse(name, f"a list of {count}, one a stage (num_stages)")
    if not count:
        c.refuse("num_stages", "an integer from 1")
    return [
        stage(c, inputs, width, depth, halved)
        for inputs, width, depth, halved in zip(
            (widths[0], *widths), widths, depths, (False, *[True] * (count - 1)), strict=False
        )
    ]


def body(c: Settings, name: str = "") -> Module:
    rule, parts, widths = initialisation(c), stages(c), c.sizes("hidden_sizes")
    read = convolution("patch_embeddings", sides(c, "patch_size"), c.size("num_channels"), widths[0])
    return model(
        name,
        rule,
        module("embeddings", read, layer_norm("layernorm", widths[0])),
        model("encoder", rule, numbered("stages", parts)),
        layer_norm("layernorm", widths[-1]),
    )


def with_classes(c: Settings) -> Module:
    base = body(c, "convnext")
    return model("", initialisation(c), base, linear("classifier", c.sizes("hidden_sizes")[-1], labels(c)))


def network(c: Settings, head: str | None) -> Network:
    """Return patches, stages of blocks, the mean over places with a last norm, and classes of it."""
    w, at, patch = (
        Wiring(input=[*sides(c, "image_size"), c.size("num_channels")]),
        "convnext." if head else "",
        sides(c, "patch_size"),
    )
    x = w.weighted(f"{at}embeddings.patch_embeddings", "input", strides=[*patch], padding="valid")
    x = w.weighted(f"{at}embeddings.layernorm", x, epsilon=EPSILON)
    for number, stage in enumerate(stages(c)):
        down, blocks = stage.children
        here = f"{at}encoder.stages.{number}"
        if down.children:
            x = w.weighted(f"{here}.downsampling_layer.0", x, epsilon=EPSILON)
            x = w.weighted(f"{here}.downsampling_layer.1", x, strides=2, padding="valid")
        for place in range(len(blocks.children)):
            x = computed(c, w, f"{here}.layers.{place}", x)
    x = w.plain("global_average_pool", f"{at}pool", x)
    x = w.weighted(f"{at}layernorm", x, epsilon=c.number("layer_norm_eps"))
    if head:
        w.weighted("classifier", x)
    return w.written()


def computed(c: Settings, w: Wiring, at: str, x: str) -> str:
    """Write down a block, and return its output."""
    y = w.weighted(f"{at}.layernorm", w.weighted(f"{at}.dwconv", x, padding=3), epsilon=EPSILON)
    y = w.activation(f"{at}.act", w.weighted(f"{at}.pwconv1", y), function(c, "hidden_act"))
    y = w.weighted(f"{at}.pwconv2", y)
    if c.number("layer_scale_init_value") > 0:
        y = w.plain("multiply", f"{at}.multiply", y, w.weighted(f"{at}.layer_scale_parameter"))
    return w.add(f"{at}.add", x, y)


FAMILY = Family(
    model_type="convnext",
    summary="ConvNeXt: N(0, 0.02²), scales of residual branches 10⁻⁶.",
    references=("Liu et al. 2022",),
    defaults=DEFAULTS,
    sizes={
        "tiny": {},
        "small": {"depths": [3, 3, 27, 3]},
        "base": {"depths": [3, 3, 27, 3], "hidden_sizes": [128, 256, 512, 1024]},
        "large": {"depths": [3, 3, 27, 3], "hidden_sizes": [192, 384, 768, 1536]},
        "xlarge": {"depths": [3, 3, 27, 3], "hidden_sizes": [256, 512, 1024, 2048]},
    },
    aliases={"num_hidden_layers": "num_stages"},
    heads={
        None: Head("ConvNextModel", body),
        "image_classification": Head("ConvNextForImageClassification", with_classes),
    },
    network=network,
)
