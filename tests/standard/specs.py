"""Specs drawn at random over every layer, scheme, layout, dtype and default, for the comparison with the standard."""

from random import Random
from typing import Any, TypeAlias

from service.networks.activations import ACTIVATIONS
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS
from service.networks.schemes import PRESETS
from service.stream.dtypes import DTYPES

Written: TypeAlias = dict[str, Any]
DEFAULTS = ("recommended", "keras", "pytorch", "flax")
RULES = ("true", "keras", "pytorch", "flax")


def arguments(family: str, draw: Random) -> Written:
    """Return arguments of a family, some of them, far from their defaults."""
    number, positive = draw.uniform(-3.0, 3.0), draw.uniform(0.05, 3.0)
    lower = draw.choice([-float(draw.randint(0, 9)), draw.uniform(-8.5, 7.5), -2.0])
    every: dict[str, Written] = {
        "constant": {"value": number},
        "random_normal": {"mean": number, "stddev": draw.choice([positive, 0.0, 1e-40])},
        "random_uniform": {"minval": number, "maxval": draw.choice([number + positive, max(number, 0.0) + 1.0])},
        "truncated_normal": {
            "mean": number, "stddev": positive, "lower": lower, "preserve_std": draw.random() < 0.5,
            "upper": lower + draw.choice([positive, 0.01, 20.0]),
        },
        "bounded_normal": {"mean": number, "stddev": positive, "minval": number - positive, "maxval": number + 2.0},
        "variance_scaling": {
            "scale": draw.choice([positive, 1e-80]),
            "mode": draw.choice(["fan_in", "fan_out", "fan_avg", "fan_geo_avg"]),
            "distribution": draw.choice(["truncated_normal", "untruncated_normal", "uncorrected_normal", "uniform"]),
        },
        "orthogonal": {"gain": number},
        "identity": {"gain": number},
        "dirac": {"gain": number, "groups": draw.choice([None, 1, 2])},
        "delta_orthogonal": {"gain": number},
        "sparse": {"sparsity": draw.choice([0.0, 0.3, 0.9, 1.0]), "stddev": positive},
        "reservoir": {"radius": positive, "sparsity": draw.choice([0.0, 0.5, 0.9])},
        "siren": {"omega": positive, "first": draw.random() < 0.5},
        "residual_normal": {"stddev": positive, "layers": draw.randint(1, 99)},
        "mup_normal": {"stddev": positive, "base": draw.randint(1, 999), "output": draw.random() < 0.5},
        "stft": {
            "side": draw.choice(["real", "imag"]), "window": draw.choice(["hann", "hamming", None]),
            "scaling": draw.choice(["density", "spectrum", None]), "periodic": draw.random() < 0.5,
        },
        "bilinear": {"pairs": draw.choice(["diagonal", "all"])},
        "icnr": {"upscale": draw.choice([1, 2]), "scale": positive},
        "rope": {"part": draw.choice(["cos", "sin"]), "base": draw.choice([1.0, 16.0, 10.0**draw.uniform(0, 9)])},
        "sinusoidal": {
            "base": draw.choice([16.0, 10.0**draw.uniform(0, 9)]), "order": draw.choice(["interleaved", "halves"])
        },
        "unit_forget_bias": {"value": number},
        "chrono": {"longest": draw.randint(3, 999)},
        "step_bias": {
            "shortest": 10.0**draw.uniform(-9, -3), "longest": draw.uniform(0.01, 100.0),
            "floor": draw.choice([0.0, draw.uniform(0.001, 0.01)]),
        },
        "prior_bias": {"prior": draw.choice([draw.random() or 0.5, 0.5, 10.0**draw.uniform(-300, -1)])},
    }  # fmt: skip
    found = every.get(family.rpartition(":")[2], {})
    if family in ("random_uniform", "truncated_normal", "bounded_normal", "step_bias"):  # bounds hold together
        return found
    return {name: value for name, value in found.items() if draw.random() < 0.7}


def scheme(draw: Random, special: list[str]) -> str | Written:
    """Return a scheme: more often than not one of those that fit few layers, otherwise one that fits every layer."""
    name = draw.choice(special if special and draw.random() < 0.7 else ANYWHERE)
    if draw.random() < 0.4:
        return name
    return {"name": name, **arguments(PRESETS[name].family, draw)}


def named_in(*families: str) -> list[str]:
    """Return the names of these families, those under a framework's prefix too."""
    return [name for name, preset in PRESETS.items() if preset.family.rpartition(":")[2] in families]


ANYWHERE = named_in(
    "constant", "random_normal", "random_uniform", "truncated_normal", "bounded_normal", "variance_scaling", "siren",
    "residual_normal", "mup_normal", "step_bias", "prior_bias", "s4d_real",
)  # fmt: skip
CONNECTED = named_in("orthogonal", "identity", "zer_o", "sparse", "reservoir")
MATRIX = [*CONNECTED, *named_in("rope", "sinusoidal", "icnr")]
KERNEL = named_in("dirac", "delta_orthogonal", "bilinear", "icnr", "orthogonal")


def size(draw: Random, most: int = 9) -> int:
    return draw.randint(1, most)


def tensor_shape(draw: Random, name: str) -> list[int]:
    """Return a shape that a scheme fits, more often than not."""
    a, b, c = size(draw), size(draw), size(draw)
    shapes = {
        "stft": [[9 * a, 1, b + 1]], "hippo": [[a, a], [a]], "rope": [[a, 2 * b]], "sinusoidal": [[a, 2 * b]],
        "reservoir": [[a + 1, a + 1]], "delta_orthogonal": [[a, b, b + c], [3, 2, b, b + c]], "icnr": [[2, a, 4 * b]],
    }  # fmt: skip
    return draw.choice(shapes.get(name.rpartition(":")[2], [[], [a], [a, b], [a, b, c], [2, a, b, c]]))


def layer(draw: Random, kind: str) -> Written:
    """Return a layer of this type, its sizes and members at random; some are refused, and drawn anew."""
    a, b, c = size(draw), size(draw), size(draw)
    names: list[str] = []
    found: Written = {"type": kind}
    if kind in ("dense", "transformers_conv1d"):
        found |= {"shape": [a, b], "lora_rank": draw.choice([None, c])}
        names = MATRIX
    elif kind in ("embedding",):
        found |= {"shape": [a, b], "padding_index": draw.choice([None, draw.randrange(a)])}
        names = MATRIX
    elif kind in ("bilinear", "moe_dense"):
        found["shape"] = [a, b, c]
        names = CONNECTED
    elif kind == "einsum_dense":
        equation, axes = draw.choice(
            [("abc,cde->abde", 3), ("ab,bc->ac", 2), ("...x,xy->...y", 2), ("abc,bcd->abd", 3)]
        )
        bias = draw.choice([None, equation[-1]])
        found |= {"equation": equation, "shape": [size(draw) for _ in range(axes)], "bias_axes": bias}
        names = CONNECTED
    elif "conv" in kind:
        field = [size(draw, 4) for _ in range(int(kind[kind.index("conv") + 4]))]
        groups = draw.choice([1, 1, 2, 3])
        found["shape"] = [*field, a * groups, b * groups]
        names = KERNEL
        if kind.startswith("conv"):
            found["groups"] = groups
        if kind.endswith("transpose"):
            found["strides"] = draw.randint(1, 3)
        if kind.startswith("separable"):
            found["depth_multiplier"] = draw.randint(1, 3)
    elif kind in ("simple_rnn", "lstm", "gru"):
        found |= {"shape": [a, b], "num_layers": draw.randint(1, 3), "bidirectional": draw.random() < 0.5}
        if draw.random() < 0.2:
            found |= {"num_layers": 1, "bidirectional": False, "cell": True}
        elif kind == "lstm" and b > 1 and draw.random() < 0.5:
            found["projection"] = draw.randrange(1, b)
        names = CONNECTED
    elif kind == "multi_head_attention":
        heads, width = draw.randint(1, 4), draw.randint(1, 4)
        found |= {"shape": [draw.choice([heads * width, a]), heads, width], "bias_kv": draw.random() < 0.3}
        for member, values in (("fused", (True, False)), ("key_width", (a, b)), ("value_width", (c,))):
            if draw.random() < 0.3:
                found[member] = draw.choice(values)
        names = CONNECTED
    elif kind == "grouped_query_attention":
        kv = draw.randint(1, 2)
        found |= {"shape": [a, kv * draw.randint(1, 3), b], "kv_heads": kv}
        names = CONNECTED
    elif kind.startswith("transformer_"):
        heads = draw.randint(1, 3)
        found["shape"] = [heads * draw.randint(1, 3), heads, a]
        if not kind.endswith("_layer"):
            found |= {"num_layers": draw.randint(1, 3), "norm": draw.random() < 0.5}
        names = CONNECTED
    elif kind == "tensor":
        names = [draw.choice(list(PRESETS))]
        found |= {"shape": tensor_shape(draw, names[0]), "bare": draw.random() < 0.3}
        found |= {"fan_in": draw.choice([None, a]), "fan_out": draw.choice([None, b])}
    elif kind == "prelu":
        found |= {"shape": draw.choice([[a], [1], [a, b], [1, 1, c]]), "shared_axes": draw.choice([None, [1], [1, 2]])}
    elif kind != "dropout":
        found["shape"] = [a] if kind in ("batch_norm", "group_norm", "instance_norm") else draw.choice([[a], [a, b, c]])
    return decorated(draw, found, names)


def decorated(draw: Random, found: Written, names: list[str]) -> Written:
    """Return the layer with some of its members set that say how it starts."""
    fields = LAYERS[found["type"]].model_fields
    for member in ("scheme", "recurrent_scheme", "pointwise_scheme", "output_scheme"):
        if member in fields and draw.random() < 0.8:
            found[member] = scheme(draw, names) if draw.random() < 0.9 else "auto"
    if "bias" in fields and draw.random() < 0.6:
        gates = ["unit_forget_bias", "chrono"] if found["type"] == "lstm" else []
        found["bias"] = draw.choice([None, "auto", scheme(draw, gates), scheme(draw, gates)])
        if found["type"] == "einsum_dense" and found["bias"] is None:
            del found["bias"]
    if draw.random() < 0.4:
        found["activation"] = draw.choice(list(ACTIVATIONS))
    if draw.random() < 0.15:
        found["gain"] = draw.uniform(0.1, 3.0)
    if draw.random() < 0.2:
        found["seed"] = str(draw.getrandbits(64))
    if draw.random() < 0.4:
        found["name"] = draw.choice(["a", "block.1.fc", "x_y-z"])
    return {member: value for member, value in found.items() if value is not None or member == "bias"}


def spec(draw: Random, kind: str) -> Written:
    """Return a spec of one layer of this type; another layer may come before it, so that it is not the first."""
    before = [{"type": "dropout"}] if draw.random() < 0.3 else []
    if kind != "dropout" and draw.random() < 0.2:
        before = [*before, {"type": "flatten"}]
    return {
        "seed": str(draw.choice([0, draw.getrandbits(64)])),
        "layout": draw.choice(LAYOUTS),
        "dtype": draw.choice(list(DTYPES)),
        "defaults": draw.choice(DEFAULTS),
        "fans": draw.choice(RULES),
        "layers": [*before, layer(draw, kind)],
    }
