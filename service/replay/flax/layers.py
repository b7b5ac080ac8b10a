"""Flax's layers beside those of a spec: what linen and nnx have, and what their initialisers are called with."""

from math import prod

from service.networks.layers.attention import GroupedQueryAttention, MultiHeadAttention
from service.networks.layers.convolution import TransposedConvolution
from service.networks.layers.dense import Dense
from service.networks.layers.einsum import EinsumDense
from service.networks.layers.layer import LayerSpec
from service.networks.layers.normalization import PRelu
from service.networks.layers.recurrent import Recurrent
from service.networks.schemes.plain import ConstantScheme
from service.replay.framework import Array, Module, no_such_layer, no_such_member, no_such_scheme
from service.stream.views import Shape

LINEN = "Flax linen"
NNX = "Flax nnx"
# linen's class of a layer type, which its default name begins with; the parts of a separable convolution are two.
CLASSES = {
    "dense": "Dense",
    "transformers_conv1d": "Dense",
    "einsum_dense": "Einsum",
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "depthwise_conv1d", "depthwise_conv2d"), "Conv"),
    **dict.fromkeys(("conv1d_transpose", "conv2d_transpose", "conv3d_transpose"), "ConvTranspose"),
    **dict.fromkeys(("separable_conv1d", "separable_conv2d"), "SeparableConv"),
    "embedding": "Embed",
    "simple_rnn": "SimpleCell",
    "lstm": "LSTMCell",
    "gru": "GRUCell",
    "multi_head_attention": "MultiHeadDotProductAttention",
    "batch_norm": "BatchNorm",
    "layer_norm": "LayerNorm",
    "group_norm": "GroupNorm",
    "instance_norm": "InstanceNorm",
    "rms_norm": "RMSNorm",
    "prelu": "PReLU",
    "dropout": "Dropout",
    "tensor": "tensor",
}
ONLY_NNX = ("grouped_query_attention",)


def kind_of(layer: LayerSpec) -> str:
    """Return what linen calls a layer that has no name, before its number among those: Dense_0, Conv_0, Conv_1."""
    if isinstance(layer, Recurrent) and layer.bidirectional:
        return "Bidirectional"
    return CLASSES.get(layer.type, layer.type)


def check(framework: str, module: Module) -> None:
    """Refuse what the framework has no layer for, and options that its layer does not have."""
    spec = module.spec
    if spec.type not in CLASSES and not (framework == NNX and spec.type in ONLY_NNX):
        raise no_such_layer(framework, module)
    match spec:
        case Dense(lora_rank=int()) if framework == LINEN:
            raise no_such_member(module, "lora_rank", "linen has no LoRA; flax-nnx/1 has", {"lora_rank": None})
        case TransposedConvolution() if spec.groups != 1:
            raise no_such_member(module, "groups", "Flax's transposed convolution has no groups", {"groups": 1})
        case Recurrent() if not spec.has_bias:
            raise no_such_member(module, "bias", "Flax's cells always have biases", {"bias": "zeros"})
        case Recurrent() if getattr(spec, "projection", None) is not None:
            raise no_such_member(module, "projection", "Flax's cells do not project their state", {"projection": None})
        case PRelu() if prod(spec.slopes) != 1:
            raise no_such_member(module, "shape", "Flax's PReLU has one slope for all features", {"shape": [1]})
        case MultiHeadAttention() | GroupedQueryAttention():
            check_attention(framework, module, spec)
        case EinsumDense() if framework == LINEN:
            check_einsum(module, spec)
    for array in module.arrays.values():
        check_constant(framework, module, array)


def check_attention(framework: str, module: Module, spec: MultiHeadAttention | GroupedQueryAttention) -> None:
    if getattr(spec, "bias_kv", False):
        raise no_such_member(module, "bias_kv", "Flax's attention has no key and value of its own", {"bias_kv": False})
    stated = {member: getattr(spec, member, None) for member in ("key_width", "value_width")}
    key, value = (width or spec.shape[0] for width in stated.values())
    if framework == NNX and key != value:
        member, other = ("value_width", key) if stated["value_width"] else ("key_width", value)
        raise no_such_member(
            module, member, "keys and values have one width in Flax nnx, in_kv_features", {member: other}
        )


def check_einsum(module: Module, spec: EinsumDense) -> None:
    """Refuse a bias on other axes than linen's: all of the kernel's that are left in the output, in its order."""
    _, kernel, outputs = spec.labels
    own = "".join(axis for axis in outputs if axis in kernel)
    if spec.bias_axes not in (None, own):
        raise no_such_member(
            module,
            "bias_axes",
            f"linen's Einsum has its bias on all axes that the kernel leaves, {own!r}",
            {"bias_axes": own},
        )


def check_constant(framework: str, module: Module, array: Array) -> None:
    """Refuse chance in arrays that no initialiser of the constructor's makes: running statistics, PReLU's slope."""
    fixed = isinstance(module.spec, PRelu) or is_statistic(module, array.name)
    if fixed and array.stated is not None and not isinstance(array.stated, ConstantScheme):
        raise no_such_scheme(framework, array, array.stated, "constant")


def is_statistic(module: Module, name: str) -> bool:
    """Whether an array is a batch normalisation's running mean or variance, which take no key."""
    return module.spec.type == "batch_norm" and name in ("mean", "var")


def called_with(module: Module, array: Array) -> Shape:
    """Return the shape that an array's initialiser is called with: attention's projections are matrices there."""
    if not isinstance(module.spec, MultiHeadAttention | GroupedQueryAttention) or len(array.shape) == 1:
        return array.shape
    if array.name.endswith("/bias"):
        return (prod(array.shape),)
    if array.name.startswith("out/"):
        return prod(array.shape[:-1]), array.shape[-1]
    return array.shape[0], prod(array.shape[1:])
