"""Stages of residual blocks of convolutions, as torchvision and timm name, construct and start them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.networks.families.initialisers import kaiming_normal
from service.networks.families.tree import ZEROS, Fill, Module, batch_norm, convolution, module, numbered
from service.networks.families.wiring import Wiring

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


def wired(w: Wiring, widths: Sequence[int], depths: Sequence[int], inputs: int, blocks: Blocks) -> str:
    """Write down what stands between the first convolution and the classifier, and return the mean over places."""
    x = w.activation("relu", w.weighted("bn1", w.last), "relu")
    x = w.plain("max_pool", "maxpool", x, window=3, strides=2, padding=1)
    for place, (width, depth) in enumerate(zip(widths, depths, strict=True), 1):
        for number in range(depth):
            stride = 2 if place > 1 and not number else 1
            beside = stride > 1 or inputs != blocks.outputs(width)
            x = computed(w, f"layer{place}.{number}", x, blocks, stride, beside)
            inputs = blocks.outputs(width)
    return w.plain("global_average_pool", "avgpool", x)


def computed(w: Wiring, at: str, x: str, blocks: Blocks, stride: int, beside: bool) -> str:
    """Write down a block, whose image a convolution of 3 by 3 makes smaller, and return its output."""
    steps = ((1, 0), (stride, 1), (1, 0)) if blocks.narrowed else ((stride, 1), (1, 1))
    y = x
    for place, (step, border) in enumerate(steps, 1):
        y = w.weighted(f"{at}.conv{place}", y, strides=step, padding=border)
        y = w.weighted(f"{at}.bn{place}", y)
        y = y if place == len(steps) else w.activation(f"{at}.relu{place}", y, "relu")
    added = w.add(f"{at}.add", y, shortcut_of(w, f"{at}.downsample", x, blocks, stride) if beside else x)
    return w.activation(f"{at}.relu", added, "relu")


def shortcut_of(w: Wiring, at: str, x: str, blocks: Blocks, stride: int) -> str:
    if not blocks.pooled:
        return w.weighted(f"{at}.1", w.weighted(f"{at}.0", x, strides=stride, padding=0))
    x = w.plain("average_pool", f"{at}.0", x, window=2, padding="same") if stride > 1 else x
    return w.weighted(f"{at}.2", w.weighted(f"{at}.1", x, padding=0))
