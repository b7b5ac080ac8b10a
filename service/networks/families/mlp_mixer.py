"""MLP-Mixer as timm has it: dense layers along places and along features in turn; U by both fans, the classifier 0."""

import math
from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.images import patches, sides
from service.networks.families.initialisers import fans, xavier_uniform
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    ZEROS,
    Fill,
    Module,
    convolution,
    layer_norm,
    linear,
    model,
    module,
    normal,
    numbered,
)
from service.networks.families.wiring import Network, Wiring
from service.networks.schemes.plain import TruncatedNormal

DEFAULTS = {
    "num_classes": 1000,
    "img_size": 224,
    "in_chans": 3,
    "patch_size": 16,
    "num_blocks": 8,
    "embed_dim": 512,
    "mlp_ratio": [0.5, 4.0],
}
SLIGHT = normal(1e-6)
CUT_AT_TWO = 0.87962566103423978  # the deviation of a standard normal that is cut at ±2
EPSILON = 1e-6


def initialise(each: Module) -> Iterator[Fill]:
    layer = each.layer or {"type": ""}
    if layer["type"] == "conv2d":
        deviation = math.sqrt(1.0 / fans(layer)[0]) / CUT_AT_TWO
        yield Fill("", "kernel", TruncatedNormal(name="timm:trunc_normal_tf", mean=0.0, stddev=deviation))
        yield Fill("", "bias", ZEROS)
    elif layer["type"] == "dense" and each.kind == "classifier":
        yield Fill("", "kernel", ZEROS)
        yield Fill("", "bias", ZEROS)
    elif layer["type"] == "dense":
        yield Fill("", "kernel", xavier_uniform(layer))
        yield Fill("", "bias", SLIGHT)


def widths(c: Settings) -> tuple[int, int]:
    """Return how wide the dense layers along places are, and those along features."""
    ratios = c.stated("mlp_ratio")
    pair = ratios if isinstance(ratios, list | tuple) else [ratios] * 2
    if len(pair) != 2 or not all(isinstance(each, int | float) and 0 < each <= 1024 for each in pair):
        c.refuse("mlp_ratio", "one positive number, or two")
    found = [int(each * c.size("embed_dim")) for each in pair]
    if not all(found):
        c.refuse("mlp_ratio", "two numbers that leave dense layers a feature")
    return found[0], found[1]


def seen(c: Settings) -> int:
    """Return how many patches an image has."""
    count = patches(sides(c, "img_size"), sides(c, "patch_size"))
    if not count:
        c.refuse("patch_size", "a size no larger than the image's", 1)
    return count


def body(c: Settings) -> Module:
    width, count, (along, across) = c.size("embed_dim"), seen(c), widths(c)
    block = module(
        "",
        layer_norm("norm1", width),
        module("mlp_tokens", linear("fc1", count, along), linear("fc2", along, count)),
        layer_norm("norm2", width),
        module("mlp_channels", linear("fc1", width, across), linear("fc2", across, width)),
    )
    classes = 0 if c.stated("num_classes") == 0 else c.size("num_classes")
    return model(
        "",
        initialise,
        module("stem", convolution("proj", sides(c, "patch_size"), c.size("in_chans"), width)),
        numbered("blocks", [block] * c.depth("num_blocks")),
        layer_norm("norm", width),
        linear("head", width, classes, kind="classifier") if classes else None,
    )


def network(c: Settings, head: str | None) -> Network:
    """Return patches, blocks, a last norm, the mean over places, and classes of it."""
    w = Wiring(input=[*sides(c, "img_size"), c.size("in_chans")])
    read = w.weighted("stem.proj", "input", strides=[*sides(c, "patch_size")], padding="valid")
    x = w.reshape("stem.flatten", read, seen(c), c.size("embed_dim"))
    for number in range(c.depth("num_blocks")):
        at = f"blocks.{number}"
        turned = w.plain("transpose", f"{at}.turn", w.weighted(f"{at}.norm1", x, epsilon=EPSILON), axes=[2, 1])
        back = w.plain("transpose", f"{at}.turn_back", dense(w, f"{at}.mlp_tokens", turned), axes=[2, 1])
        x = w.add(f"{at}.add_1", x, back)
        x = w.add(f"{at}.add_2", x, dense(w, f"{at}.mlp_channels", w.weighted(f"{at}.norm2", x, epsilon=EPSILON)))
    x = w.plain("global_average_pool", "global_pool", w.weighted("norm", x, epsilon=EPSILON))
    if c.stated("num_classes") != 0:
        w.weighted("head", x)
    return w.written()


def dense(w: Wiring, at: str, x: str) -> str:
    return w.weighted(f"{at}.fc2", w.activation(f"{at}.act", w.weighted(f"{at}.fc1", x), "gelu"))


def sized(patch: int, blocks: int, width: int) -> dict[str, int]:
    return {"patch_size": patch, "num_blocks": blocks, "embed_dim": width}


FAMILY = Family(
    model_type="mlp_mixer",
    library="timm",
    summary="MLP-Mixer of timm: dense layers U by both fans, their biases N(0, 10⁻¹²), the classifier 0.",
    references=("Tolstikhin et al. 2021",),
    defaults=DEFAULTS,
    sizes={
        "b16_224": sized(16, 12, 768),
        "s32_224": sized(32, 8, 512),
        "s16_224": sized(16, 8, 512),
        "b32_224": sized(32, 12, 768),
        "l32_224": sized(32, 24, 1024),
        "l16_224": sized(16, 24, 1024),
    },
    heads={None: Head("MlpMixer", body)},
    network=network,
)
