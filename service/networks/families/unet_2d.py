"""U-Net of images alone, diffusers' UNet2DModel: as torch starts every layer."""

from service.networks.families.family import Family, Head
from service.networks.families.settings import Settings
from service.networks.families.tree import (
    Fill,
    Module,
    convolution,
    embedding,
    group_norm,
    module,
    normal,
    numbered,
    parameter,
)
from service.networks.families.unet_blocks import (
    WIDENED,
    Around,
    channels,
    classes,
    down_sizes,
    in_turn,
    own_attention,
    residual,
    resized,
    stage,
    time_embedding,
    types,
    up_sizes,
)

DEFAULTS = {
    "_class_name": "UNet2DModel",
    "in_channels": 3,
    "out_channels": 3,
    "time_embedding_type": "positional",
    "time_embedding_dim": None,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"],
    "mid_block_type": "UNetMidBlock2D",
    "up_block_types": ["AttnUpBlock2D", "AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [224, 448, 672, 896],
    "layers_per_block": 2,
    "downsample_type": "conv",
    "upsample_type": "conv",
    "act_fn": "silu",
    "attention_head_dim": 8,
    "norm_num_groups": 32,
    "attn_norm_num_groups": None,
    "norm_eps": 1e-5,
    "resnet_time_scale_shift": "default",
    "add_attention": True,
    "class_embed_type": None,
    "num_class_embeds": None,
    "num_train_timesteps": None,
}
DOWN = ("DownBlock2D", "AttnDownBlock2D")
UP = ("UpBlock2D", "AttnUpBlock2D")
SCALE = 16.0  # the deviation of the frequencies of a Fourier embedding


def time_projection(c: Settings, width: int) -> tuple[Module | None, int]:
    """Return what the time is projected to, and its width: waves of fixed or random lengths, or a table."""
    kind = c.text("time_embedding_type", "positional", "fourier", "learned")
    if kind == "positional":
        return None, width
    if kind == "learned":
        return embedding("time_proj", c.size("num_train_timesteps"), width), width
    weight = Module("weight", layer=parameter("", (width,)).layer, drawn=TWICE)
    return module("time_proj", weight), 2 * width


TWICE = (Fill("", "value", normal(1.0), lost=True), Fill("", "value", normal(SCALE)))


def attentions(c: Settings, kind: str, width: int, count: int) -> list[Module]:
    """Return a block's attentions, none where its type has none."""
    head = c.optional_size("attention_head_dim")
    if head is not None and head > width:
        c.refuse("attention_head_dim", f"an integer from 1 to {width}, or null")
    return [own_attention(width, head)] * count if kind.startswith("Attn") else []


def middle(c: Settings, width: int, around: Around) -> Module | None:
    if c.stated("mid_block_type") is None:
        return None
    c.text("mid_block_type", "UNetMidBlock2D")
    normed = "attn_norm_num_groups" in c or not around.scaled
    attention = own_attention(width, c.optional_size("attention_head_dim"), normed) if c.flag("add_attention") else None
    return in_turn("mid_block", [residual(width, width, around)] * 2, [attention] if attention else [])


def downwards(c: Settings, widths: tuple[int, ...], around: Around) -> list[Module]:
    """Return the stages on the way down, each but the last ending with what halves the image."""
    kinds, depth = types(c, "down_block_types", DOWN, len(widths)), c.depth("layers_per_block")
    smaller = c.text("downsample_type", "conv", "resnet")
    found = []
    for place, (kind, inputs, width) in enumerate(zip(kinds, (widths[0], *widths), widths, strict=False)):
        how = smaller if kind.startswith("Attn") else "conv"
        after = resized("downsamplers", width, around, how) if place < len(widths) - 1 else None
        found.append(stage(down_sizes(inputs, width, depth), around, attentions(c, kind, width, depth), after))
    return found


def upwards(c: Settings, widths: tuple[int, ...], around: Around) -> list[Module]:
    """Return the stages on the way up, each but the last ending with what doubles the image."""
    kinds, depth = types(c, "up_block_types", UP, len(widths)), c.depth("layers_per_block") + 1
    larger, up = c.text("upsample_type", "conv", "resnet"), widths[::-1]
    found = []
    for place, (kind, below, width) in enumerate(zip(kinds, (up[0], *up), up, strict=False)):
        beside = up[min(place + 1, len(up) - 1)]
        how = larger if kind.startswith("Attn") else "conv"
        after = resized("upsamplers", width, around, how) if place < len(up) - 1 else None
        found.append(stage(up_sizes(below, width, beside, depth), around, attentions(c, kind, width, depth), after))
    return found


def body(c: Settings) -> Module:
    c.text("_class_name", "UNet2DModel")
    widths = channels(c)
    time = c.optional_size("time_embedding_dim") or widths[0] * WIDENED
    scaled = c.text("resnet_time_scale_shift", "default", "scale_shift") == "scale_shift"
    around = Around(time, scaled, c.size("norm_num_groups"))
    if not c.depth("layers_per_block"):
        c.refuse("layers_per_block", "an integer from 1")
    waves, read = time_projection(c, widths[0])
    return module(
        "",
        convolution("conv_in", (3, 3), c.size("in_channels"), widths[0]),
        waves,
        time_embedding("time_embedding", read, time),
        classes(c, read, time, ("timestep", "identity")),
        numbered("down_blocks", downwards(c, widths, around)),
        numbered("up_blocks", upwards(c, widths, around)),
        middle(c, widths[-1], around),
        group_norm("conv_norm_out", widths[0]),
        convolution("conv_out", (3, 3), widths[0], c.size("out_channels")),
        construction=("conv_in", "time_proj", "time_embedding", "class_embedding", "down_blocks", "mid_block"),
    )


FAMILY = Family(
    model_type="unet_2d",
    library="diffusers",
    summary="Diffusion U-Net of images (diffusers' UNet2DModel): as torch starts every layer, U(±1 / √fan_in).",
    references=("Ho et al. 2020", "Ronneberger et al. 2015"),
    defaults=DEFAULTS,
    sizes={
        "ddpm_cifar10_32": {
            "sample_size": 32,
            "block_out_channels": [128, 256, 256, 256],
            "down_block_types": ["DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"],
            "attention_head_dim": None,
            "norm_eps": 1e-6,
        },
        "ddpm_celebahq_256": {
            "sample_size": 256,
            "block_out_channels": [128, 128, 256, 256, 512, 512],
            "down_block_types": [*["DownBlock2D"] * 4, "AttnDownBlock2D", "DownBlock2D"],
            "up_block_types": ["UpBlock2D", "AttnUpBlock2D", *["UpBlock2D"] * 4],
            "attention_head_dim": None,
            "norm_eps": 1e-6,
        },
    },
    heads={None: Head("UNet2DModel", body)},
)
