"""Graphs written down by hand: what a published network does to its streams, place by place."""

from collections.abc import Sequence

from service.analysis.residuals.ways import Kind, Site

KINDS: dict[str, Kind] = {
    "input": "input",
    "add": "sum",
    "concat": "join",
    "norm": "norm",
    "relu": "passes",
    "scale": "passes",
    "pool": "moves",
    "conv": "projects",
    "dense": "projects",
    "attention": "attends",
    "embedding": "mixes",
    "tensor": "mixes",
}


def graph(*lines: str) -> list[Site]:
    """Read lines such as `add0: add(x, conv2)`; nothing in brackets: a source."""
    sites: list[Site] = []
    at: dict[str, int] = {}
    for line in lines:
        name, rest = line.split(": ")
        kind, taken = rest.rstrip(")").split("(") if "(" in rest else (rest, "")
        at[name] = len(sites)
        sites.append(Site(name, KINDS[kind], tuple(at[one] for one in taken.split(", ") if one)))
    return sites


def names(sites: Sequence[Site], places: Sequence[int]) -> list[str]:
    return [sites[place].name for place in places]


def pre_norm(number: int, x: str, prefix: str = "h.") -> list[str]:
    """A block of GPT-2: attention and two dense layers, a norm before each."""
    at = f"{prefix}{number}"
    return [
        f"{at}.ln_1: norm({x})",
        f"{at}.attn: attention({at}.ln_1)",
        f"{at}.add_1: add({x}, {at}.attn)",
        f"{at}.ln_2: norm({at}.add_1)",
        f"{at}.fc: dense({at}.ln_2)",
        f"{at}.gelu: relu({at}.fc)",
        f"{at}.proj: dense({at}.gelu)",
        f"{at}.add_2: add({at}.add_1, {at}.proj)",
    ]


GPT2 = graph(
    "input: input",
    "positions: input",
    "wte: embedding(input)",
    "wpe: embedding(positions)",
    "sum: add(wte, wpe)",
    "drop: relu(sum)",
    *pre_norm(0, "drop"),
    *pre_norm(1, "h.0.add_2"),
    "ln_f: norm(h.1.add_2)",
    "lm_head: dense(ln_f)",
)


def bottleneck(at: str, x: str, projected: bool) -> list[str]:
    """A block of ResNet: three convolutions with norms, and relu behind the sum."""
    return [
        f"{at}.conv1: conv({x})",
        f"{at}.bn1: norm({at}.conv1)",
        f"{at}.conv2: conv({at}.bn1)",
        f"{at}.bn2: norm({at}.conv2)",
        *([f"{at}.downsample.0: conv({x})", f"{at}.downsample.1: norm({at}.downsample.0)"] if projected else []),
        f"{at}.add: add({at}.bn2, {at}.downsample.1)" if projected else f"{at}.add: add({at}.bn2, {x})",
        f"{at}.relu: relu({at}.add)",
    ]


RESNET = graph(
    "input: input",
    "conv1: conv(input)",
    "pool: pool(conv1)",
    *bottleneck("layer1.0", "pool", True),
    *bottleneck("layer1.1", "layer1.0.relu", False),
    *bottleneck("layer2.0", "layer1.1.relu", True),
    "avgpool: pool(layer2.0.relu)",
    "fc: dense(avgpool)",
)
UNET = graph(
    "input: input",
    "down1.conv1: conv(input)",
    "down1.conv2: conv(down1.conv1)",
    "pool1: pool(down1.conv2)",
    "down2.conv1: conv(pool1)",
    "pool2: pool(down2.conv1)",
    "middle.conv: conv(pool2)",
    "up2.up: conv(middle.conv)",
    "up2.concat: concat(up2.up, down2.conv1)",
    "up2.conv: conv(up2.concat)",
    "up1.up: conv(up2.conv)",
    "up1.concat: concat(down1.conv2, up1.up)",
    "up1.conv: conv(up1.concat)",
    "head: conv(up1.conv)",
)
