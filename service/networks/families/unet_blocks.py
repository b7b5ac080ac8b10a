"""Blocks of diffusion U-Nets as the diffusers library has them, with torch's own starts: there is no other.

Within a block residual layers and attention are constructed in turn, and are registered apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.networks.families.settings import Settings, is_list
from service.networks.families.tree import (
    Module,
    convolution,
    embedding,
    group_norm,
    layer_norm,
    linear,
    module,
    numbered,
)

WIDENED = 4  # the inner width of dense layers, and of what the time is embedded into


@dataclass(frozen=True, slots=True)
class Crossed:
    """How transformers look at a context: in how many heads, how wide it is, whether they look nowhere else."""

    heads: int
    context: int
    linear: bool
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What all residual layers of a model share: the width of the time, whether it scales, groups of norms."""

    time: int
    scaled: bool
    groups: int


def residual(inputs: int, outputs: int, around: Around) -> Module:
    shortcut = convolution("conv_shortcut", (1, 1), inputs, outputs) if inputs != outputs else None
    return module(
        "",
        group_norm("norm1", inputs),
        convolution("conv1", (3, 3), inputs, outputs),
        linear("time_emb_proj", around.time, 2 * outputs if around.scaled else outputs),
        group_norm("norm2", outputs),
        convolution("conv2", (3, 3), outputs, outputs),
        shortcut,
    )


def attention(name: str, width: int, inner: int, context: int, bias: bool, normed: bool = False) -> Module:
    return module(
        name,
        group_norm("group_norm", width) if normed else None,
        linear("to_q", width, inner, bias),
        linear("to_k", context, inner, bias),
        linear("to_v", context, inner, bias),
        numbered("to_out", [linear("", inner, width)]),
    )


def own_attention(width: int, head: int | None, normed: bool = True) -> Module:
    """Return attention of an image to itself, in heads of a width; all one head where it is None."""
    each = head or width
    return attention("", width, width // each * each, width, bias=True, normed=normed)


def transformer(width: int, depth: int, crossed: Crossed) -> Module:
    """Return blocks that look at the image, at the context, and think, between two projections."""
    inner = width // crossed.heads * crossed.heads
    wide = WIDENED * inner
    block = module(
        "",
        layer_norm("norm1", inner),
        attention("attn1", inner, inner, crossed.context if crossed.alone else inner, bias=False),
        layer_norm("norm2", inner),
        attention("attn2", inner, inner, crossed.context, bias=False),
        layer_norm("norm3", inner),
        module("ff", Module("net", (module("0", linear("proj", inner, 2 * wide)), linear("2", wide, inner)))),
    )

    def projection(name: str, inputs: int, outputs: int) -> Module:
        if crossed.linear:
            return linear(name, inputs, outputs)
        return convolution(name, (1, 1), inputs, outputs)

    blocks = numbered("transformer_blocks", [block] * depth)
    return module(
        "", group_norm("norm", width), projection("proj_in", width, inner), blocks, projection("proj_out", inner, width)
    )


def in_turn(
    name: str, residuals: Sequence[Module], attentions: Sequence[Module], after: Module | None = None
) -> Module:
    """Return a block: attentions, which are registered first, each constructed after a residual layer."""
    order = [f"{part}.{place}" for place in range(len(residuals)) for part in ("resnets", "attentions")]
    found = numbered("attentions", attentions) if attentions else None
    return module(name, found, numbered("resnets", residuals), after, construction=tuple(order))


def resized(name: str, width: int, around: Around, kind: str) -> Module:
    """Return what halves or doubles the image: a convolution, or a residual layer."""
    made = module("", convolution("conv", (3, 3), width, width)) if kind == "conv" else residual(width, width, around)
    return numbered(name, [made])


def stage(
    sizes: Sequence[tuple[int, int]], around: Around, attentions: Sequence[Module], after: Module | None
) -> Module:
    """Return a block of residual layers of these sizes, with attention after each of them or after none."""
    return in_turn("", [residual(*each, around) for each in sizes], attentions, after)


def down_sizes(inputs: int, outputs: int, depth: int) -> list[tuple[int, int]]:
    return [(inputs if place == 0 else outputs, outputs) for place in range(depth)]


def up_sizes(below: int, outputs: int, beside: int, depth: int) -> list[tuple[int, int]]:
    """Return sizes of layers that read the one before, and what was kept on the way down."""
    return [
        ((below if place == 0 else outputs) + (beside if place == depth - 1 else outputs), outputs)
        for place in range(depth)
    ]


def time_embedding(name: str, inputs: int, time: int, condition: int | None = None) -> Module:
    return module(
        name,
        linear("linear_1", inputs, time),
        linear("cond_proj", condition, inputs, bias=False) if condition else None,
        linear("linear_2", time, time),
    )


def classes(c: Settings, inputs: int, time: int, known: Sequence[str]) -> Module | None:
    """Return what embeds a class: a table, or what embeds a number as the time is embedded."""
    kind = None if c.stated("class_embed_type") is None else c.text("class_embed_type", *known)
    if kind is None and "num_class_embeds" in c:
        return embedding("class_embedding", c.size("num_class_embeds"), time)
    if kind == "timestep":
        return time_embedding("class_embedding", inputs, time)
    if kind == "projection":
        return time_embedding("class_embedding", c.size("projection_class_embeddings_input_dim"), time)
    if kind == "simple_projection":
        return linear("class_embedding", c.size("projection_class_embeddings_input_dim"), time)
    return None


def types(c: Settings, name: str, known: Sequence[str], count: int) -> list[str]:
    """Return the types of blocks, one a stage."""
    stated = c.stated(name)
    if not is_list(stated) or len(stated) != count or not all(each in known for each in stated):
        c.refuse(name, f"a list of {count}, one for each of block_out_channels, of {', '.join(known)}")
    return list(stated)


def channels(c: Settings) -> tuple[int, ...]:
    """Return the width of each stage, which groups of norms divide."""
    widths, groups = c.sizes("block_out_channels"), c.size("norm_num_groups")
    if not widths or any(width % groups for width in widths):
        c.refuse("block_out_channels", f"a list of multiples of norm_num_groups, {groups}")
    return widths
