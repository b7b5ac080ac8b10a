"""Stages of residual blocks of convolutions, as torchvision and timm name, construct and start them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.networks.families.initialisers import kaiming_normal
from service.networks.families.tree import ZEROS, Fill, Module, batch_norm, convolution, module, numbered

WIDENED = 4  # what comes out of a bottleneck, in parts of its stage's width


@dataclass(frozen=True, slots=True)
class Blocks:
    """How blocks are built: bottlenecks or two convolutions of 3 by 3; a bottleneck's groups, and the width of each.

    `zeroed` says that a block's last scale starts at 0, `pooled` that shortcuts take the mean of places before them.
    """

    narrowed: bool
    groups: int
    width_of_group: int
    zeroed: bool
    pooled: bool = False

    def outputs(self, width: int) -> int:
        return width * WIDENED if self.narrowed else width

    def middle(self, width: int) -> int:
        """Return the width of a bottleneck's convolution of 3 by 3 in a stage of a width."""
        return int(width * (self.width_of_group / 64.0)) * self.groups


def initialise(root: Module) -> Iterator[Fill]:
    """Yield how the whole starts, each module before those below it, and shortcuts after what they are beside."""
    if root.kind != "whole":
        return
    for path, each in below(root, ""):
        if each.layer and each.layer["type"] == "conv2d":
            yield Fill(path, "kernel", kaiming_normal(each.layer, by_fan_out=True))
        elif each.kind == "last":
            yield Fill(path, "gamma", ZEROS)


def below(root: Module, path: str) -> Iterator[tuple[str, Module]]:
    for child in root.children:
        at = f"{path}.{child.name}" if path else child.name
        yield at, child
        yield from below(child, at)


def read(name: str, inputs: int, outputs: int, window: int, groups: int = 1) -> Module:
    return convolution(name, (window, window), inputs, outputs, bias=False, groups=groups)


def shortcut(inputs: int, outputs: int, pooled: bool) -> Module:
    parts = read("", inputs, outputs, 1), batch_norm("", outputs)
    return numbered("downsample", (module(""), *parts) if pooled else parts)


def block(inputs: int, width: int, blocks: Blocks, halves: bool) -> Module:
    outputs, middle = blocks.outputs(width), blocks.middle(width)
    sizes = [(inputs, width, 3, 1), (width, outputs, 3, 1)]
    if blocks.narrowed:
        sizes = [(inputs, middle, 1, 1), (middle, middle, 3, blocks.groups), (middle, outputs, 1, 1)]
    parts: list[Module] = []
    for place, size in enumerate(sizes, 1):
        last = "last" if blocks.zeroed and place == len(sizes) else ""
        parts += [read(f"conv{place}", *size), batch_norm(f"bn{place}", size[1], last)]
    beside = shortcut(inputs, outputs, blocks.pooled) if halves or inputs != outputs else None
    return module("", *parts, beside, construction=("downsample",))


def stages(widths: Sequence[int], depths: Sequence[int], inputs: int, blocks: Blocks) -> Iterator[Module]:
    """Yield layer1, layer2, …: blocks of one width, of which the first halves the image but in the first stage."""
    for place, (width, depth) in enumerate(zip(widths, depths, strict=True), 1):
        first = block(inputs, width, blocks, halves=place > 1)
        inputs = blocks.outputs(width)
        rest = block(inputs, width, blocks, halves=False)
        yield numbered(f"layer{place}", [first, *[rest] * (depth - 1)])
