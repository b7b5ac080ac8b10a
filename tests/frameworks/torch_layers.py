"""The torch module of a layer spec, and its output on channels-last inputs."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn


class Separable(nn.Module):
    """Depthwise, then pointwise: what torch has in place of Keras's separable layers."""

    def __init__(self, depthwise: nn.Module, pointwise: nn.Module) -> None:
        super().__init__()
        self.depthwise, self.pointwise = depthwise, pointwise

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.pointwise(self.depthwise(x))
        return result


def build(layer: dict[str, Any]) -> nn.Module:
    kind, shape = layer["type"], layer["shape"]
    bias = layer.get("bias", "") is not None
    if kind == "dense":
        return nn.Linear(*shape, bias=bias)
    if kind.startswith("conv") and not kind.endswith("transpose"):
        *field, inputs, outputs = shape
        conv: Any = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[len(field)]
        return conv(inputs, outputs, tuple(field), groups=layer.get("groups", 1), bias=bias)
    if kind.endswith("transpose"):
        *field, inputs, outputs = shape
        back: Any = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[len(field)]
        return back(inputs, outputs, tuple(field), stride=layer.get("strides", 1), groups=layer.get("groups", 1))
    if kind.startswith("depthwise"):
        *field, inputs, multiplier = shape
        conv = {1: nn.Conv1d, 2: nn.Conv2d}[len(field)]
        return conv(inputs, inputs * multiplier, tuple(field), groups=inputs)
    if kind.startswith("separable"):
        *field, inputs, outputs = shape
        conv = {1: nn.Conv1d, 2: nn.Conv2d}[len(field)]
        middle = inputs * layer.get("depth_multiplier", 1)
        return Separable(conv(inputs, middle, tuple(field), groups=inputs, bias=False), conv(middle, outputs, 1))
    if kind == "embedding":
        return nn.Embedding(*shape)
    if kind in ("simple_rnn", "lstm", "gru"):
        cell: Any = {"simple_rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind]
        stacked = {"num_layers": layer.get("num_layers", 1), "bidirectional": layer.get("bidirectional", False)}
        return cell(*shape, batch_first=True, **stacked)
    if kind == "multi_head_attention":
        return nn.MultiheadAttention(shape[0], shape[1], batch_first=True)
    if kind == "bilinear":
        return nn.Bilinear(*shape)
    return {
        "layer_norm": lambda: nn.LayerNorm(shape, eps=1e-3),
        "batch_norm": lambda: nn.BatchNorm1d(shape[0], eps=1e-3),
        "group_norm": lambda: nn.GroupNorm(3, shape[0], eps=1e-3),
        "rms_norm": lambda: nn.RMSNorm(shape, eps=1e-6),
        "instance_norm": lambda: nn.InstanceNorm2d(shape[0], eps=1e-3, affine=True),
        "prelu": lambda: nn.PReLU(1 if len(shape) in layer.get("shared_axes", []) else shape[-1]),
    }[kind]()


def state_shapes(layer: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    state = build(layer).state_dict()
    return {name: tuple(value.shape) for name, value in state.items() if name != "num_batches_tracked"}


def load(layer: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> nn.Module:
    module = build(layer)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
    module.load_state_dict(tensors, strict="batch_norm" not in layer["type"])
    return module.eval()


def channels_first(layer: dict[str, Any]) -> bool:
    """Whether torch's module takes (batch, channels, *space)."""
    kind = layer["type"]
    by_channel = kind == "prelu" and len(layer["shape"]) > 1
    return "conv" in kind or kind in ("group_norm", "instance_norm") or by_channel


def run(layer: dict[str, Any], module: nn.Module, x: NDArray[Any]) -> NDArray[Any]:
    """Run on (batch, *space, channels) inputs."""
    kind = layer["type"]
    with torch.no_grad():
        given = torch.from_numpy(x)
        if channels_first(layer):
            made = module(given.movedim(-1, 1)).movedim(1, -1)
        elif kind in ("simple_rnn", "lstm", "gru"):
            made = module(given)[0]
        elif kind == "multi_head_attention":
            made = module(given, given, given, need_weights=False)[0]
        else:
            made = module(given)
    result: NDArray[Any] = made.numpy()
    return result
