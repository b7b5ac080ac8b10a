"""Which layer of a spec a Keras layer is, by its class and sizes: true fans. To add one, add a row of LAYERS."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Layer: TypeAlias = dict[str, Any]
Variables: TypeAlias = dict[str, Any]  # by their names in the layer's file
Found: TypeAlias = tuple[Layer, Variables]


# Keras's names of activations, where the service has another.
SPELT = {"exponential": "exp", "hard_silu": "hard_swish", "tanh_shrink": "tanhshrink"}
ACTIVATIONS = {
    "celu", "elu", "exp", "gelu", "hard_sigmoid", "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid",
    "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softplus", "softsign", "tanh", "tanhshrink",
}  # fmt: skip


def activation_of(layer: Any) -> Layer:
    """Return what a layer's activation is, where a spec has it: what a scheme is chosen by."""
    name = getattr(layer.activation, "__name__", "")
    name = SPELT.get(name, name)
    return {"activation": name} if name in ACTIVATIONS else {}


def own(layer: Any) -> Variables:
    """Return a layer's variables, those of the layers within it and of an adapter apart, by name."""
    found = (*layer._trainable_variables, *layer._non_trainable_variables)
    return {each.name: each for each in found if not each.name.startswith("lora_")}


def with_bias(layer: Layer, variables: Variables) -> Found:
    return (layer if "bias" in variables else {**layer, "bias": None}), variables


def dense(layer: Any) -> Found:
    variables = own(layer)
    return with_bias({"type": "dense", "shape": list(variables["kernel"].shape), **activation_of(layer)}, variables)


def convolution(layer: Any) -> Found:
    variables = own(layer)
    shape = list(variables["kernel"].shape)
    shape[-2] *= layer.groups  # a kernel has the inputs of one group
    found = {"type": f"conv{layer.rank}d", "shape": shape, **activation_of(layer)}
    return with_bias(found | ({} if layer.groups == 1 else {"groups": layer.groups}), variables)


def transposed(layer: Any) -> Found:
    variables = own(layer)
    *window, outputs, inputs = variables["kernel"].shape
    steps = set(layer.strides)
    found: Layer = {"type": f"conv{layer.rank}d_transpose", "shape": [*window, inputs, outputs], **activation_of(layer)}
    return with_bias(found | ({"strides": steps.pop()} if len(steps) == 1 else {}), variables)


def depthwise(layer: Any) -> Found:
    variables = own(layer)
    shape = list(variables["kernel"].shape)
    return with_bias({"type": f"depthwise_conv{layer.rank}d", "shape": shape, **activation_of(layer)}, variables)


def separable(layer: Any) -> Found:
    variables = own(layer)
    *window, inputs, multiplier = variables["depthwise_kernel"].shape
    shape = [*window, inputs, variables["pointwise_kernel"].shape[-1]]
    found = {"type": f"separable_conv{layer.rank}d", "shape": shape, "depth_multiplier": multiplier}
    return with_bias(found | activation_of(layer), variables)


def embedding(layer: Any) -> Found:
    variables = own(layer)
    return {"type": "embedding", "shape": list(variables["embeddings"].shape)}, variables


def normalised(kind: str, scale: str, shift: str) -> Callable[[Any], Found]:
    def found(layer: Any) -> Found:
        variables = own(layer)
        told: Layer = {"type": kind, "shape": list(variables[scale].shape)}
        return told | ({} if shift in variables or not shift else {"bias": None}), variables

    return found


def prelu(layer: Any) -> Found:
    variables = own(layer)
    return {"type": "prelu", "shape": list(variables["alpha"].shape)}, variables


def einsum(layer: Any) -> Found:
    variables = own(layer)
    found = {"type": "einsum_dense", "equation": layer.equation, "shape": list(variables["kernel"].shape)}
    return found | ({"bias_axes": layer.bias_axes} if "bias" in variables else {}), variables


def recurrent(kind: str) -> Callable[[Any], Found]:
    def found(layer: Any) -> Found:
        cell, cells = recurrent_cell(kind)(layer.cell)
        del cell["cell"]
        return cell, {f"{kind}_cell/{name}": each for name, each in cells.items()}

    return found


def recurrent_cell(kind: str) -> Callable[[Any], Found]:
    def found(cell: Any) -> Found:
        variables = own(cell)
        told = {
            "type": kind,
            "shape": [variables["kernel"].shape[0], cell.units],
            "cell": True,
            **activation_of(cell),
        }
        if kind == "gru" and not cell.reset_after:  # another bias: one row, not two
            return {**told, "bias": None}, {name: each for name, each in variables.items() if name != "bias"}
        return with_bias(told, variables)

    return found


def bidirectional(layer: Any) -> Found:
    ahead, variables = layer_of(layer.forward_layer)
    back, others = layer_of(layer.backward_layer)
    if ahead != back or ahead["type"] not in RECURRENT:
        raise KeyError("two layers that are not alike")
    kind = ahead["type"]
    both = {f"forward_{kind}/{name}": each for name, each in variables.items()}
    return ahead | {"bidirectional": True}, both | {f"backward_{kind}/{name}": each for name, each in others.items()}


def attention(layer: Any) -> Found:
    parts = {name: getattr(layer, f"_{name}_dense") for name in ("query", "key", "value")}
    parts["attention_output"] = layer._output_dense
    variables = {f"{name}/{each.name}": each for name, part in parts.items() for each in own(part).values()}
    widths = {name: tuple(part._kernel.shape) for name, part in parts.items()}
    dim, heads, size = widths["query"]
    if widths != {
        **dict.fromkeys(("query", "key", "value"), (dim, heads, size)),
        "attention_output": (heads, size, dim),
    }:
        raise KeyError("keys, values or outputs of another width")
    told: Layer = {"type": "multi_head_attention", "shape": [dim, heads, size]}
    return told | ({} if "query/bias" in variables else {"bias": None}), variables


RECURRENT = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
# By the class's name: not every version of Keras has every class.
LAYERS: Mapping[str, Callable[[Any], Found]] = {
    "Dense": dense,
    "EinsumDense": einsum,
    **{f"Conv{rank}D": convolution for rank in (1, 2, 3)},
    **{f"Conv{rank}DTranspose": transposed for rank in (1, 2, 3)},
    **{f"DepthwiseConv{rank}D": depthwise for rank in (1, 2)},
    **{f"SeparableConv{rank}D": separable for rank in (1, 2)},
    "Embedding": embedding,
    "BatchNormalization": normalised("batch_norm", "gamma", "beta"),
    "LayerNormalization": normalised("layer_norm", "gamma", "beta"),
    "GroupNormalization": normalised("group_norm", "gamma", "beta"),
    "RMSNormalization": normalised("rms_norm", "scale", ""),
    "PReLU": prelu,
    "MultiHeadAttention": attention,
    "Bidirectional": bidirectional,
    **{name: recurrent(kind) for kind, name in RECURRENT.items()},
    **{f"{name}Cell": recurrent_cell(kind) for kind, name in RECURRENT.items()},
}


def layer_of(layer: Any) -> Found:
    """Return the layer that a Keras layer is, and its variables; raises KeyError where there is none."""
    for kind in type(layer).__mro__:
        if kind.__name__ in LAYERS and kind.__module__.startswith("keras."):
            return LAYERS[kind.__name__](layer)
    raise KeyError(type(layer).__name__)


def tensor_of(name: str, shape: tuple[int, ...]) -> Layer:
    """Return a bare array for a variable of a layer that no layer of a spec is."""
    layer: Layer = {"type": "tensor", "shape": list(shape)}
    if name.endswith(("bias", "beta", "lora_kernel_b", "lora_embeddings_b", "moving_mean")):
        return layer | {"scheme": "zeros"}
    return layer | ({"scheme": "ones"} if name in ("gamma", "scale", "moving_variance") else {})
