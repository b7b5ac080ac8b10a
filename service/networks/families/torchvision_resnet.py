"""ResNet as torchvision has it: convolutions N(0, 2 / fan_out), a block's last scale 1 or 0, fc as torch starts it."""

import math
from collections.abc import Sequence

from service.networks.families.family import Config, Family, Head
from service.networks.families.images import sides
from service.networks.families.residual_stages import Blocks, initialise, read, stages, wired
from service.networks.families.settings import Settings
from service.networks.families.tree import Module, batch_norm, linear, model
from service.networks.families.wiring import Network, Wiring

DEFAULTS = {
    "block": "bottleneck",
    "layers": [3, 4, 6, 3],
    "num_classes": 1000,
    "zero_init_residual": False,
    "groups": 1,
    "width_per_group": 64,
}
WIDTHS = (64, 128, 256, 512)


def blocks(
    c: Settings, widths: Sequence[int], groups: str, width_of_group: str, zeroed: str, pooled: bool = False
) -> Blocks:
    """Return how blocks are built in stages of these widths, from members of these names."""
    narrowed = c.text("block", "basic", "bottleneck") == "bottleneck"
    found = Blocks(narrowed, c.size(groups), c.size(width_of_group), c.flag(zeroed), pooled)
    if not narrowed and (found.groups, found.width_of_group) != (1, 64):
        c.refuse("block", f"bottleneck where {groups} or {width_of_group} are other than 1 and 64")
    if narrowed and not all(found.middle(width) for width in widths):
        c.refuse(width_of_group, f"an integer from {math.ceil(64 / min(widths))}")
    return found


def built(c: Settings) -> tuple[tuple[int, ...], Blocks]:
    """Return how many blocks there are in each stage, and how they are built."""
    depths, how = c.depths("layers"), blocks(c, WIDTHS, "groups", "width_per_group", "zero_init_residual")
    if len(depths) != len(WIDTHS) or 0 in depths:
        c.refuse("layers", "a list of four integers from 1")
    return depths, how


def body(c: Settings) -> Module:
    depths, how = built(c)
    return model(
        "",
        initialise,
        read("conv1", 3, WIDTHS[0], 7),
        batch_norm("bn1", WIDTHS[0]),
        *stages(WIDTHS, depths, WIDTHS[0], how),
        linear("fc", how.outputs(WIDTHS[-1]), c.size("num_classes")),
        kind="whole",
    )


def network(c: Settings, head: str | None) -> Network:
    """Return a convolution of 7 by 7, stages of residual blocks, and classes of the mean over places."""
    depths, how = built(c)
    w = Wiring(input=[*sides(c, "image_size"), 3])
    w.weighted("conv1", "input", strides=2, padding=3)
    w.weighted("fc", wired(w, WIDTHS, depths, WIDTHS[0], how))
    return w.written()


SIZES: dict[str, Config] = {
    "resnet50": {},
    "resnet18": {"block": "basic", "layers": [2, 2, 2, 2]},
    "resnet34": {"block": "basic", "layers": [3, 4, 6, 3]},
    "resnet101": {"layers": [3, 4, 23, 3]},
    "resnet152": {"layers": [3, 8, 36, 3]},
    "resnext50_32x4d": {"groups": 32, "width_per_group": 4},
    "resnext101_32x8d": {"layers": [3, 4, 23, 3], "groups": 32, "width_per_group": 8},
    "wide_resnet50_2": {"width_per_group": 128},
    "wide_resnet101_2": {"layers": [3, 4, 23, 3], "width_per_group": 128},
}
FAMILY = Family(
    model_type="torchvision_resnet",
    library="torchvision",
    summary="ResNet of torchvision: convolutions N(0, 2 / fan_out), scales 1, fc U(±1 / √fan_in).",
    references=("He et al. 2015",),
    defaults=DEFAULTS,
    sizes=SIZES,
    heads={None: Head("ResNet", body)},
    structure={"image_size": 224},
    network=network,
)
