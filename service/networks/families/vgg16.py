"""VGG-16 as torchvision has it: convolutions N(0, 2 / fan_out), dense layers N(0, 0.01²), with norms or without."""

from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.images import sides
from service.networks.families.initialisers import kaiming_normal
from service.networks.families.residual_stages import below
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    ZEROS,
    Fill,
    Module,
    batch_norm,
    convolution,
    linear,
    model,
    module,
    normal,
)
from service.networks.families.wiring import Network, Wiring

DEFAULTS = {
    "num_classes": 1000,
    "batch_norm": False,
    "widths": [64, 128, 256, 512, 512],
    "depths": [2, 2, 3, 3, 3],
    "classifier_width": 4096,
}
POOLED = 7  # height and width of what the classifier reads
DENSE = normal(0.01)
DENSE_LAYERS = ("0", "3", "6")  # rectifiers and dropout have the numbers between


def initialise(root: Module) -> Iterator[Fill]:
    """Yield how the whole starts, in the order of its modules; norms keep what they were constructed with."""
    for path, each in below(root, "") if root.kind == "whole" else ():
        kind = each.layer["type"] if each.layer else ""
        if each.layer and kind in ("conv2d", "dense"):
            yield Fill(path, "kernel", DENSE if kind == "dense" else kaiming_normal(each.layer, by_fan_out=True))
            yield Fill(path, "bias", ZEROS)


def read(c: Settings) -> Iterator[tuple[str, int, int]]:
    """Yield what stands in `features`, in order: its kind, inputs and outputs."""
    widths, depths = c.sizes("widths"), c.depths("depths")
    if not widths or len(depths) != len(widths) or 0 in depths:
        c.refuse("depths", f"a list of {len(widths)} integers from 1, one for each of widths")
    inputs = 3
    for width, depth in zip(widths, depths, strict=True):
        for _ in range(depth):
            yield "convolution", inputs, width
            if c.flag("batch_norm"):
                yield "norm", width, width
            yield "rectifier", width, width
            inputs = width
        yield "pool", width, width


def features(c: Settings) -> Iterator[Module]:
    for place, (kind, inputs, outputs) in enumerate(read(c)):
        if kind == "convolution":
            yield convolution(str(place), (3, 3), inputs, outputs)
        elif kind == "norm":
            yield batch_norm(str(place), outputs)


def body(c: Settings) -> Module:
    wide, last = c.size("classifier_width"), c.sizes("widths")[-1:]
    layers = [*features(c)]
    sizes = ((last[0] * POOLED**2, wide), (wide, wide), (wide, c.size("num_classes")))
    dense = (linear(name, *pair) for name, pair in zip(DENSE_LAYERS, sizes, strict=True))
    return model("", initialise, module("features", *layers), module("classifier", *dense), kind="whole")


def network(c: Settings, head: str | None) -> Network:
    """Return convolutions with pools between, brought to 7 by 7, and three dense layers."""
    image = sides(c, "image_size")
    w, x = Wiring(input=[*image, 3]), "input"
    for place, (kind, _, _) in enumerate(read(c)):
        at = f"features.{place}"
        match kind:
            case "convolution":
                x = w.weighted(at, x, padding=1)
            case "norm":
                x = w.weighted(at, x)
            case "rectifier":
                x = w.activation(at, x, "relu")
            case _:
                x = w.plain("max_pool", at, x, window=2)
    x = w.plain("flatten", "flatten", pooled(c, w, x, image), channels_first=True)
    for number in DENSE_LAYERS:
        x = w.weighted(f"classifier.{number}", x)
        if number != DENSE_LAYERS[-1]:
            x = w.activation(f"classifier.{int(number) + 1}", x, "relu")
    return w.written()


def pooled(c: Settings, w: Wiring, x: str, image: tuple[int, int]) -> str:
    """Write down what brings an image's features to 7 by 7, as torch's AdaptiveAvgPool2d does where sides divide."""
    left = [side >> len(c.sizes("widths")) for side in image]
    if left == [POOLED, POOLED]:
        return x
    if left == [1, 1]:
        return w.plain("upsample", "avgpool", x, factor=POOLED)
    if any(side % POOLED or not side for side in left):
        whole = POOLED << len(c.sizes("widths"))
        c.refuse("image_size", f"a multiple of {whole}, or {whole // POOLED}")
    return w.plain("average_pool", "avgpool", x, window=[side // POOLED for side in left])


FAMILY = Family(
    model_type="vgg16",
    library="torchvision",
    summary="VGG-16 of torchvision: convolutions N(0, 2 / fan_out), dense layers N(0, 0.01²), biases 0.",
    references=("Simonyan and Zisserman 2015", "He et al. 2015"),
    defaults=DEFAULTS,
    sizes={"imagenet": {}, "batch_norm": {"batch_norm": True}},
    heads={None: Head("VGG", body)},
    structure={"image_size": 224},
    network=network,
)
