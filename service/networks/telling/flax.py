"""Which layer a module of Flax is: a table of rules, by the paths of a tree's leaves and their shapes."""

from service.networks.layers.listed import Taken
from service.networks.telling.bare import taken_by
from service.networks.telling.channels_last import (
    attention,
    convolution,
    dense,
    doubtful_kernel,
    einsum,
    embedding,
    stack,
)
from service.networks.telling.module import Module, Rule, group, layer_of
from service.networks.telling.norms import normalisation, scale_of_norm
from service.networks.telling.recurrent import flax_recurrent
from service.networks.telling.told import Group
from service.networks.telling.words import is_norm


def norm(module: Module) -> Group | None:
    return normalisation(module, "scale", "bias", ("mean", "var"))


def norm_of_axes(module: Module) -> Group | None:
    """Return a normalisation over several axes, or of a stack of layers: by its name."""
    several = len(module.shapes.get("scale", ())) > 1
    return scale_of_norm(module, "scale", "bias") if several and is_norm(module) else None


def slope(module: Module) -> Group | None:
    layer = layer_of("prelu", shape=[1]) if "negative_slope" in module.shapes else None
    return group(module, layer, {"": Taken("slope", "negative_slope: the slope of a PReLU")})


RULES: tuple[Rule, ...] = (
    flax_recurrent,
    lambda module: attention(module, "out"),
    norm,
    norm_of_axes,
    slope,
    lambda module: embedding(module, "embedding"),
    dense,
    stack,
    einsum,
    convolution,
    doubtful_kernel,
)


def groups_of(module: Module) -> list[Group]:
    """Return the layers that a module's leaves come to; every leaf is in one of them."""
    return taken_by(RULES, module)
