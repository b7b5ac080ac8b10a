"""Starts as torch runs them, written by hand from their publications: no library has them."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Weights = Mapping[str, Tensor]


def dense(p: Weights, name: str, x: Tensor) -> Tensor:
    y = functional.linear(x, p[f"{name}.weight"], p.get(f"{name}.bias"))
    if f"{name}.lora_A.weight" not in p:
        return y
    return y + x @ p[f"{name}.lora_A.weight"].T @ p[f"{name}.lora_B.weight"].T


def norm(p: Weights, name: str, x: Tensor) -> Tensor:
    return functional.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"])


def attention(p: Weights, name: str, x: Tensor, heads: int, causal: bool) -> Tensor:
    query, key, value = (
        dense(p, f"{name}.{part}_proj", x).unflatten(-1, (heads, -1)).transpose(1, 2) for part in "qkv"
    )
    read = functional.scaled_dot_product_attention(query, key, value, is_causal=causal)
    return dense(p, f"{name}.out_proj", read.transpose(1, 2).flatten(2))


def mlp(p: Weights, name: str, x: Tensor) -> Tensor:
    return dense(p, f"{name}.mlp_out", functional.gelu(dense(p, f"{name}.mlp_in", x)))


def pre_norm(p: Weights, x: Tensor, width: int, depth: int, heads: int) -> Tensor:
    """Megatron-LM, and LoRA and maximal update parametrisation on such a stack: a decoder."""
    x = functional.embedding(x, p["embedding.weight"])
    for i in range(depth):
        x = x + attention(p, f"block_{i}.attention", norm(p, f"block_{i}.norm_1", x), heads, causal=True)
        x = x + mlp(p, f"block_{i}", norm(p, f"block_{i}.norm_2", x))
    return dense(p, "readout", x) if "readout.weight" in p else x


def deepnorm(p: Weights, x: Tensor, width: int, depth: int, heads: int) -> Tensor:
    x, alpha = functional.embedding(x, p["embedding.weight"]), (2 * depth) ** 0.25
    for i in range(depth):
        y = attention(p, f"block_{i}.attention", x, heads, causal=False)
        x = norm(p, f"block_{i}.norm_1", alpha * x + y)
        x = norm(p, f"block_{i}.norm_2", alpha * x + mlp(p, f"block_{i}", x))
    return x


def t_fixup(p: Weights, x: Tensor, width: int, depth: int, heads: int) -> Tensor:
    x = functional.embedding(x, p["embedding.weight"])
    for i in range(depth):
        x = x + attention(p, f"block_{i}.attention", x, heads, causal=False)
        x = x + mlp(p, f"block_{i}", x)
    return x


def conv(p: Weights, name: str, x: Tensor, **how: Any) -> Tensor:
    return functional.conv2d(x, p[f"{name}.weight"], p.get(f"{name}.bias"), **how)


def fixup(p: Weights, x: Tensor, depth: int, outputs: int) -> Tensor:
    """As the authors' code for CIFAR has it, but for the numbers that it learns beside, and features that are 0."""
    x = conv(p, "stem", x.movedim(-1, 1), padding=1).relu()
    for stage in range(3):
        for i in range(depth):
            at, stride = f"stage_{stage}.block_{i}", 2 if stage and not i else 1
            y = conv(p, f"{at}.conv_2", conv(p, f"{at}.conv_1", x, stride=stride, padding=1).relu(), padding=1)
            if stride == 2:
                x = functional.avg_pool2d(x, 1, 2)
                x = torch.cat([x, x], 1)
            x = (x + y).relu()
    return dense(p, "classifier", x.mean((2, 3)))


def lenet5(p: Weights, x: Tensor, channels: int, outputs: int, *_: Any) -> Tensor:
    def squash(x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)

    x = functional.avg_pool2d(squash(conv(p, "C1", x.movedim(-1, 1))), 2)
    x = functional.avg_pool2d(squash(conv(p, "C3", x)), 2)
    return dense(p, "output", squash(dense(p, "F6", squash(conv(p, "C5", x)).flatten(1))))


def unet(p: Weights, x: Tensor, channels: int, outputs: int, width: int) -> Tensor:
    """As the network that the authors released has it: crops from the middle, rectified up-convolutions."""
    x, beside = x.movedim(-1, 1), []
    for level in range(5):
        x = functional.max_pool2d(x, 2) if level else x
        x = conv(p, f"conv_d{level}b-c", conv(p, f"conv_d{level}a-b", x).relu()).relu()
        beside.append(x)
    for level, name in ((3, "d4c_u3a"), (2, "u3d_u2a"), (1, "u2d_u1a"), (0, "u1d_u0a")):
        up = functional.conv_transpose2d(x, p[f"upconv_{name}.weight"], p[f"upconv_{name}.bias"], stride=2).relu()
        start = (beside[level].shape[-1] - up.shape[-1]) // 2
        middle = beside[level][..., start : start + up.shape[-1], start : start + up.shape[-1]]
        x = torch.cat([up, middle], 1)
        x = conv(p, f"conv_u{level}c-d", conv(p, f"conv_u{level}b-c", x).relu()).relu()
    return conv(p, "conv_u0d-score", x).movedim(1, -1)


def lstm_lm(p: Weights, x: Tensor, words: int, width: int, depth: int, *_: Any) -> Tensor:
    """As PyTorch's example word_language_model has it."""
    rnn = nn.LSTM(width, width, depth, batch_first=True).double()
    named = {name: p[f"rnn.{name}"] for name, _ in rnn.named_parameters()}
    y, _ = torch.func.functional_call(rnn, named, functional.embedding(x, p["encoder.weight"]))
    return dense(p, "decoder", y)


STARTS: dict[str, Callable[..., Tensor]] = {
    "megatron": pre_norm,
    "deepnorm": deepnorm,
    "t_fixup": t_fixup,
    "mup": pre_norm,
    "lora": pre_norm,
    "fixup": fixup,
    "lenet5": lenet5,
    "unet": unet,
    "lstm_lm": lstm_lm,
}
