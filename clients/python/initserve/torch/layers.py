"""Which layer of a spec a torch module is: its true sizes, so that its parameters have their true fans.

To add a module, add a function and a row of LAYERS.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import nn

Layer: TypeAlias = dict[str, Any]


def unbiased(module: nn.Module) -> Layer:
    """Return what says that a layer has no bias, where the module has none."""
    return {} if getattr(module, "bias", None) is not None else {"bias": None}


def linear(module: Any) -> Layer:
    return {"type": "dense", "shape": [module.in_features, module.out_features], **unbiased(module)}


def bilinear(module: Any) -> Layer:
    shape = [module.in1_features, module.in2_features, module.out_features]
    return {"type": "bilinear", "shape": shape, **unbiased(module)}


def convolution(module: Any) -> Layer:
    shape = [*module.kernel_size, module.in_channels, module.out_channels]
    layer = {"type": f"conv{len(module.kernel_size)}d", "shape": shape, **unbiased(module)}
    return layer | ({} if module.groups == 1 else {"groups": module.groups})


def transposed(module: Any) -> Layer:
    layer = convolution(module)
    # A spec has one step for all axes; where they differ, one that covers as much.
    steps = round(math.prod(module.stride) ** (1 / len(module.stride)))
    return layer | {"type": f"{layer['type']}_transpose"} | ({} if steps == 1 else {"strides": steps})


def embedding(module: Any) -> Layer:
    padding = {} if module.padding_idx is None else {"padding_index": module.padding_idx}
    return {"type": "embedding", "shape": [module.num_embeddings, module.embedding_dim], **padding}


def normalised(kind: str) -> Callable[[Any], Layer]:
    def layer(module: Any) -> Layer:
        shape = list(module.normalized_shape)
        return {"type": kind, "shape": shape} | ({} if kind == "rms_norm" else unbiased(module))

    return layer


def by_channel(kind: str, size: str) -> Callable[[Any], Layer]:
    return lambda module: {"type": kind, "shape": [getattr(module, size)], **unbiased(module)}


def recurrent(kind: str) -> Callable[[Any], Layer]:
    def layer(module: Any) -> Layer:
        found: Layer = {"type": kind, "shape": [module.input_size, module.hidden_size]}
        found |= {} if module.num_layers == 1 else {"num_layers": module.num_layers}
        found |= {"bidirectional": True} if module.bidirectional else {}
        found |= {} if module.bias else {"bias": None}
        found |= {"projection": module.proj_size} if module.proj_size else {}
        return found | ({"activation": "relu"} if getattr(module, "nonlinearity", "tanh") == "relu" else {})

    return layer


def cell(kind: str) -> Callable[[Any], Layer]:
    def layer(module: Any) -> Layer:
        found: Layer = {"type": kind, "shape": [module.input_size, module.hidden_size], "cell": True}
        found |= {} if module.bias else {"bias": None}
        return found | ({"activation": "relu"} if getattr(module, "nonlinearity", "tanh") == "relu" else {})

    return layer


def attention(module: Any) -> Layer:
    found: Layer = {
        "type": "multi_head_attention",
        "shape": [module.embed_dim, module.num_heads, module.head_dim],
    }
    if not module._qkv_same_embed_dim:
        found |= {"key_width": module.kdim, "value_width": module.vdim}
    if module.in_proj_bias is None:
        found["bias"] = None
    return found | ({"bias_kv": True} if module.bias_k is not None else {})


def prelu(module: Any) -> Layer:
    return {"type": "prelu", "shape": [module.num_parameters]}


def transformers_conv1d(module: Any) -> Layer:
    return {"type": "transformers_conv1d", "shape": list(module.weight.shape)}


LAYERS: Mapping[type[nn.Module], Callable[[Any], Layer]] = {
    nn.Linear: linear,
    nn.Bilinear: bilinear,
    nn.Conv1d: convolution,
    nn.Conv2d: convolution,
    nn.Conv3d: convolution,
    nn.ConvTranspose1d: transposed,
    nn.ConvTranspose2d: transposed,
    nn.ConvTranspose3d: transposed,
    nn.Embedding: embedding,
    nn.EmbeddingBag: embedding,
    nn.LayerNorm: normalised("layer_norm"),
    nn.RMSNorm: normalised("rms_norm"),
    nn.GroupNorm: by_channel("group_norm", "num_channels"),
    nn.modules.instancenorm._InstanceNorm: by_channel("instance_norm", "num_features"),
    nn.modules.batchnorm._BatchNorm: by_channel("batch_norm", "num_features"),
    nn.RNN: recurrent("simple_rnn"),
    nn.LSTM: recurrent("lstm"),
    nn.GRU: recurrent("gru"),
    nn.RNNCell: cell("simple_rnn"),
    nn.LSTMCell: cell("lstm"),
    nn.GRUCell: cell("gru"),
    nn.MultiheadAttention: attention,
    nn.PReLU: prelu,
}


def layer_of(module: nn.Module) -> Layer | None:
    """Return the layer that a module is; None where there is none."""
    kind = type(module)
    if kind.__name__ == "Conv1D" and kind.__module__ == "transformers.pytorch_utils":
        return transformers_conv1d(module)
    found = next((LAYERS[each] for each in kind.__mro__ if each in LAYERS), None)
    return None if found is None else found(module)


def block(kind: str) -> Callable[[Any], Layer]:
    def layer(module: Any) -> Layer:
        attention = module.self_attn
        return {
            "type": kind,
            "shape": [attention.embed_dim, attention.num_heads, module.linear1.out_features],
            **({} if module.linear1.bias is not None else {"bias": None}),
        }

    return layer


def stacked(kind: str) -> Callable[[Any], Layer]:
    def layer(module: Any) -> Layer:
        norm = {} if module.norm is None else {"norm": True}
        return block(kind)(module.layers[0]) | {"num_layers": len(module.layers)} | norm

    return layer


# Modules made of others, which torch draws otherwise than one after the other: a stack's blocks are copies of one.
STACKS: Mapping[type[nn.Module], Callable[[Any], Layer]] = {
    nn.TransformerEncoderLayer: block("transformer_encoder_layer"),
    nn.TransformerDecoderLayer: block("transformer_decoder_layer"),
    nn.TransformerEncoder: stacked("transformer_encoder"),
    nn.TransformerDecoder: stacked("transformer_decoder"),
}


def stack_of(module: nn.Module) -> Layer | None:
    """Return the layer that a module made of others is, if all of it is torch's own; None where there is none."""
    own = all(type(each).__module__.startswith("torch.nn.") for each in module.modules())
    return STACKS[type(module)](module) if own and type(module) in STACKS else None


# Norms of others whose scale is 1 + weight.
ABOUT_ONE = ("Gemma", "Qwen3Next", "Qwen3_5")
# Parts of PEFT's adapters that begin as 0, so that an adapter changes nothing at first.
ADDS_NOTHING = {"lora_B", "lora_embedding_A"}


def within_adapter(path: str, layer: Layer) -> Layer:
    """Return the layer with the scheme that an adapter's part begins with, where it is one that adds nothing."""
    return layer | ({"scheme": "zeros"} if ADDS_NOTHING & set(path.split(".")) else {})


def tensor_of(module: nn.Module, path: str, parameter: torch.Tensor) -> Layer:
    """Return a bare array for a parameter of a module that no layer is.

    A norm's scale begins as 1 and its shift as 0, as does every bias; all else by the fans of its shape.
    """
    layer: Layer = {"type": "tensor", "shape": list(parameter.shape), "bare": True}
    if path.rpartition(".")[2].lower().endswith("bias"):
        return layer | {"scheme": "zeros"}
    if parameter.ndim == 1 and "norm" in type(module).__name__.lower():
        return layer | {"scheme": "zeros" if type(module).__name__.startswith(ABOUT_ONE) else "ones"}
    return layer
