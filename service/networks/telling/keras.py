"""Which layer a module of Keras is: a table of rules, by the paths of its variables and their shapes."""

import re
from dataclasses import replace

from service.networks.layers.listed import Taken
from service.networks.telling.bare import taken_by
from service.networks.telling.channels_last import (
    BIAS,
    attention,
    convolution,
    dense,
    doubtful_kernel,
    einsum,
    embedding,
    stack,
)
from service.networks.telling.module import Module, Rule, arrays_of, group, layer_of, unbiased
from service.networks.telling.norms import normalisation, scale_of_norm
from service.networks.telling.recurrent import keras_recurrent
from service.networks.telling.told import Group
from service.networks.telling.words import AFFINE

TAG = ":0"  # after a variable's name, in TensorFlow's and Keras 2's files
NUMBERED = re.compile(r"(_\d+)?$")
STATISTICS = ("moving_mean", "moving_variance")
# What a .weights.h5 file numbers, by the class that a layer is called by there.
VARIABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("separable_conv", ("depthwise_kernel", "pointwise_kernel", "bias")),
    ("batch_normalization", ("gamma", "beta", *STATISTICS)),
    ("normalization", ("gamma", "beta")),
    ("embedding", ("embeddings",)),
    ("cell", ("kernel", "recurrent_kernel", "bias")),
    ("p_re_lu", ("alpha",)),
    ("prelu", ("alpha",)),
)


def norm(module: Module) -> Group | None:
    return normalisation(module, "gamma", "beta", STATISTICS)


def rms_norm(module: Module) -> Group | None:
    if len(module.shapes.get("scale", ())) != 1 or "bias" in module.shapes or module.words & AFFINE:
        return None
    return scale_of_norm(module, "scale", "bias")


def slope(module: Module) -> Group | None:
    if "alpha" not in module.shapes or not {"prelu", "re"} & module.words:
        return None
    layer = layer_of("prelu", shape=list(module.shapes["alpha"]))
    return group(module, layer, {"": Taken("slope", "alpha, in a module called prelu")})


def separable(module: Module) -> Group | None:
    depthwise, pointwise = module.shapes.get("depthwise_kernel", ()), module.shapes.get("pointwise_kernel", ())
    if len(depthwise) < 3 or len(pointwise) != len(depthwise):
        return None
    *field, inputs, multiplier = depthwise
    layer = layer_of(
        f"separable_conv{len(field)}d",
        shape=[*field, inputs, pointwise[-1]],
        depth_multiplier=multiplier,
        **unbiased("bias" in module.shapes),
    )
    taken = Taken("convolution", "depthwise_kernel and pointwise_kernel: a separable convolution")
    return group(module, layer, {"bias": BIAS, "": taken})


def depthwise(module: Module) -> Group | None:
    shape = module.shapes.get("depthwise_kernel", ())
    kind = f"depthwise_conv{len(shape) - 2}d"
    layer = layer_of(kind, shape=list(shape), **unbiased("bias" in module.shapes)) if len(shape) in (3, 4) else None
    taken = Taken("convolution", "depthwise_kernel: a matrix a channel")
    return group(module, layer, {"kernel": taken, "": BIAS}, {"kernel": "depthwise_kernel"})


RULES: tuple[Rule, ...] = (
    keras_recurrent,
    lambda module: attention(module, "attention_output"),
    norm,
    rms_norm,
    slope,
    lambda module: embedding(module, "embeddings"),
    separable,
    depthwise,
    dense,
    stack,
    einsum,
    convolution,
    doubtful_kernel,
)


def groups_of(module: Module) -> list[Group]:
    """Return the layers that a module's variables come to; every variable is in one of them."""
    spelt = spellings(module)
    if spelt is not None:
        plain = replace(module, shapes={name: module.shapes[listed] for name, listed in spelt.items()})
        return [renamed(each, spelt) for each in groups_of(plain)]
    return taken_by(RULES, module)


def spellings(module: Module) -> dict[str, str] | None:
    """Return the listing's names of a module's variables by Keras's own, where they are tagged or numbered."""
    if any(name.endswith(TAG) for name in module.shapes):
        return {name.removesuffix(TAG): name for name in module.shapes}
    if not all(re.fullmatch(r"vars/\d+", name) for name in module.shapes):
        return None
    names = variables(module)
    return None if names is None else dict(zip(names, module.shapes, strict=True))


def variables(module: Module) -> tuple[str, ...] | None:
    """Return what variables are called that a file numbers: by the class of their layer, else by their shapes."""
    shapes, own = list(module.shapes.values()), NUMBERED.sub("", module.own)
    for word, names in VARIABLES:
        if word in own and len(shapes) <= len(names):
            return names[: len(shapes)]
    matrices = [len(shape) > 1 for shape in shapes]
    if matrices in ([True], [True, False]) or (len(shapes) == 2 and matrices[0]):
        return ("kernel", "bias")[: len(shapes)]
    one_length = len(set(shapes)) == 1 and not any(matrices)
    return {2: ("gamma", "beta"), 4: ("gamma", "beta", *STATISTICS)}.get(len(shapes)) if one_length else None


def renamed(found: Group, spelt: dict[str, str]) -> Group:
    """Return a group with the listing's names of its arrays."""
    arrays = {spelt[name]: taken for name, taken in found.arrays.items()}
    if found.at:
        return replace(found, at=spelt[found.at], arrays=arrays)
    shown = {name: spelt[found.listed.shown.get(name, name)] for name in arrays_of(found.layer, "keras")}
    return replace(found, layer=found.layer.as_listed(replace(found.listed, taken=arrays, shown=shown)), arrays=arrays)
