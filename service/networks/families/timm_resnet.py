"""ResNet as timm has it: as torchvision's, but a block's last scale starts at 0, and stems may have three layers."""

from service.networks.families.family import Config, Family, Head
from service.networks.families.images import sides
from service.networks.families.residual_stages import Blocks, initialise, read, stages, wired
from service.networks.families.settings import Settings
from service.networks.families.torchvision_resnet import blocks
from service.networks.families.tree import Module, batch_norm, linear, model, module
from service.networks.families.wiring import Network, Wiring

DEFAULTS = {
    "block": "bottleneck",
    "layers": [3, 4, 6, 3],
    "num_classes": 1000,
    "in_chans": 3,
    "cardinality": 1,
    "base_width": 64,
    "stem_width": 64,
    "stem_type": "",
    "avg_down": False,
    "channels": [64, 128, 256, 512],
    "zero_init_last": True,
}
NARROWEST = 64  # what a stem of one convolution gives


def stem(c: Settings) -> tuple[Module, int]:
    """Return one convolution of 7 by 7, or three of 3 by 3 with norms between, and how many channels come out."""
    kind, inputs, width = c.text("stem_type", "", "deep", "deep_tiered"), c.size("in_chans"), c.size("stem_width")
    if not kind:
        return read("conv1", inputs, NARROWEST, 7), NARROWEST
    first = 3 * (width // 4) if kind == "deep_tiered" else width
    if not first:
        c.refuse("stem_width", "an integer from 4 where the stem is deep_tiered")
    parts = (
        read("0", inputs, first, 3),
        batch_norm("1", first),
        read("3", first, width, 3),
        batch_norm("4", width),
        read("6", width, 2 * width, 3),
    )
    return module("conv1", *parts), 2 * width


def stem_of(c: Settings, w: Wiring) -> None:
    """Write down what reads the image, up to its last convolution."""
    if not c.text("stem_type"):
        w.weighted("conv1", "input", strides=2, padding=3)
        return
    x = "input"
    for place, step in ((0, 2), (3, 1)):
        x = w.weighted(f"conv1.{place + 1}", w.weighted(f"conv1.{place}", x, strides=step, padding=1))
        x = w.activation(f"conv1.{place + 2}", x, "relu")
    w.weighted("conv1.6", x, padding=1)


def built(c: Settings) -> tuple[tuple[int, ...], tuple[int, ...], Blocks]:
    """Return the widths and depths of stages, and how their blocks are built."""
    widths, depths = c.sizes("channels"), c.depths("layers")
    how = blocks(c, widths, "cardinality", "base_width", "zero_init_last", c.flag("avg_down"))
    if not widths or len(depths) != len(widths) or 0 in depths:
        c.refuse("layers", f"a list of {len(widths)} integers from 1, one for each of channels")
    return widths, depths, how


def network(c: Settings, head: str | None) -> Network:
    """Return a stem, stages of residual blocks, and classes of the mean over places, or that mean."""
    (widths, depths, how), (_, inputs) = built(c), stem(c)
    w = Wiring(input=[*sides(c, "image_size"), c.size("in_chans")])
    stem_of(c, w)
    x = wired(w, widths, depths, inputs, how)
    if c.stated("num_classes") != 0:
        w.weighted("fc", x)
    return w.written()


def body(c: Settings) -> Module:
    (widths, depths, how), (first, inputs) = built(c), stem(c)
    classes = 0 if c.stated("num_classes") == 0 else c.size("num_classes")
    return model(
        "",
        initialise,
        first,
        batch_norm("bn1", inputs),
        *stages(widths, depths, inputs, how),
        linear("fc", how.outputs(widths[-1]), classes) if classes else None,
        kind="whole",
    )


BASIC: Config = {"block": "basic", "layers": [2, 2, 2, 2]}
DEEP: Config = {"stem_width": 32, "stem_type": "deep", "avg_down": True}
FAMILY = Family(
    model_type="timm_resnet",
    library="timm",
    summary="ResNet of timm: convolutions N(0, 2 / fan_out), scales 1, a block's last 0, fc U(±1 / √fan_in).",
    references=("He et al. 2015", "Goyal et al. 2017"),
    defaults=DEFAULTS,
    sizes={
        "resnet50": {},
        "resnet18": BASIC,
        "resnet34": {"block": "basic"},
        "resnet101": {"layers": [3, 4, 23, 3]},
        "resnet152": {"layers": [3, 8, 36, 3]},
        "resnet50d": DEEP,
        "resnet26t": {"layers": [2, 2, 2, 2], **DEEP, "stem_type": "deep_tiered"},
        "resnext50_32x4d": {"cardinality": 32, "base_width": 4},
    },
    heads={None: Head("ResNet", body)},
    structure={"image_size": 224},
    network=network,
)
