"""Which layer a module of PyTorch is: a table of rules, by the names in its state_dict and their shapes."""

from math import prod
from typing import Any

from service.networks.layers.listed import Taken
from service.networks.telling.bare import taken_by
from service.networks.telling.channels_last import einsum, stack
from service.networks.telling.module import (
    UNKNOWN_KIND,
    UNKNOWN_START,
    Module,
    Rule,
    bare,
    group,
    layer_of,
    unbiased,
)
from service.networks.telling.norms import normalisation, scale_of_norm
from service.networks.telling.recurrent import torch_recurrent
from service.networks.telling.told import Doubt, Group
from service.networks.telling.words import (
    AFFINE,
    DEPTHWISE,
    HEAD,
    MAYBE_TRANSPOSED,
    TRANSPOSED,
    is_embedding,
    is_gate,
    is_norm,
    is_slope,
)
from service.stream.views import Shape

BIAS = Taken("bias", "it stands beside a weight, as long as that has outputs")
LONG = 8  # times as many rows as columns
EXPERTS = frozenset({"experts", "expert", "local_experts"})


def bias_of(module: Module) -> int | None:
    """Return how long a module's bias is; None where it has none."""
    shape = module.shapes.get("bias")
    return shape[0] if shape is not None and len(shape) == 1 else None


def weight(module: Module) -> Shape:
    return module.shapes.get("weight", ())


def matrix(module: Module, name: str) -> Shape:
    """Return the shape of a tensor of two axes; () where there is none of this name."""
    shape = module.shapes.get(name, ())
    return shape if len(shape) == 2 else ()


def attention(module: Module) -> Group | None:
    """`nn.MultiheadAttention`: its heads are not in its shapes, nor in the order of its values."""
    whole, query, key, value = (matrix(module, f"{each}_proj_weight") for each in ("in", "q", "k", "v"))
    if not whole and not (query and key and value):
        return None
    width = (whole or query)[1]
    members: dict[str, Any] = {"bias_kv": True} if "bias_k" in module.shapes else {}
    if not whole:
        members |= {"key_width": key[-1], "value_width": value[-1]}
    layer = layer_of(
        "multi_head_attention", shape=[width, 1, width], **members, **unbiased("in_proj_bias" in module.shapes)
    )
    why = "in_proj_weight or q_proj_weight beside out_proj: torch's MultiheadAttention, whose heads change no value"
    back = Taken("dense", "out_proj of an attention layer: (out, in)")
    added = dict.fromkeys(("in_proj_bias", "out_proj.bias"), BIAS)
    return group(module, layer, {"out_proj.weight": back, **added, "": Taken("attention", why)})


def slope(module: Module) -> Group | None:
    shape = weight(module)
    if len(shape) != 1 or "bias" in module.shapes:
        return None
    if not is_slope(module.words) and (shape != (1,) or is_norm(module)):
        return None
    why = "a weight of one axis alone, in a module called an activation" if is_slope(module.words) else "a single slope"
    return group(module, layer_of("prelu", shape=list(shape)), {"": Taken("slope", why)})


def affine(module: Module) -> Group | None:
    """Return a factor for each feature that is no normalisation: how it starts is the model's own."""
    shape = weight(module)
    if len(shape) != 1 or "bias" in module.shapes or is_norm(module) or not module.words & AFFINE:
        return None
    doubt = Doubt(UNKNOWN_START, "a factor for each feature, which starts small in some models and at 1 in others")
    taken = Taken("layer scale", f"a weight of one axis alone, in a module called {module.own}")
    return bare(module, "weight", taken, "ones", doubt=doubt)


def embedding(module: Module) -> Group | None:
    shape = weight(module)
    if len(shape) != 2 or "bias" in module.shapes or not is_embedding(module):
        return None
    taken = Taken("embedding", f"a weight of two axes without a bias, in a module called {module.own}")
    return group(module, layer_of("embedding", shape=list(shape)), {"": taken})


def bilinear(module: Module) -> Group | None:
    shape = weight(module)
    if len(shape) != 3 or "bilinear" not in module.own:
        return None
    layer = layer_of("bilinear", shape=[*shape[1:], shape[0]], **unbiased("bias" in module.shapes))
    return group(
        module, layer, {"weight": Taken("dense", "a weight of three axes in a module called bilinear"), "": BIAS}
    )


def dense(module: Module) -> Group | None:
    shape = weight(module)
    if len(shape) != 2:
        return None
    length, kind = bias_of(module), kind_of_matrix(module)
    if kind == "dense" and length is None and may_be_table(module, shape):
        return doubtful_table(module)
    turned, why = orientation(module, shape, length)
    size = list(shape) if turned else [shape[1], shape[0]]
    layer = layer_of("transformers_conv1d" if turned else "dense", shape=size, **unbiased(length is not None))
    return group(module, layer, {"weight": Taken(kind, why), "": BIAS})


def may_be_table(module: Module, shape: Shape) -> bool:
    """Whether a matrix without a bias is so much longer than wide that it may be a table, and no name tells."""
    return shape[0] >= LONG * shape[1] and not HEAD.search(module.path.lower())


def doubtful_table(module: Module) -> Group:
    shape = weight(module)
    what = "a matrix of a dense layer, or a table whose rows are looked up: it has no bias that would tell"
    taken = Taken("unknown", "a long weight of two axes without a bias")
    return bare(module, "weight", taken, fans=(shape[1], shape[0]), doubt=Doubt(UNKNOWN_KIND, what))


def kind_of_matrix(module: Module) -> str:
    if module.parts & EXPERTS:
        return "expert"
    if module.own in ("lora_a", "lora_b"):
        return "low rank"
    return "gate" if is_gate(module) else "dense"


def orientation(module: Module, shape: Shape, length: int | None) -> tuple[bool, str]:
    """Return whether a matrix is (in, out), which is not torch's way, and why."""
    if length is not None and shape[0] != shape[1]:
        if length == shape[1]:
            return True, "a weight of two axes whose bias is as long as its second: (in, out), as transformers' Conv1D"
        return False, "a weight of two axes whose bias is as long as its first: (out, in)"
    if module.own in module.evidence.transposed:
        return True, f"elsewhere in the listing {module.own} has a bias as long as its second axis: (in, out)"
    return False, "a weight of two axes: (out, in), as torch has it"


def low_rank(module: Module) -> Group | None:
    """Return a dense layer with the factors of a low-rank update beside its matrix."""
    shape, first = weight(module), module.shapes.get("lora_A.weight", ())
    if len(shape) != 2 or len(first) != 2:
        return None
    layer = layer_of("dense", shape=[shape[1], shape[0]], lora_rank=first[0], **unbiased("bias" in module.shapes))
    factor = Taken("low rank", "lora_A and lora_B beside a matrix: a factor of its update (Hu et al. 2021)")
    matrix = Taken("dense", "a weight of two axes: (out, in), as torch has it")
    return group(module, layer, {"weight": matrix, "bias": BIAS, "": factor})


def convolution(module: Module) -> Group | None:
    shape = weight(module)
    if not 3 <= len(shape) <= 5 or (len(shape) == 3 and module.parts & EXPERTS):
        return None
    length, axes = bias_of(module), len(shape) - 2
    backwards, why = is_transposed(module, shape, length)
    if backwards is None:
        return None
    biased = unbiased("bias" in module.shapes)
    if backwards:
        layer = layer_of(f"conv{axes}d_transpose", shape=[*shape[2:], shape[0], shape[1]], **biased)
        return group(module, layer, {"weight": Taken("transposed convolution", why), "": BIAS})
    alone = is_depthwise(module, shape)
    more = {"groups": shape[0]} if alone else {}
    layer = layer_of(f"conv{axes}d", shape=[*shape[2:], shape[0] if alone else shape[1], shape[0]], **more, **biased)
    why = f"{why}; each channel by itself" if alone else why
    return group(module, layer, {"weight": Taken("convolution", why), "": BIAS})


def is_transposed(module: Module, shape: Shape, length: int | None) -> tuple[bool | None, str]:
    """Return whether a convolution is transposed, None where that cannot be told, and why."""
    if length is not None and shape[0] != shape[1]:
        if length == shape[1]:
            return True, f"a weight of {len(shape)} axes whose bias is as long as its second"
        return False, f"a weight of {len(shape)} axes whose bias is as long as its first"
    if TRANSPOSED.search(module.path.lower()):
        return True, f"a weight of {len(shape)} axes in a module that is called transposed"
    even = all(size % 2 == 0 for size in shape[2:])  # as it divides into steps, while a convolution's has a middle
    if even and (MAYBE_TRANSPOSED.search(module.path.lower()) or (shape[0] == shape[1] and len(shape) > 3)):
        return None, ""
    return False, f"a weight of {len(shape)} axes: (out, in, window), as torch has it"


def is_depthwise(module: Module, shape: Shape) -> bool:
    """Whether a kernel that sees one channel is one of many: by its name, or since others put out as many channels."""
    if shape[1] != 1 or shape[0] == 1:
        return False
    return DEPTHWISE.search(module.path.lower()) is not None or shape[0] in module.evidence.channels


def doubtful_convolution(module: Module) -> Group | None:
    """Return a kernel of which neither bias nor name says whether it is transposed."""
    shape = weight(module)
    if not 3 <= len(shape) <= 5:
        return None
    if module.parts & EXPERTS and len(shape) == 3:
        taken = Taken("expert", "a weight of three axes under experts")
        return bare(module, "weight", taken, fans=(shape[2], shape[1]))
    what = "a kernel of a convolution, or of a transposed one: it has no bias that would tell"
    window = prod(shape[2:])
    taken = Taken("unknown", f"a weight of {len(shape)} axes without a bias, in a module that makes more of less")
    return bare(module, "weight", taken, fans=(shape[1] * window, shape[0] * window), doubt=Doubt(UNKNOWN_KIND, what))


def norm(module: Module) -> Group | None:
    return normalisation(module, "weight", "bias", ("running_mean", "running_var"))


def old_norm(module: Module) -> Group | None:
    """Return a normalisation as checkpoints of old have it: gamma and beta."""
    if "gamma" not in module.shapes or "beta" not in module.shapes:
        return None
    return normalisation(module, "gamma", "beta", ("moving_mean", "moving_variance"))


def norm_of_axes(module: Module) -> Group | None:
    """Return a normalisation over several axes, or of several heads: by its name."""
    return scale_of_norm(module, "weight", "bias") if len(weight(module)) > 1 and is_norm(module) else None


def weight_norm(module: Module) -> Group | None:
    """Return the directions that weight_norm makes of a weight; its lengths are another tensor."""
    for lengths, directions in (("weight_g", "weight_v"), ("original0", "original1")):
        if {lengths, directions} <= module.shapes.keys():
            shape = module.shapes[directions]
            if len(shape) < 2:
                return None
            why = f"{lengths} and {directions}: a weight normalisation's"
            if prod(module.shapes[lengths]) not in shape:
                return None
            return directions_of(module, directions, Taken("convolution" if len(shape) > 2 else "dense", why))
    return None


def directions_of(module: Module, name: str, taken: Taken) -> Group:
    shape = module.shapes[name]
    window = prod(shape[2:])
    return bare(module, name, taken, fans=(shape[1] * window, shape[0] * window))


def orthogonal_or_spectral(module: Module) -> Group | None:
    """Return the weight under a spectral normalisation or an orthogonal parametrization."""
    for name in ("weight_orig", "original"):
        shape = module.shapes.get(name, ())
        if len(shape) >= 2:
            taken = Taken("convolution" if len(shape) > 2 else "dense", f"{name}: the weight under a parametrization")
            return directions_of(module, name, taken)
    return None


# In this order: what a module has beside tells more than its name, and its name more than a shape.
RULES: tuple[Rule, ...] = (
    torch_recurrent,
    attention,
    norm,
    old_norm,
    low_rank,
    norm_of_axes,
    slope,
    affine,
    embedding,
    bilinear,
    dense,
    convolution,
    doubtful_convolution,
    stack,
    einsum,
    weight_norm,
    orthogonal_or_spectral,
)


def groups_of(module: Module) -> list[Group]:
    """Return the layers that a module's tensors come to; every tensor is in one of them."""
    return taken_by(RULES, module)
