"""Normalisations: told by what stands beside them, or by their name."""

from service.networks.layers.listed import Taken
from service.networks.telling.module import UNKNOWN_START, Module, group, layer_of, unbiased
from service.networks.telling.told import Doubt, Group
from service.networks.telling.words import AFFINE, is_norm, is_slope

MEAN_AND_VARIANCE = "a running mean and variance stand beside it"
ZERO = "this model's normalisations multiply by 1 + scale, so that the scale starts at 0"
MAYBE_ZERO = Doubt(
    UNKNOWN_START,
    "the scale of a normalisation, which starts at 1 here; in models that multiply by 1 + scale, as some of this shape "
    "do, it starts at 0",
)

MAYBE_SLOPE = Doubt(
    UNKNOWN_START,
    "a weight of one axis alone, in a module that no name tells: of a normalisation, or slopes of a PReLU",
)


def normalisation(module: Module, scale: str, shift: str, statistics: tuple[str, str]) -> Group | None:
    """Return a batch normalisation, or one of a single axis."""
    shape = module.shapes.get(scale, ())
    if set(statistics) <= module.shapes.keys():
        return batch_norm(module, scale, shift, statistics)
    if len(shape) != 1:
        return None
    alone = shift not in module.shapes
    if alone and not is_norm(module) and (module.words & AFFINE or is_slope(module.words) or shape == (1,)):
        return None
    return scale_of_norm(module, scale, shift)


def batch_norm(module: Module, scale: str, shift: str, statistics: tuple[str, str]) -> Group | None:
    shape = module.shapes.get(scale, ())
    names = arrays_as(module, "batch_norm", scale, shift) | shown_as(module, statistics)
    layer = layer_of("batch_norm", shape=list(shape), **unbiased(shift in module.shapes)) if shape else None
    kept = Taken("running statistic", "a mean or a variance that a batch normalisation keeps")
    norm = Taken("norm", MEAN_AND_VARIANCE)
    mean, variance = KEPT[module.layout]
    return group(module, layer, {mean: kept, variance: kept, "": norm}, names)


SCALES = {"keras": ("gamma", "beta"), "pytorch": ("weight", "bias"), "flax": ("scale", "bias")}
KEPT = {
    "keras": ("moving_mean", "moving_variance"),
    "pytorch": ("running_mean", "running_var"),
    "flax": ("mean", "var"),
}


def arrays_as(module: Module, kind: str, scale: str, shift: str) -> dict[str, str]:
    """Return the listing's names of a scale and a shift, by those that the layout has for them."""
    usual = ("scale", "bias") if kind == "rms_norm" and module.layout == "keras" else SCALES[module.layout]
    return {name: own for name, own in zip(usual, (scale, shift), strict=True) if name != own}


def shown_as(module: Module, statistics: tuple[str, str]) -> dict[str, str]:
    return {name: own for name, own in zip(KEPT[module.layout], statistics, strict=True) if name != own}


def scale_of_norm(module: Module, scale: str, shift: str) -> Group | None:
    """Return a normalisation that keeps no statistics, over one axis or several."""
    shape, biased = module.shapes[scale], shift in module.shapes
    kind = kind_of_norm(module, biased, len(shape))
    if is_norm(module):
        why = f"in a module called {module.own}"
    elif biased:
        why = f"{scale} and {shift} of one axis and one length"
    else:
        why = f"a {scale} of one axis, alone in its module"
    doubt, members = None, {}
    if kind == "rms_norm" and module.evidence.zero_norms:
        members, why = {"scheme": "zeros"}, ZERO
    elif kind == "rms_norm" and module.evidence.zero_norms is None:
        doubt = MAYBE_ZERO
    elif not biased and not is_norm(module) and module.layout == "pytorch":
        doubt = MAYBE_SLOPE
    layer = layer_of(kind, shape=list(shape), **members, **({} if kind == "rms_norm" else unbiased(biased)))
    because = ZERO if members else None
    return group(module, layer, {"": Taken("norm", why)}, arrays_as(module, kind, scale, shift), because, doubt)


def kind_of_norm(module: Module, biased: bool, axes: int) -> str:
    if not biased:
        return "rms_norm"
    if axes == 1 and ("group" in module.own or "gn" in module.words):
        return "group_norm"
    if axes == 1 and "instance" in module.own:
        return "instance_norm"
    return "layer_norm"
