"""ResNet as torchvision has it: convolutions N(0, 2 / fan_out), a block's last scale 1 or 0, fc as torch starts it."""

from collections.abc import Iterator

from service.networks.families.family import Config, Family, Head
from service.networks.families.initialisers import kaiming_normal
from service.networks.families.settings import Settings
from service.networks.families.tree import ZEROS, Fill, Module, batch_norm, convolution, linear, model, module, numbered

DEFAULTS = {
    "block": "bottleneck",
    "layers": [3, 4, 6, 3],
    "num_classes": 1000,
    "zero_init_residual": False,
    "groups": 1,
    "width_per_group": 64,
}
STAGES = (64, 128, 256, 512)
WIDENED = 4  # what comes out of a bottleneck, in parts of its stage's width


def initialise(module: Module) -> Iterator[Fill]:
    """Yield how the whole starts, from above down: a shortcut after the convolutions beside it."""
    if module.kind == "whole":
        for path, each in below(module, ""):
            if each.layer and each.layer["type"] == "conv2d":
                yield Fill(path, "kernel", kaiming_normal(each.layer, by_fan_out=True))
            elif each.kind == "last":
                yield Fill(path, "gamma", ZEROS)


def below(module: Module, path: str) -> Iterator[tuple[str, Module]]:
    """Yield every module below one, by its path, each before those below it."""
    for child in module.children:
        at = f"{path}.{child.name}" if path else child.name
        yield at, child
        yield from below(child, at)


def read(name: str, inputs: int, outputs: int, window: int, groups: int = 1) -> Module:
    return convolution(name, (window, window), inputs, outputs, bias=False, groups=groups)


def block(inputs: int, width: int, outputs: int, halves: bool, groups: int, zeroed: bool, narrowed: bool) -> Module:
    """Return two convolutions of 3 by 3, or one between two of 1 by 1; beside them a shortcut where sizes change."""
    sizes = [(inputs, width, 3, 1), (width, outputs, 3, 1)]
    if narrowed:
        sizes = [(inputs, width, 1, 1), (width, width, 3, groups), (width, outputs, 1, 1)]
    parts: list[Module] = []
    for place, size in enumerate(sizes, 1):
        last = "last" if zeroed and place == len(sizes) else ""
        parts += [read(f"conv{place}", *size), batch_norm(f"bn{place}", size[1], last)]
    shortcut = numbered("downsample", [read("", inputs, outputs, 1), batch_norm("", outputs)])
    return module("", *parts, shortcut if halves or inputs != outputs else None, construction=("downsample",))


def stages(
    widths: tuple[int, ...],
    depths: tuple[int, ...],
    inputs: int,
    narrowed: bool,
    inner: tuple[float, int],
    zeroed: bool,
) -> Iterator[Module]:
    """Yield layer1, layer2, …; `inner` are the width of a bottleneck's middle over its stage's, a group, and groups."""
    for place, (width, depth) in enumerate(zip(widths, depths, strict=True), 1):
        outputs = width * WIDENED if narrowed else width
        middle = int(width * inner[0]) * inner[1] if narrowed else width
        first = block(inputs, middle, outputs, place > 1, inner[1], zeroed, narrowed)
        rest = block(outputs, middle, outputs, False, inner[1], zeroed, narrowed)
        yield Module(f"layer{place}", numbered("", [first, *[rest] * (depth - 1)]).children)
        inputs = outputs


def body(c: Settings) -> Module:
    depths, groups = c.depths("layers"), c.size("groups")
    if len(depths) != len(STAGES) or 0 in depths:
        c.refuse("layers", "a list of four integers from 1")
    narrowed = c.text("block", "basic", "bottleneck") == "bottleneck"
    inner = (c.size("width_per_group") / 64.0, groups)
    if not narrowed and inner != (1.0, 1):
        c.refuse("block", "bottleneck where groups or width_per_group are other than 1 and 64")
    if narrowed and int(STAGES[0] * inner[0]) == 0:
        c.refuse("width_per_group", "an integer from 1")
    outputs = STAGES[-1] * (WIDENED if narrowed else 1)
    return model(
        "",
        initialise,
        read("conv1", 3, STAGES[0], 7),
        batch_norm("bn1", STAGES[0]),
        *stages(STAGES, depths, STAGES[0], narrowed, inner, c.flag("zero_init_residual")),
        linear("fc", outputs, c.size("num_classes")),
        kind="whole",
    )


SIZES: dict[str, Config] = {
    "50": {},
    "18": {"block": "basic", "layers": [2, 2, 2, 2]},
    "34": {"block": "basic", "layers": [3, 4, 6, 3]},
    "101": {"layers": [3, 4, 23, 3]},
    "152": {"layers": [3, 8, 36, 3]},
    "50_32x4d": {"groups": 32, "width_per_group": 4},
    "101_32x8d": {"layers": [3, 4, 23, 3], "groups": 32, "width_per_group": 8},
    "wide_50_2": {"width_per_group": 128},
    "wide_101_2": {"layers": [3, 4, 23, 3], "width_per_group": 128},
}
FAMILY = Family(
    model_type="torchvision_resnet",
    summary="ResNet of torchvision: convolutions N(0, 2 / fan_out), scales 1, fc U(±1 / √fan_in).",
    references=("He et al. 2015",),
    defaults=DEFAULTS,
    sizes=SIZES,
    heads={None: Head("ResNet", body)},
)
