"""Recipes: published models and ways to start them, as layers and rules that a spec could state itself.

Published models are families (service/networks/families). A way to start a network of any kind is a function of its
size's numbers: to add one, write it and its row in STARTS.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from inspect import getdoc
from typing import Any, NamedTuple, TypeAlias

from service.networks.families import FAMILIES
from service.networks.families.engine import Step
from service.networks.families.family import Family

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
class Start:
    """`sizes` are the arguments of `build` by name; the first one is taken where a spec names none."""

    build: Callable[..., Model]
    sizes: Mapping[str, tuple[int, ...]]
    references: tuple[str, ...]

    @property
    def summary(self) -> str:
        return (getdoc(self.build) or "").partition("\n\n")[0].replace("\n", " ")


STACKS = {"small": (512, 6, 8), "base": (768, 12, 12), "large": (1024, 24, 16)}  # width, depth, heads

STARTS: Mapping[str, Start] = {
    "megatron": Start(megatron, STACKS, ("Shoeybi et al. 2019",)),
    "deepnorm": Start(deepnorm, STACKS, ("Wang et al. 2022",)),
    "t_fixup": Start(t_fixup, STACKS, ("Huang et al. 2020",)),
    "mup": Start(mup, STACKS, ("Yang et al. 2022",)),
    "lora": Start(lora, STACKS, ("Hu et al. 2021",)),
    "fixup": Start(fixup, {"small": (3, 10), "base": (18, 10)}, ("Zhang et al. 2019",)),
}
RECIPES: dict[str, Start | Family] = {**FAMILIES, **STARTS}


class Named(NamedTuple):
    """A recipe as a spec names it; `config` is its JSON text."""

    recipe: str
    size: str | None = None
    config: str | None = None
    head: str | None = None

    @property
    def settings(self) -> Any:
        return None if self.config is None else json.loads(self.config)


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a recipe comes to: layers, and rules, each of which says where it comes from.

    Of a published model, `because` is the reason for what its layers state, `steps` are what torch does to make it, and
    `tied` leads from arrays that are another one to that, by their names in the PyTorch layout. `misspelt` are members
    of its config from which nothing is read, and what was meant by each.
    """

    layers: Sequence[Layer]
    rules: Sequence[Rule] = ()
    because: str | None = None
    steps: Sequence[Step] = ()
    tied: Mapping[str, str] = field(default_factory=dict)
    misspelt: Mapping[str, str] = field(default_factory=dict)

    @property
    def tied_layers(self) -> set[str]:
        """The names of layers whose weights are another's."""
        return {name.removesuffix(".weight") for name in self.tied if name.endswith(".weight")}


@lru_cache(maxsize=8)
def expand(named: Named) -> Expanded:
    """Return what a recipe comes to; raises InvalidSpec, pointing into the config, for a model that cannot be."""
    recipe = RECIPES[named.recipe]
    because = f"the recipe {named.recipe}: {', '.join(recipe.references)}"
    if isinstance(recipe, Start):
        layers, rules = recipe.build(*recipe.sizes[named.size or next(iter(recipe.sizes))])
        return Expanded(layers, [{**each, "because": because} for each in rules])
    model = recipe.model(named.size, named.settings, named.head)
    misspelt = recipe.misspelt(named.settings or {})
    return Expanded(model.layers, because=because, steps=model.steps, tied=model.tied, misspelt=misspelt)
