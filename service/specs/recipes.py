"""Recipes: published models and ways to start them, as layers and rules that a spec could state itself.

A recipe is a function of its size's numbers. To add one, write it and its row in RECIPES. Layer names are those of the
transformers library's models where there is one, so that a PyTorch answer loads into the real model as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Layer: TypeAlias = dict[str, Any]
Rule: TypeAlias = dict[str, Any]
Model: TypeAlias = tuple[list[Layer], list[Rule]]


def rule(match: str, scheme: str, **parameters: Any) -> Rule:
    return {"match": match, "scheme": {"name": scheme, **parameters}}


def dense(name: str, inputs: int, outputs: int, **more: Any) -> Layer:
    return {"name": name, "type": "dense", "shape": [inputs, outputs], **more}


def norm(name: str, width: int) -> Layer:
    return {"name": name, "type": "layer_norm", "shape": [width]}


def table(name: str, rows: int, width: int, **more: Any) -> Layer:
    return {"name": name, "type": "embedding", "shape": [rows, width], **more}


def gpt2(width: int, depth: int) -> Model:
    """GPT-2, as transformers' GPT2Model: N(0, 0.02²), narrowed by √(2 depth) where a block writes to the stream."""

    def conv(name: str, inputs: int, outputs: int) -> Layer:
        return {"name": name, "type": "transformers_conv1d", "shape": [inputs, outputs]}

    layers = [table("wte", 50257, width), table("wpe", 1024, width)]
    for i in range(depth):
        layers += [norm(f"h.{i}.ln_1", width), conv(f"h.{i}.attn.c_attn", width, 3 * width)]
        layers += [conv(f"h.{i}.attn.c_proj", width, width), norm(f"h.{i}.ln_2", width)]
        layers += [conv(f"h.{i}.mlp.c_fc", width, 4 * width), conv(f"h.{i}.mlp.c_proj", 4 * width, width)]
    rules = [rule("*/kernel", "random_normal", stddev=0.02), rule("*/embeddings", "random_normal", stddev=0.02)]
    return [*layers, norm("ln_f", width)], [*rules, rule("*.c_proj/kernel", "residual_normal", layers=depth)]


def bert(width: int, depth: int) -> Model:
    """BERT, as transformers' BertModel: N(0, 0.02²), the padding token's row at 0."""
    layers = [
        table("embeddings.word_embeddings", 30522, width, padding_index=0),
        table("embeddings.position_embeddings", 512, width),
        table("embeddings.token_type_embeddings", 2, width),
        norm("embeddings.LayerNorm", width),
    ]
    for i in range(depth):
        at = f"encoder.layer.{i}"
        layers += [dense(f"{at}.attention.self.{part}", width, width) for part in ("query", "key", "value")]
        layers += [dense(f"{at}.attention.output.dense", width, width), norm(f"{at}.attention.output.LayerNorm", width)]
        layers += [dense(f"{at}.intermediate.dense", width, 4 * width), dense(f"{at}.output.dense", 4 * width, width)]
        layers += [norm(f"{at}.output.LayerNorm", width)]
    rules = [rule("*/kernel", "random_normal", stddev=0.02), rule("*/embeddings", "random_normal", stddev=0.02)]
    return [*layers, dense("pooler.dense", width, width)], rules


def t5(width: int, depth: int, heads: int) -> Model:
    """T5 1.0, as transformers' T5Model (its tied tables left out): each kernel scaled by what it reads."""
    inner, wide = 64 * heads, 4 * width

    def attention(at: str, first: bool) -> list[Layer]:
        found = [dense(f"{at}.{part}", width, inner, bias=None) for part in ("q", "k", "v")]
        found += [dense(f"{at}.o", inner, width, bias=None)]
        return [*found, table(f"{at}.relative_attention_bias", 32, heads)] if first else found

    def rms(name: str) -> Layer:
        return {"name": name, "type": "rms_norm", "shape": [width]}

    layers = [table("shared", 32128, width)]
    for stack, cross in (("encoder", False), ("decoder", True)):
        for i in range(depth):
            at = f"{stack}.block.{i}.layer"
            layers += [*attention(f"{at}.0.SelfAttention", i == 0), rms(f"{at}.0.layer_norm")]
            if cross:
                layers += [*attention(f"{at}.1.EncDecAttention", False), rms(f"{at}.1.layer_norm")]
            last = f"{at}.{2 if cross else 1}"
            layers += [dense(f"{last}.DenseReluDense.wi", width, wide, bias=None)]
            layers += [dense(f"{last}.DenseReluDense.wo", wide, width, bias=None), rms(f"{last}.layer_norm")]
        layers += [rms(f"{stack}.final_layer_norm")]
    rules = [
        rule("*/kernel", "random_normal", stddev=width**-0.5),
        rule("*Attention.q/kernel", "random_normal", stddev=(64 * width) ** -0.5),
        rule("*Attention.o/kernel", "random_normal", stddev=inner**-0.5),
        rule("*.wo/kernel", "random_normal", stddev=wide**-0.5),
        rule("shared/embeddings", "random_normal", stddev=1.0),
        rule("*.relative_attention_bias/embeddings", "random_normal", stddev=width**-0.5),
    ]
    return layers, rules


def vit(width: int, depth: int) -> Model:
    """ViT on patches of 16 of an image of 224, as transformers' ViTModel: N(0, 0.02²) cut at ±2 absolute."""
    layers: list[Layer] = [
        {"name": "embeddings.cls_token", "type": "tensor", "shape": [1, 1, width], "bare": True},
        {"name": "embeddings.position_embeddings", "type": "tensor", "shape": [1, 197, width], "bare": True},
        {"name": "embeddings.patch_embeddings.projection", "type": "conv2d", "shape": [16, 16, 3, width]},
    ]
    for i in range(depth):
        at = f"layers.{i}"
        layers += [dense(f"{at}.attention.{part}_proj", width, width) for part in ("q", "k", "v", "o")]
        layers += [norm(f"{at}.layernorm_before", width), norm(f"{at}.layernorm_after", width)]
        layers += [dense(f"{at}.mlp.fc1", width, 4 * width), dense(f"{at}.mlp.fc2", 4 * width, width)]
    rules = [rule(match, "bounded_normal", stddev=0.02) for match in ("*/kernel", "embeddings.*/value")]
    return [*layers, norm("layernorm", width), dense("pooler.dense", width, width)], rules


def blocks(width: int, depth: int, heads: int, norms: bool = True, **more: Any) -> Iterator[Layer]:
    """Yield an embedding and the blocks of a transformer: attention, then two dense layers."""
    yield table("embedding", 32000, width)
    for i in range(depth):
        if norms:
            yield norm(f"block_{i}.norm_1", width)
        shape = [width, heads, width // heads]
        yield {"name": f"block_{i}.attention", "type": "multi_head_attention", "shape": shape, "fused": False}
        if norms:
            yield norm(f"block_{i}.norm_2", width)
        yield dense(f"block_{i}.mlp_in", width, 4 * width, activation="gelu", **more)
        yield dense(f"block_{i}.mlp_out", 4 * width, width, **more)


OUTPUTS = ("*attention_output/kernel", "*.mlp_out/kernel")  # what a block writes to the stream


def megatron(width: int, depth: int, heads: int) -> Model:
    """Megatron-LM: N(0, 0.02²), outputs of blocks narrowed by √(2 depth)."""
    rules = [rule("*/kernel", "random_normal", stddev=0.02), rule("*/embeddings", "random_normal", stddev=0.02)]
    return list(blocks(width, depth, heads)), rules + [rule(m, "residual_normal", layers=depth) for m in OUTPUTS]


def deepnorm(width: int, depth: int, heads: int) -> Model:
    """DeepNorm (one stack): Xavier normal, values, outputs and dense layers with gain (8 depth)^-1/4.

    The residual is to be multiplied by (2 depth)^1/4 in the model itself.
    """
    narrowed = [rule(m, "torch:xavier_normal", scale=(8.0 * depth) ** -0.5) for m in ("*value/kernel", *OUTPUTS)]
    narrowed += [rule("*.mlp_in/kernel", "torch:xavier_normal", scale=(8.0 * depth) ** -0.5)]
    return list(blocks(width, depth, heads)), [rule("*/kernel", "torch:xavier_normal"), *narrowed]


def t_fixup(width: int, depth: int, heads: int) -> Model:
    """T-Fixup (encoder): no normalisation, no warm-up; Xavier, narrowed by 0.67 depth^-1/4, values by √2 less."""
    narrow = (0.67 * depth**-0.25) ** 2
    rules = [
        rule("*/kernel", "torch:xavier_uniform"),
        rule("*/embeddings", "random_normal", stddev=width**-0.5 * (9.0 * depth) ** -0.25),
        *(rule(m, "torch:xavier_uniform", scale=narrow) for m in (*OUTPUTS, "*.mlp_in/kernel")),
        rule("*value/kernel", "torch:xavier_uniform", scale=2.0 * narrow),
    ]
    return list(blocks(width, depth, heads, norms=False)), rules


def mup(width: int, depth: int, heads: int) -> Model:
    """Maximal update parametrisation from width 256: hidden variance as 1 / width, the output layer's as its square."""
    layers = [*blocks(width, depth, heads), dense("readout", width, 32000, bias=None)]
    rules = [rule("*/kernel", "mup_normal", base=256), rule("*.mlp_out/kernel", "mup_normal", base=1024)]
    rules += [
        rule("*/embeddings", "random_normal", stddev=0.02),
        rule("readout/kernel", "mup_normal", base=256, output=True),
    ]
    return layers, rules


def lora(width: int, depth: int, heads: int) -> Model:
    """LoRA of rank 8 beside a transformer's dense layers: A by He's uniform, B at 0."""
    return list(blocks(width, depth, heads, lora_rank=8)), []


def fixup(depth: int, outputs: int) -> Model:
    """Fixup: residual blocks of two convolutions, no normalisation: the first narrowed by depth^-1/2, the last at 0."""
    layers: list[Layer] = [
        {"name": "stem", "type": "conv2d", "shape": [3, 3, 3, 16], "bias": None, "activation": "relu"}
    ]
    total, inputs = 3 * depth, 16
    for stage, width in enumerate((16, 32, 64)):
        for i in range(depth):
            at = f"stage_{stage}.block_{i}"
            more = {"type": "conv2d", "bias": None, "activation": "relu"}
            layers += [{"name": f"{at}.conv_1", "shape": [3, 3, inputs, width], **more}]
            layers += [{"name": f"{at}.conv_2", "shape": [3, 3, width, width], **more}]
            inputs = width
    he = {"mode": "fan_out", "distribution": "untruncated_normal"}
    rules = [rule("*/kernel", "variance_scaling", scale=2.0, **he)]
    rules += [rule("*.conv_1/kernel", "variance_scaling", scale=2.0 / total, **he)]
    rules += [rule("*.conv_2/kernel", "zeros"), rule("classifier/*", "zeros")]
    return [*layers, dense("classifier", inputs, outputs)], rules


@dataclass(frozen=True, slots=True)
class Recipe:
    """`sizes` are the arguments of `build` by name; the first one is taken where a spec names none."""

    build: Callable[..., Model]
    sizes: Mapping[str, tuple[int, ...]]
    references: tuple[str, ...]


STACKS = {"small": (512, 6, 8), "base": (768, 12, 12), "large": (1024, 24, 16)}  # width, depth, heads

RECIPES: dict[str, Recipe] = {
    "gpt2": Recipe(
        gpt2,
        {"small": (768, 12), "medium": (1024, 24), "large": (1280, 36), "xl": (1600, 48)},
        ("Radford et al. 2019",),
    ),
    "bert": Recipe(bert, {"base": (768, 12), "large": (1024, 24)}, ("Devlin et al. 2018",)),
    "t5": Recipe(t5, {"small": (512, 6, 8), "base": (768, 12, 12), "large": (1024, 24, 16)}, ("Raffel et al. 2020",)),
    "vit": Recipe(vit, {"base": (768, 12), "large": (1024, 24)}, ("Dosovitskiy et al. 2021",)),
    "megatron": Recipe(megatron, STACKS, ("Shoeybi et al. 2019",)),
    "deepnorm": Recipe(deepnorm, STACKS, ("Wang et al. 2022",)),
    "t_fixup": Recipe(t_fixup, STACKS, ("Huang et al. 2020",)),
    "mup": Recipe(mup, STACKS, ("Yang et al. 2022",)),
    "lora": Recipe(lora, STACKS, ("Hu et al. 2021",)),
    "fixup": Recipe(fixup, {"small": (3, 10), "base": (18, 10)}, ("Zhang et al. 2019",)),
}


def expand(name: str, size: str | None) -> Model:
    """Return the layers and rules of a recipe; `size` None is its first. Each rule says where it comes from."""
    recipe = RECIPES[name]
    layers, rules = recipe.build(*recipe.sizes[size or next(iter(recipe.sizes))])
    because = f"the recipe {name}: {', '.join(recipe.references)}"
    return layers, [{**each, "because": because} for each in rules]
