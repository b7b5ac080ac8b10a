"""ResNet as the transformers library has it: convolutions N(0, 2 / fan_out), the classifier as torch starts it."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.images import sides
from service.networks.families.initialisers import kaiming_normal, kaiming_uniform, reciprocal_root
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Module,
    batch_norm,
    convolution,
    generic,
    linear,
    model,
    module,
    numbered,
)
from service.networks.families.wiring import Network, Wiring, function

DEFAULTS = {
    "num_channels": 3,
    "embedding_size": 64,
    "hidden_sizes": [256, 512, 1024, 2048],
    "depths": [3, 4, 6, 3],
    "layer_type": "bottleneck",
    "hidden_act": "relu",
    "downsample_in_first_stage": False,
    "downsample_in_bottleneck": False,
}
USUAL = generic(0.02)  # its config has no initializer_range
NARROWED = 4  # the width of a bottleneck, in parts of what comes out of it


def initialise(module: Module) -> Iterator[Fill]:
    yield from USUAL(module)
    layer = module.layer or {"type": ""}
    if layer["type"] == "conv2d":
        yield Fill("", "kernel", kaiming_normal(layer, by_fan_out=True))
    elif layer["type"] == "dense":
        yield Fill("", "kernel", kaiming_uniform(layer))
        yield Fill("", "bias", reciprocal_root(layer["shape"][0]))


def normalised(name: str, inputs: int, outputs: int, window: int) -> Module:
    read = convolution("convolution", (window, window), inputs, outputs, bias=False)
    return module(name, read, batch_norm("normalization", outputs))


def block(inputs: int, outputs: int, halves: bool, narrow: int | None) -> Module:
    """Return two convolutions of 3 by 3; or one between two of 1 by 1, where it is narrowed to `narrow` channels."""
    shortcut = normalised("shortcut", inputs, outputs, 1) if halves or inputs != outputs else None
    sizes = [(inputs, outputs, 3), (outputs, outputs, 3)]
    if narrow is not None:
        sizes = [(inputs, narrow, 1), (narrow, narrow, 3), (narrow, outputs, 1)]
    return module("", shortcut, numbered("layer", [normalised("", *each) for each in sizes]))


def stages(c: Settings) -> list[Module]:
    widths, depths = c.sizes("hidden_sizes"), c.depths("depths")
    if not widths or len(depths) != len(widths) or 0 in depths:
        c.refuse("depths", f"a list of {len(widths)} integers from 1, one for each of hidden_sizes")
    bottleneck = c.text("layer_type", "basic", "bottleneck") == "bottleneck"
    found, inputs = [], c.size("embedding_size")
    for place, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        narrow = width // NARROWED if bottleneck else None
        if narrow == 0:
            c.refuse("hidden_sizes", f"a list of integers from {NARROWED} where blocks are bottlenecks")
        halves = place > 0 or c.flag("downsample_in_first_stage")
        rest = [block(width, width, False, narrow)] * (depth - 1)
        found.append(module("", numbered("layers", [block(inputs, width, halves, narrow), *rest])))
        inputs = width
    return found


def body(c: Settings, name: str = "") -> Module:
    read = normalised("embedder", c.size("num_channels"), c.size("embedding_size"), 7)
    return model(name, initialise, module("embedder", read), module("encoder", numbered("stages", stages(c))))


def with_classes(c: Settings) -> Module:
    classes = linear("1", c.sizes("hidden_sizes")[-1], labels(c))
    return model("", initialise, body(c, "resnet"), module("classifier", classes))


def network(c: Settings, head: str | None) -> Network:
    """Return a convolution of 7 by 7, stages of residual blocks, and the mean over places, or classes of it."""
    w, at, opens = (
        Wiring(input=[*sides(c, "image_size"), c.size("num_channels")]),
        "resnet." if head else "",
        function(c, "hidden_act"),
    )
    x = read(w, f"{at}embedder.embedder", "input", 2, 3)
    x = w.activation(f"{at}embedder.activation", x, opens)
    x = w.plain("max_pool", f"{at}embedder.pooler", x, window=3, strides=2, padding=1)
    for place, stage in enumerate(stages(c)):
        halved = place > 0 or c.flag("downsample_in_first_stage")
        for number, each in enumerate(stage.children[0].children):
            x = computed(
                c, w, f"{at}encoder.stages.{place}.layers.{number}", x, each, 2 if halved and not number else 1
            )
    x = w.plain("global_average_pool", f"{at}pooler", x)
    if head:
        w.weighted("classifier.1", x)
    return w.written()


def computed(c: Settings, w: Wiring, at: str, x: str, block: Module, stride: int) -> str:
    """Write down a block, which makes the image smaller by its first layer, or by that of 3 by 3 of a bottleneck."""
    opens, layer = function(c, "hidden_act"), block.child("layer")
    parts = len(layer.children) if layer else 0
    smaller = 0 if parts == 2 or c.flag("downsample_in_bottleneck") else 1
    y = x
    for place in range(parts):
        border = 1 if parts == 2 or place == 1 else 0
        y = read(w, f"{at}.layer.{place}", y, stride if place == smaller else 1, border)
        y = y if place == parts - 1 else w.activation(f"{at}.layer.{place}.activation", y, opens)
    beside = read(w, f"{at}.shortcut", x, stride, 0) if block.child("shortcut") else x
    return w.activation(f"{at}.activation", w.add(f"{at}.add", y, beside), opens)


def read(w: Wiring, at: str, x: str, stride: int, border: int) -> str:
    return w.weighted(f"{at}.normalization", w.weighted(f"{at}.convolution", x, strides=stride, padding=border))


BASIC = {"layer_type": "basic", "hidden_sizes": [64, 128, 256, 512]}
FAMILY = Family(
    model_type="resnet",
    summary="ResNet: convolutions N(0, 2 / fan_out), scales 1, the classifier U(±1 / √fan_in).",
    references=("He et al. 2015",),
    defaults=DEFAULTS,
    sizes={
        "50": {},
        "18": {**BASIC, "depths": [2, 2, 2, 2]},
        "26": {"depths": [2, 2, 2, 2]},
        "34": {**BASIC, "depths": [3, 4, 6, 3]},
        "101": {"depths": [3, 4, 23, 3]},
        "152": {"depths": [3, 8, 36, 3]},
    },
    heads={None: Head("ResNetModel", body), "image_classification": Head("ResNetForImageClassification", with_classes)},
    structure={"image_size": 224},
    network=network,
)
