"""U-Net of images under a text, diffusers' UNet2DConditionModel (Stable Diffusion): as torch starts every layer."""

from typing import Any

from service.networks.families.family import Family, Head
from service.networks.families.settings import Settings, is_integer, is_list
from service.networks.families.tree import Module, convolution, group_norm, linear, module, normal, numbered, parameter
from service.networks.families.unet_blocks import (
    WIDENED,
    Around,
    Crossed,
    channels,
    classes,
    down_sizes,
    in_turn,
    own_attention,
    residual,
    resized,
    stage,
    time_embedding,
    transformer,
    types,
    up_sizes,
)

DEFAULTS = {
    "_class_name": "UNet2DConditionModel",
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
    "only_cross_attention": False,
    "block_out_channels": [320, 640, 1280, 1280],
    "layers_per_block": 2,
    "act_fn": "silu",
    "norm_num_groups": 32,
    "norm_eps": 1e-5,
    "cross_attention_dim": 1280,
    "transformer_layers_per_block": 1,
    "reverse_transformer_layers_per_block": None,
    "encoder_hid_dim": None,
    "encoder_hid_dim_type": None,
    "attention_head_dim": 8,
    "dual_cross_attention": False,
    "use_linear_projection": False,
    "class_embed_type": None,
    "addition_embed_type": None,
    "addition_time_embed_dim": None,
    "num_class_embeds": None,
    "resnet_time_scale_shift": "default",
    "time_embedding_type": "positional",
    "time_embedding_dim": None,
    "time_cond_proj_dim": None,
    "conv_in_kernel": 3,
    "conv_out_kernel": 3,
    "projection_class_embeddings_input_dim": None,
    "attention_type": "default",
    "class_embeddings_concat": False,
}
DOWN = ("DownBlock2D", "AttnDownBlock2D", "CrossAttnDownBlock2D")
UP = ("UpBlock2D", "AttnUpBlock2D", "CrossAttnUpBlock2D")
CLASSES = ("timestep", "identity", "projection", "simple_projection")


def each(c: Settings, name: str, count: int) -> list[int]:
    """Return a size for every stage; one number is all of them."""
    if not is_list(c.stated(name)):
        return [c.size(name)] * count
    sizes = c.sizes(name)
    if len(sizes) != count:
        c.refuse(name, f"an integer from 1, or a list of {count}, one for each of block_out_channels")
    return list(sizes)


def depths(c: Settings, name: str, counts: list[int]) -> list[tuple[int, ...]]:
    """Return the numbers of blocks of each transformer of every stage, of which there are so many."""
    stated: Any = c.stated(name)
    by_stage = stated if is_list(stated) else [stated] * len(counts)
    found = [tuple(one) if is_list(one) else (one,) * count for one, count in zip(by_stage, counts, strict=False)]
    if len(by_stage) != len(counts) or not all(
        len(one) >= count and all(is_integer(number) and 1 <= number <= 4096 for number in one)
        for one, count in zip(found, counts, strict=True)
    ):
        c.refuse(name, f"an integer from 1, or a list of {len(counts)}, one for each of block_out_channels")
    return [one[:count] for one, count in zip(found, counts, strict=True)]


class Stages:
    """What a config says of every stage, from the first on the way down."""

    def __init__(self, c: Settings, around: Around) -> None:
        self.config, self.around, self.widths = c, around, channels(c)
        count = len(self.widths)
        self.layers = each(c, "layers_per_block", count)
        self.heads = each(c, "attention_head_dim", count)  # which is their number, whatever it is called
        self.contexts = each(c, "cross_attention_dim", count)
        self.alone = only_context(c, count)
        if any(heads > width for heads, width in zip(self.heads, self.widths, strict=True)):
            c.refuse("attention_head_dim", "numbers of heads of at most block_out_channels")

    def attentions(self, kind: str, place: int, depths_of: tuple[int, ...]) -> list[Module]:
        """Return a stage's attentions: to the text, in transformers of so many blocks; to itself; or none."""
        width, heads = self.widths[place], self.heads[place]
        if kind.startswith("Cross"):
            crossed = Crossed(heads, self.contexts[place], self.config.flag("use_linear_projection"), self.alone[place])
            return [transformer(width, depth, crossed) for depth in depths_of]
        return [own_attention(width, heads)] * len(depths_of) if kind.startswith("Attn") else []

    def downwards(self) -> list[Module]:
        """Return the stages on the way down, each but the last ending with what halves the image."""
        last = len(self.widths) - 1
        kinds = types(self.config, "down_block_types", DOWN, last + 1)
        blocks = depths(self.config, "transformer_layers_per_block", self.layers)
        found = []
        for place, (kind, inputs, width) in enumerate(
            zip(kinds, (self.widths[0], *self.widths), self.widths, strict=False)
        ):
            after = resized("downsamplers", width, self.around, "conv") if place < last else None
            sizes = down_sizes(inputs, width, self.layers[place])
            found.append(stage(sizes, self.around, self.attentions(kind, place, blocks[place]), after))
        return found

    def upwards(self) -> list[Module]:
        """Return the stages on the way up, each but the last ending with what doubles the image."""
        last, up = len(self.widths) - 1, self.widths[::-1]
        kinds = types(self.config, "up_block_types", UP, last + 1)
        counts = [count + 1 for count in self.layers[::-1]]
        if "reverse_transformer_layers_per_block" in self.config:
            blocks = depths(self.config, "reverse_transformer_layers_per_block", counts)
        else:
            blocks = depths(self.config, "transformer_layers_per_block", counts[::-1])[::-1]
        found = []
        for place, (kind, below, width) in enumerate(zip(kinds, (up[0], *up), up, strict=False)):
            after = resized("upsamplers", width, self.around, "conv") if place < last else None
            sizes = up_sizes(below, width, up[min(place + 1, last)], counts[place])
            found.append(stage(sizes, self.around, self.attentions(kind, last - place, blocks[place]), after))
        return found

    def middle(self) -> Module | None:
        if self.config.stated("mid_block_type") is None:
            return None
        kind = self.config.text("mid_block_type", "UNetMidBlock2DCrossAttn", "UNetMidBlock2D")
        width = self.widths[-1]
        if kind == "UNetMidBlock2D":
            return in_turn("mid_block", [residual(width, width, self.around)], [])
        (*_, last) = depths(self.config, "transformer_layers_per_block", [1] * len(self.widths))
        crossed = Crossed(self.heads[-1], self.contexts[-1], self.config.flag("use_linear_projection"))
        between = transformer(width, last[0], crossed)
        return in_turn("mid_block", [residual(width, width, self.around)] * 2, [between])


def only_context(c: Settings, count: int) -> list[bool]:
    """Return for every stage whether its transformers look at the context alone."""
    stated: Any = c.stated("only_cross_attention")
    found = list(stated) if is_list(stated) else [stated] * count
    if len(found) != count or not all(isinstance(one, bool) for one in found):
        c.refuse("only_cross_attention", f"true or false, or a list of {count}, one for each of block_out_channels")
    return found


def text_projection(c: Settings) -> Module | None:
    """Return what brings a text's states to the width that stages look at, where there is any."""
    if "encoder_hid_dim" not in c and "encoder_hid_dim_type" not in c:
        return None
    if "encoder_hid_dim_type" in c:
        c.text("encoder_hid_dim_type", "text_proj")
    return linear("encoder_hid_proj", c.size("encoder_hid_dim"), c.size("cross_attention_dim"))


def body(c: Settings) -> Module:
    refuse_others(c)
    width = channels(c)[0]
    fourier = c.text("time_embedding_type", "positional", "fourier") == "fourier"
    time = c.optional_size("time_embedding_dim") or width * (2 if fourier else WIDENED)
    if fourier and time % 2:
        c.refuse("time_embedding_dim", "an even integer from 2")
    read = time if fourier else width
    told = 2 * time if c.flag("class_embeddings_concat") else time
    scaled = c.text("resnet_time_scale_shift", "default", "scale_shift") == "scale_shift"
    stages = Stages(c, Around(told, scaled, c.size("norm_num_groups")))
    given, drawn = c.size("conv_in_kernel"), c.size("conv_out_kernel")
    added = "addition_embed_type" in c
    return module(
        "",
        convolution("conv_in", (given, given), c.size("in_channels"), width),
        module("time_proj", parameter("weight", (time // 2,), normal(1.0))) if fourier else None,
        time_embedding("time_embedding", read, time, c.optional_size("time_cond_proj_dim")),
        text_projection(c),
        classes(c, read, time, CLASSES),
        time_embedding("add_embedding", c.size("projection_class_embeddings_input_dim"), time) if added else None,
        numbered("down_blocks", stages.downwards()),
        numbered("up_blocks", stages.upwards()),
        stages.middle(),
        group_norm("conv_norm_out", width),
        convolution("conv_out", (drawn, drawn), width, c.size("out_channels")),
        construction=(*BEFORE, "down_blocks", "mid_block"),
    )


BEFORE = ("conv_in", "time_proj", "time_embedding", "encoder_hid_proj", "class_embedding", "add_embedding")


def refuse_others(c: Settings) -> None:
    """Refuse what the library builds otherwise than any published model here is built."""
    c.text("_class_name", "UNet2DConditionModel")
    c.text("attention_type", "default")
    if "addition_embed_type" in c:
        c.text("addition_embed_type", "text_time")
    if c.flag("dual_cross_attention"):
        c.refuse("dual_cross_attention", "false")


SDXL = {
    "sample_size": 128,
    "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10],
    "attention_head_dim": [5, 10, 20],
    "cross_attention_dim": 2048,
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
FAMILY = Family(
    model_type="unet_2d_condition",
    library="diffusers",
    summary="Diffusion U-Net under a text (diffusers' UNet2DConditionModel): as torch starts every layer.",
    references=("Rombach et al. 2022", "Podell et al. 2023"),
    defaults=DEFAULTS,
    sizes={
        "sd_1_5": {"sample_size": 64, "cross_attention_dim": 768},
        "sd_2_1": {
            "sample_size": 96,
            "cross_attention_dim": 1024,
            "attention_head_dim": [5, 10, 20, 20],
            "use_linear_projection": True,
        },
        "sdxl": SDXL,
    },
    heads={None: Head("UNet2DConditionModel", body)},
)
