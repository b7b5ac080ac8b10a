"""Wav2Vec2: convolutions of sound, then a transformer; N(0, 0.02²), convolutions N(0, 2 / fan_in), projections U."""

import math
from collections.abc import Iterator

from service.networks.families.family import Family, Head
from service.networks.families.heads import labels
from service.networks.families.initialisers import fans, kaiming_normal, kaiming_uniform_by, reciprocal_root
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    ZEROS,
    Fill,
    Initialise,
    Layer,
    Module,
    constant,
    convolution,
    generic,
    group_norm,
    layer_norm,
    linear,
    model,
    module,
    normal,
    numbered,
    parameter,
    uniform,
)
from service.networks.schemes import Scheme

DEFAULTS = {
    "vocab_size": 32,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "initializer_range": 0.02,
    "layer_norm_eps": 1e-5,
    "hidden_act": "gelu",
    "feat_extract_norm": "group",
    "feat_extract_activation": "gelu",
    "conv_dim": [512] * 7,
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_bias": False,
    "num_conv_pos_embeddings": 128,
    "num_conv_pos_embedding_groups": 16,
    "do_stable_layer_norm": False,
    "mask_time_prob": 0.05,
    "mask_feature_prob": 0.0,
    "use_weighted_layer_sum": False,
    "classifier_proj_size": 256,
    "pad_token_id": 0,
    "add_adapter": False,
    "adapter_kernel_size": 3,
    "adapter_stride": 2,
    "num_adapter_layers": 3,
    "output_hidden_size": None,
    "adapter_attn_dim": None,
}
MATRIX = "parametrizations.weight.original1"  # of the convolution of positions, whose weight is normed
LOST = Fill(MATRIX, "value", normal(1.0), lost=True)


def within(count: int) -> Scheme:
    """Return U(±√(1 / count)), rounded as this family's own code rounds it."""
    bound = math.sqrt(1 / count)
    return uniform(-bound, bound)


def initialisation(c: Settings) -> Initialise:
    usual = generic(c.deviation("initializer_range") or 0.02)

    def initialise(module: Module) -> Iterator[Fill]:
        yield from usual(module)
        match module.kind or (module.layer or {}).get("type"):
            case "conv1d":
                yield from convolved(module.layer or {})
            case "normed":  # by the general rule and by this one: what is drawn into a product is lost
                yield from (LOST, LOST)
                yield Fill("bias", "value", within(read_by_positions(c)))
            case "positions":
                yield LOST._replace(path=f"conv.{MATRIX}")
                yield Fill("conv.bias", "value", ZEROS)
            case "projection":
                yield from (Fill("projection", each, within(c.sizes("conv_dim")[-1])) for each in ("kernel", "bias"))
            case "model" if module.child("masked_spec_embed"):
                yield Fill("masked_spec_embed", "value", uniform(0.0, 1.0))

    return initialise


def convolved(layer: Layer) -> Iterator[Fill]:
    yield Fill("", "kernel", kaiming_normal(layer))
    if "bias" not in layer:
        yield Fill("", "bias", within(fans(layer)[0]))


def read_by_positions(c: Settings) -> int:
    """Return how many numbers one of the convolution of positions is made of."""
    return c.divided("hidden_size", "num_conv_pos_embedding_groups") * c.size("num_conv_pos_embeddings")


def positions(c: Settings) -> Module:
    """Return the convolution of positions, whose weight is made of directions and of a length for each place."""
    width, places = c.size("hidden_size"), c.size("num_conv_pos_embeddings")
    inputs = c.divided("hidden_size", "num_conv_pos_embedding_groups")
    reads = inputs * places
    drawn = kaiming_uniform_by(reads)
    about = constant(math.sqrt(width / (3 * places)))  # the length of as many numbers of this variance
    weight = Module(
        "weight",
        (
            parameter("original0", (1, 1, places)),
            parameter("original1", (width, inputs, places), drawn, (reads, width * places)),
        ),
        drawn=(Fill("original0", "value", about, lengths_of="original1"),),
    )
    bias = parameter("bias", (width,), reciprocal_root(reads))
    conv = module("conv", bias, module("parametrizations", weight), kind="normed", construction=("parametrizations",))
    return module("pos_conv_embed", conv, kind="positions")


def feature_extractor(c: Settings) -> Module:
    """Return the convolutions of sound: with a norm behind the first, or behind each."""
    widths, windows, biased = c.sizes("conv_dim"), c.sizes("conv_kernel"), c.flag("conv_bias")
    for name, found in (("conv_kernel", windows), ("conv_stride", c.sizes("conv_stride"))):
        if len(found) != len(widths) or not found:
            c.refuse(name, f"a list of {len(widths)}, one for each of conv_dim")
    norm = c.text("feat_extract_norm", "group", "layer")
    layers = []
    for place, (inputs, width, window) in enumerate(zip((1, *widths), widths, windows, strict=False)):
        after = layer_norm("layer_norm", width) if norm == "layer" else None
        if norm == "group" and place == 0:
            after = group_norm("layer_norm", width)
        layers.append(module("", convolution("conv", (window,), inputs, width, biased), after))
    return module("feature_extractor", numbered("conv_layers", layers))


def block(c: Settings) -> Module:
    width, wide = c.size("hidden_size"), c.size("intermediate_size")
    c.divided("hidden_size", "num_attention_heads")
    parts = (linear(part, width, width) for part in ("k_proj", "v_proj", "q_proj", "out_proj"))
    narrow = c.optional_size("adapter_attn_dim") if c.flag("do_stable_layer_norm") else None
    return module(
        "",
        module("attention", *parts),
        layer_norm("layer_norm", width),
        module("feed_forward", linear("intermediate_dense", width, wide), linear("output_dense", wide, width)),
        layer_norm("final_layer_norm", width),
        adapted("adapter_layer", width, narrow) if narrow else None,
    )


def adapted(name: str, width: int, narrow: int) -> Module:
    return module(name, layer_norm("norm", width), linear("linear_1", width, narrow), linear("linear_2", narrow, width))


def adapter(c: Settings) -> Module | None:
    """Return convolutions that make the sequence shorter, where there are any."""
    if not c.flag("add_adapter"):
        return None
    width, outputs, window = c.size("hidden_size"), output_width(c), c.size("adapter_kernel_size")
    changed = outputs != width
    shorter = module("", convolution("conv", (window,), outputs, 2 * outputs))
    return module(
        "adapter",
        linear("proj", width, outputs) if changed else None,
        layer_norm("proj_layer_norm", outputs) if changed else None,
        numbered("layers", [shorter] * c.depth("num_adapter_layers")),
    )


def output_width(c: Settings) -> int:
    width = c.size("hidden_size")
    return (c.optional_size("output_hidden_size") or width) if c.flag("add_adapter") else width


def body(c: Settings, name: str = "") -> Module:
    extractor, width, read = feature_extractor(c), c.size("hidden_size"), c.sizes("conv_dim")
    masked = c.number("mask_time_prob") > 0 or c.number("mask_feature_prob") > 0
    projection = (layer_norm("layer_norm", read[-1]), linear("projection", read[-1], width))
    blocks = numbered("layers", [block(c)] * c.depth("num_hidden_layers"))
    return model(
        name,
        initialisation(c),
        parameter("masked_spec_embed", (width,), uniform(0.0, 1.0)) if masked else None,
        extractor,
        module("feature_projection", *projection, kind="projection"),
        module("encoder", positions(c), layer_norm("layer_norm", width), blocks),
        adapter(c),
        kind="model",
        construction=("feature_extractor", "feature_projection"),
    )


def with_ctc(c: Settings) -> Module:
    """Return the model with scores of letters for every piece of sound."""
    letters = linear("lm_head", output_width(c), c.size("vocab_size"))
    return model("", initialisation(c), body(c, "wav2vec2"), letters)


def with_classes(c: Settings) -> Module:
    """Return the model with scores of classes for the whole, of its last layer or of all of them weighted."""
    if c.flag("add_adapter"):
        c.refuse("add_adapter", "false with the head sequence_classification")
    width, narrow, layers = c.size("hidden_size"), c.size("classifier_proj_size"), c.depth("num_hidden_layers") + 1
    weighted = c.flag("use_weighted_layer_sum")
    return model(
        "",
        initialisation(c),
        parameter("layer_weights", (layers,), constant(1 / layers)) if weighted else None,
        body(c, "wav2vec2"),
        linear("projector", width, narrow),
        linear("classifier", narrow, labels(c)),
    )


LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
NORMED = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
FAMILY = Family(
    model_type="wav2vec2",
    summary="Wav2Vec2: N(0, 0.02²), convolutions N(0, 2 / fan_in), the projection of sounds U(±1 / √fan_in).",
    references=("Baevski et al. 2020",),
    defaults=DEFAULTS,
    sizes={
        "base": {},
        "large": LARGE,
        "large_lv60": {**LARGE, **NORMED},
        "xls_r_1b": {
            **NORMED,
            "hidden_size": 1280,
            "num_hidden_layers": 48,
            "num_attention_heads": 16,
            "intermediate_size": 5120,
        },
    },
    heads={
        None: Head("Wav2Vec2Model", body),
        "ctc": Head("Wav2Vec2ForCTC", with_ctc),
        "sequence_classification": Head("Wav2Vec2ForSequenceClassification", with_classes),
    },
)
