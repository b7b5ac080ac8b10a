"""Networks drawn at random over every layer with weights and without: most cannot be, some run."""

from random import Random
from typing import Any, TypeAlias

from service.networks.layers import LAYERS
from service.networks.layers.structure import STRUCTURE

Written: TypeAlias = dict[str, Any]
MEETING = ("add", "multiply", "concatenate", "relative_positions")
USUAL = ["dense"] * 6 + ["conv2d"] * 4 + ["conv1d", "batch_norm", "layer_norm"] * 2
SHAPES = [[8], [4, 8], [6, 8], [6, 6, 8], [6, 5, 8], [6], [3, 3, 3, 8], []]


def without_weights(draw: Random, kind: str, names: list[str]) -> Written:
    """Return a layer without weights, its members as they may be and now and then as they may not."""
    choice = draw.choice
    members: dict[str, Written] = {
        "concatenate": {"axis": choice([-3, -2, -1, 1, 2, 3, 0, 7])},
        "activation": {"activation": choice(["relu", "softmax", "gelu", "tanh"]), "approximate": choice([True, False])},
        "flatten": {"channels_first": choice([True, False])},
        "reshape": {"shape": choice([[-1], [4, -1], [2, 2, -1], [8], [16, 4]])},
        "transpose": {"axes": choice([[1], [2, 1], [1, 2], [3, 1, 2]])},
        "upsample": {"factor": choice([1, 2, [2, 1]]), "method": choice(["nearest", "linear"])},
        "pad": {"padding": [[draw.randint(-2, 3), draw.randint(-2, 3)] for _ in range(draw.randint(1, 4))]},
        "split": {"sizes": choice([[4, 4], [1, -1], [-1], [2, 2, 4], [3, -1]]), "axis": choice([-1, 1, 2])},
        "scale": {"by": choice([0.0, 0.5, -1.0, 1e30])},
        "tied": {"to": choice(names or ["none"]), "transposed": choice([True, False])},
        "dot_product_attention": {"heads": choice([1, 2, 4]), "causal": choice([True, False])},
        "relative_positions": {"buckets": choice([1, 2, 3, 32]), "max_distance": choice([1, 2, 16, 128])},
        "rotary": {"heads": choice([1, 2, 4])},
    }
    if kind in ("max_pool", "average_pool"):
        padding = choice(["same", "valid", 0, 1, 2, [1, 0], 7])
        return {
            "type": kind,
            "window": choice([1, 2, 3, [2, 2], [2]]),
            "strides": choice([1, 2, None]),
            "padding": padding,
        }
    return {"type": kind, **members.get(kind, {})}


def sizes_of(draw: Random, kind: str, size: int) -> list[int]:
    """Return the shape of a layer that takes so many features, and gives eight of them where it may."""
    axes = next((int(axis) for axis in "123" if f"conv{axis}d" in kind), 0)
    field = [draw.choice([1, 2, 3]) for _ in range(axes)]
    shapes = {
        "dense": [size, draw.choice([8, 8, 4])],
        "embedding": [10, 8],
        "multi_head_attention": [size, 2, 4],
        "grouped_query_attention": [size, 4, 2],
        "tensor": draw.choice([[], [8], [1, 8], [4, 8]]),
        "bilinear": [size, size, 8],
        "moe_dense": [2, size, 8],
        "einsum_dense": [size, 8],
        **{f"transformer_{part}": [8, 2, 16] for part in ("encoder", "encoder_layer", "decoder", "decoder_layer")},
        **{key: [size, 8] for key in ("lstm", "gru", "simple_rnn", "transformers_conv1d")},
        **{f"depthwise_conv{axes}d": [*field, size, draw.choice([1, 2])]},
    }
    return shapes.get(kind, [*field, size, 8] if axes else [size])


def with_weights(draw: Random, kind: str) -> Written:
    found: Written = {"type": kind}
    if kind != "dropout":
        found["shape"] = sizes_of(draw, kind, draw.choice([4, 8, 8, 8, 8]))
    if kind == "grouped_query_attention":
        found["kv_heads"] = 2
    if kind == "einsum_dense":
        found["equation"] = "ab,bc->ac"
    if "conv" in kind and kind != "transformers_conv1d":
        found["padding"] = draw.choice(["same", "valid", "circular", 0, 1, 2, [[1, 0], [0, 2]], [1]])
        found["strides"], found["dilation"] = draw.choice([1, 2, 3]), draw.choice([1, 1, 2])
    if "attention" in kind:
        found["causal"] = draw.choice([True, False])
    if draw.random() < 0.5 and kind != "tensor":
        found["activation"] = draw.choice(["relu", "tanh", "linear", "softmax"])
    if draw.random() < 0.15 and kind != "dropout":
        found["scheme"] = draw.choice(["zeros", "ones", "orthogonal"])
    return found


def references(draw: Random, kind: str, layers: list[Written]) -> list[str]:
    """Return what a layer takes: some of those before it, of late more often than not."""
    known = ["input", *(layer["name"] for layer in layers)]
    known = known[-2:] if kind in MEETING and draw.random() < 0.6 else known
    splits = {layer["name"] for layer in layers if layer["type"] == "split"}
    count = {"dot_product_attention": draw.choice([3, 3, 4])}.get(kind, draw.choice([2, 2, 2, 3]))
    taken = draw.choices(known, k=count if kind in MEETING or "dot" in kind else draw.choice([1, 1, 1, 1, 0, 2]))
    return [f"{name}:{draw.randint(0, 1)}" if name in splits else name for name in taken]


def network(draw: Random) -> Written:
    """Return a spec of up to nine layers, joined at random, with an input of some shape or of none."""
    layers: list[Written] = []
    for place in range(draw.randint(1, 9)):
        kind = draw.choice([*LAYERS, *USUAL, *USUAL, *STRUCTURE, *STRUCTURE])
        names = [layer["name"] for layer in layers]
        layer = without_weights(draw, kind, names) if kind in STRUCTURE else with_weights(draw, kind)
        layer["name"] = f"l{place}"
        if kind in (*MEETING, "dot_product_attention") or draw.random() < 0.25:
            layer["inputs"] = references(draw, kind, layers)
        elif layers and layers[-1]["type"] == "split":
            layer["inputs"] = [f"{names[-1]}:0"]
        layers.append({member: value for member, value in layer.items() if value is not None})
    stated = {"input_shape": draw.choice(SHAPES)} if draw.random() < 0.8 else {}
    return {"seed": draw.getrandbits(32), **stated, "layers": layers}
