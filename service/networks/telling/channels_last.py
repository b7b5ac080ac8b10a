"""What Keras and Flax have alike: kernels whose outputs come last."""

from collections.abc import Mapping
from math import prod

from service.networks.layers import LAYERS
from service.networks.layers.listed import Taken
from service.networks.telling.module import UNKNOWN_KIND, UNKNOWN_START, Module, bare, group, layer_of, unbiased
from service.networks.telling.told import Doubt, Group
from service.networks.telling.words import DEPTHWISE, TRANSPOSED, is_gate
from service.stream.views import Shape

BIAS = Taken("bias", "it stands beside a kernel, as long as that has outputs")
TO_HEADS, BACK = ("abc,cde->abde", "de"), ("abcd,cde->abe", "e")
PROJECTIONS = frozenset({
    "query", "key", "value", "q", "k", "v", "q_proj", "k_proj", "v_proj", "query_dense", "key_dense", "value_dense",
    "qkv", "query_proj", "key_proj", "value_proj",
})  # fmt: skip
OUTPUTS = frozenset({"attention_output", "out", "o", "o_proj", "output_dense", "attn_out", "out_proj", "attention_out"})


def kernel(module: Module) -> Shape:
    return module.shapes.get("kernel", ())


def attention(module: Module, output: str) -> Group | None:
    """Projections to heads and back, as one layer."""
    query, key = module.shapes.get("query/kernel", ()), module.shapes.get("key/kernel", ())
    if len(query) != 3 or len(key) != 3:
        return None
    biased = unbiased("query/bias" in module.shapes)
    taken = {f"{part}/bias": BIAS for part in ("query", "key", "value", output)}
    taken[""] = Taken("attention", f"query, key, value and {output} with an axis for heads")
    if key[1] != query[1]:
        layer = layer_of("grouped_query_attention", shape=list(query), kv_heads=key[1], **biased)
    else:
        widths = {"key_width": key[0], "value_width": module.shapes.get("value/kernel", key)[0]}
        members = {name: width for name, width in widths.items() if width != query[0]}
        layer = layer_of("multi_head_attention", shape=list(query), **members, **biased)
    return group(module, layer, taken)


def dense(module: Module) -> Group | None:
    shape = kernel(module)
    if len(shape) != 2:
        return None
    rank = module.shapes.get("lora_kernel_a", module.shapes.get("lora_a", ()))
    members = {"lora_rank": rank[-1]} if len(rank) == 2 else {}
    layer = layer_of("dense", shape=list(shape), **members, **unbiased("bias" in module.shapes))
    kind = "gate" if is_gate(module) else "dense"
    factor = Taken("low rank", "a factor of a matrix's update (Hu et al. 2021)")
    taken = {"kernel": Taken(kind, "a kernel of two axes: (in, out)"), "bias": BIAS, "": factor}
    return group(module, layer, taken) or (
        group(module, layer_of("dense", shape=list(shape), **unbiased("bias" in module.shapes)), taken)
        if members
        else None
    )


def stack(module: Module) -> Group | None:
    """Return a matrix for each expert, or for each layer of a stack, with a bias for each."""
    shape, bias = kernel(module), module.shapes.get("bias", ())
    if len(shape) != 3 or bias != (shape[0], shape[2]) or shape[0] == shape[1]:
        return None
    why = "a kernel of three axes whose bias has its first and last: a matrix for each of a stack"
    layer = layer_of("moe_dense", shape=list(shape))
    return group(
        module, layer, {"kernel": Taken("expert" if "expert" in module.path.lower() else "dense", why), "": BIAS}
    )


def einsum(module: Module) -> Group | None:
    """Return a projection to heads or back, by itself."""
    shape, bias = kernel(module), module.shapes.get("bias")
    if len(shape) != 3 or "conv" in module.own:
        return None
    if bias == shape[1:] or (bias is None and module.own in PROJECTIONS):
        equation, axes = TO_HEADS
    elif module.own in OUTPUTS and bias in (None, shape[2:]):
        equation, axes = BACK
    else:
        return None
    members = {} if bias is None else {"bias_axes": axes}
    taken = Taken("attention", "a kernel of three axes, one of them for heads")
    return group(
        module, layer_of("einsum_dense", shape=list(shape), equation=equation, **members), {"bias": BIAS, "": taken}
    )


def convolution(module: Module) -> Group | None:
    shape, bias = kernel(module), module.shapes.get("bias")
    axes = len(shape) - 2
    if not 1 <= axes <= 3 or (axes == 1 and "conv" not in module.path.lower()):
        return None
    biased, why = unbiased(bias is not None), f"a kernel of {len(shape)} axes: (window, in, out)"
    ordinary = layer_of(f"conv{axes}d", shape=list(shape), **biased)
    return (
        depthwise(module, shape, biased)
        or transposed(module, shape, biased)
        or group(module, ordinary, {"kernel": Taken("convolution", why), "": BIAS})
    )


def depthwise(module: Module, shape: Shape, biased: Mapping[str, None]) -> Group | None:
    """Return a convolution in which each channel is seen by itself: by its name, or since others have its channels."""
    axes = len(shape) - 2
    named = DEPTHWISE.search(module.path.lower()) is not None
    if not named and (shape[-2] != 1 or shape[-1] == 1 or shape[-1] not in module.evidence.channels):
        return None
    layer = None
    if shape[-2] == 1:
        layer = layer_of(f"conv{axes}d", shape=[*shape[:-2], shape[-1], shape[-1]], groups=shape[-1], **biased)
    elif f"depthwise_conv{axes}d" in LAYERS:
        layer = layer_of(f"depthwise_conv{axes}d", shape=list(shape), **biased)
    return group(
        module, layer, {"kernel": Taken("convolution", "a kernel of one matrix a channel: depthwise"), "": BIAS}
    )


def transposed(module: Module, shape: Shape, biased: Mapping[str, None]) -> Group | None:
    """Return a transposed convolution: by its name, or since its bias is as long as its last axis but one."""
    keras = module.layout == "keras"
    by_bias = keras and module.shapes.get("bias") == (shape[-2],) and shape[-2] != shape[-1]
    if not by_bias and TRANSPOSED.search(module.path.lower()) is None:
        return None
    size = [*shape[:-2], *reversed(shape[-2:])] if keras else list(shape)
    taken = Taken("transposed convolution", f"a kernel of {len(shape)} axes in a module that is called transposed")
    if by_bias:
        taken = Taken(
            "transposed convolution", f"a kernel of {len(shape)} axes whose bias is as long as the last but one"
        )
    return group(
        module, layer_of(f"conv{len(shape) - 2}d_transpose", shape=size, **biased), {"kernel": taken, "": BIAS}
    )


def doubtful_kernel(module: Module) -> Group | None:
    """Return a kernel of which neither name nor bias says which axes are inputs."""
    shape = kernel(module)
    if len(shape) < 3:
        return None
    if "expert" in module.path.lower():
        what = "matrices of experts or of a stack"
        doubt = Doubt(UNKNOWN_START, f"{what}, (in, out) here: no bias says which axis is which")
        return bare(module, "kernel", Taken("expert", what), fans=(shape[-2], shape[-1]), doubt=doubt)
    what = "a kernel of an axis for heads, of a window or of a stack: nothing tells which"
    fans = (prod(shape[:-1]), prod((*shape[:-2], shape[-1])))
    return bare(module, "kernel", Taken("unknown", what), fans=fans, doubt=Doubt(UNKNOWN_KIND, what))


def embedding(module: Module, name: str) -> Group | None:
    shape = module.shapes.get(name, ())
    layer = layer_of("embedding", shape=list(shape)) if len(shape) == 2 else None
    return group(module, layer, {"": Taken("embedding", f"called {name}, of two axes")})
