"""Rules and the tape below them, forward and back, against PyTorch's autograd; what Keras alone has, against it."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import torch
from keras.src.backend.jax import nn as keras_on_jax
from numpy.typing import NDArray
from torch.nn import functional

from service.analysis import rules, tape
from service.analysis.tape import Node
from service.networks.layers import LAYERS
from service.networks.layers.structure import STRUCTURE

Array = NDArray[np.float64]
RULES: Any = rules.RULES
KINDS: dict[str, Any] = {**LAYERS, **STRUCTURE}
SIZES = {1: [11], 2: [9, 7], 3: [5, 6, 4]}
CONVOLVE: dict[int, Any] = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
BACK: dict[int, Any] = {
    1: functional.conv_transpose1d,
    2: functional.conv_transpose2d,
    3: functional.conv_transpose3d,
}
MAX: dict[int, Any] = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}
MEAN: dict[int, Any] = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}


def values(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def layer(kind: str, **members: Any) -> Any:
    return KINDS[kind].model_validate({"type": kind, **members})


def agree(ours: Callable[..., Node], theirs: Callable[..., torch.Tensor], *arrays: Array) -> None:
    """Both give the same outputs for the arrays, and the same gradient at each of them."""
    nodes = [Node(array) for array in arrays]
    given = [torch.tensor(array, requires_grad=True) for array in arrays]
    made, wanted = ours(*nodes), theirs(*given)
    np.testing.assert_allclose(made.value, wanted.detach().numpy(), rtol=1e-9, atol=1e-10)
    gradient = values(*made.value.shape, seed=9)
    tape.backward(made, gradient)
    wanted.backward(torch.tensor(gradient))
    for node, tensor in zip(nodes, given, strict=True):
        assert node.gradient is not None
        assert tensor.grad is not None
        np.testing.assert_allclose(node.gradient, tensor.grad.numpy(), rtol=1e-9, atol=1e-10)


def first(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(-1, 1)


def last(x: torch.Tensor) -> torch.Tensor:
    return x.movedim(1, -1)


def shape_of(generator: np.random.Generator, axes: int, most: int) -> list[int]:
    return [int(size) for size in generator.integers(1, most + 1, axes)]


@pytest.mark.parametrize("seed", range(30))
def test_a_convolution_is_torchs_with_any_strides_padding_dilation_and_groups(seed: int) -> None:
    draw = np.random.default_rng(seed)
    axes = 1 + seed % 3
    field, strides, dilation, groups = (
        shape_of(draw, axes, 3), shape_of(draw, axes, 3), shape_of(draw, axes, 2), int(draw.integers(1, 4))
    )  # fmt: skip
    pads = [[int(one) for one in draw.integers(0, 3, 2)] for _ in range(axes)]
    ring = seed % 5 == 4
    if ring:
        pads = [
            [span // 2, span - 1 - span // 2]
            for span in ((size - 1) * by + 1 for size, by in zip(field, dilation, strict=True))
        ]
    stated = layer(
        f"conv{axes}d",
        shape=[*field, 2 * groups, 3 * groups], strides=strides, dilation=dilation, groups=groups,
        padding="circular" if ring else pads,
    )  # fmt: skip

    def theirs(x: torch.Tensor, kernel: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        flat = [one for pair in reversed(pads) for one in pair]
        padded = functional.pad(first(x), flat, mode="circular" if ring else "constant")
        weights = kernel.movedim((-1, -2), (0, 1))
        return last(CONVOLVE[axes](padded, weights, bias, strides, 0, dilation, groups))

    agree(
        lambda x, kernel, bias: RULES[f"conv{axes}d"](stated, {"kernel": kernel, "bias": bias}, x),
        theirs,
        values(3, *SIZES[axes], 2 * groups),
        values(*field, 2, 3 * groups),
        values(3 * groups),
    )


@pytest.mark.parametrize("seed", range(30))
def test_a_transposed_convolution_is_torchs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    axes = 1 + seed % 3
    field, strides, groups = shape_of(draw, axes, 4), int(draw.integers(1, 4)), int(draw.integers(1, 3))
    pads = [int(draw.integers(0, size)) for size in field]
    more = int(draw.integers(0, strides))
    stated = layer(
        f"conv{axes}d_transpose",
        shape=[*field, 2 * groups, 3 * groups],
        strides=strides,
        groups=groups,
        padding=pads,
        output_padding=more,
    )
    agree(
        lambda x, kernel: RULES[f"conv{axes}d_transpose"](stated, {"kernel": kernel}, x),
        lambda x, kernel: last(
            BACK[axes](first(x), kernel.movedim((-1, -2), (0, 1)), None, strides, pads, more, groups)
        ),
        values(2, *(size - 1 for size in SIZES[axes]), 2 * groups),
        values(*field, 3, 2 * groups),
    )


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("field", [(3, 2), (1, 4), (5, 5)])
def test_a_convolution_and_its_transpose_are_keras(strides: int, padding: str, field: tuple[int, int]) -> None:
    x, kernel = values(2, 9, 8, 3), values(*field, 3, 4)
    stated = {"shape": [*field, 3, 4], "strides": strides, "padding": padding}
    ours = RULES["conv2d"](layer("conv2d", **stated), {"kernel": Node(kernel)}, Node(x)).value
    wanted = keras.ops.conv(torch.tensor(x), torch.tensor(kernel), strides, padding)
    np.testing.assert_allclose(ours, wanted.numpy(), rtol=1e-9, atol=1e-10)
    turned = values(*field, 4, 3)
    ours = RULES["conv2d_transpose"](layer("conv2d_transpose", **stated), {"kernel": Node(turned)}, Node(x)).value
    made = keras.layers.Conv2DTranspose(4, field, strides, padding, use_bias=False, dtype="float64")
    made.build(x.shape)
    made.kernel.assign(turned)
    wanted = made(torch.tensor(x)).detach()
    np.testing.assert_allclose(ours, wanted.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("seed", range(24))
def test_pools_are_torchs(seed: int) -> None:
    draw = np.random.default_rng(seed)
    axes = 1 + seed % 3
    window, strides = shape_of(draw, axes, 3), shape_of(draw, axes, 3)
    pads = [int(draw.integers(0, size // 2 + 1)) for size in window]
    stated: dict[str, Any] = {"window": window, "strides": strides, "padding": pads}
    largest, mean = layer("max_pool", **stated), layer("average_pool", **stated)
    x = values(2, *SIZES[axes], 3)
    agree(
        lambda x: RULES["max_pool"](largest, {}, x),
        lambda x: last(MAX[axes](first(x), window, strides, pads)),
        x,
    )
    agree(
        lambda x: RULES["average_pool"](mean, {}, x),
        lambda x: last(MEAN[axes](first(x), window, strides, pads)),  # its default: padding counts
        x,
    )


@pytest.mark.parametrize("window", [(2, 2), (3, 3), (3, 2)])
@pytest.mark.parametrize("strides", [1, 2, 3, None])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_pools_are_keras(window: tuple[int, int], strides: int | None, padding: str) -> None:
    x, stated = values(2, 9, 8, 3), {"window": list(window), "strides": strides, "padding": padding}
    largest, mean = layer("max_pool", **stated), layer("average_pool", **stated)
    agree(
        lambda x: RULES["max_pool"](largest, {}, x),
        lambda x: keras.ops.max_pool(x, window, strides, padding),
        x,
    )
    # On torch Keras repeats the border where it pads more on one side; everywhere else it leaves padding out.
    ours = RULES["average_pool"](mean, {}, Node(x)).value
    wanted = keras_on_jax.average_pool(x.astype(np.float32), window, strides or window, padding)
    np.testing.assert_allclose(ours, np.asarray(wanted), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("factor", [2, 3])
def test_more_places_are_torchs(axes: int, factor: int) -> None:
    x = values(2, *SIZES[axes], 3)
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes]
    for method, mode in (("nearest", "nearest"), ("linear", linear)):
        corners = None if mode == "nearest" else False
        agree(
            lambda x, method=method: RULES["upsample"](layer("upsample", factor=factor, method=method), {}, x),
            lambda x, mode=mode, corners=corners: last(
                functional.interpolate(first(x), scale_factor=factor, mode=mode, align_corners=corners)
            ),
            x,
        )


def in_heads(x: torch.Tensor, heads: int) -> torch.Tensor:
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("heads", "key_heads"), [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("scale", [None, 1.0])
def test_attention_is_torchs(causal: bool, heads: int, key_heads: int, scale: float | None) -> None:
    steps, keys = (5, 5) if causal else (5, 7)
    stated = layer("dot_product_attention", heads=heads, key_heads=key_heads, causal=causal, scale=scale)

    def theirs(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        mask = bias.movedim(-1, 1)
        if causal:
            mask = mask.masked_fill(~torch.ones(steps, keys, dtype=torch.bool).tril(), float("-inf"))
        parts = (in_heads(q, heads), in_heads(k, key_heads), in_heads(v, key_heads))
        read = functional.scaled_dot_product_attention(*parts, attn_mask=mask, scale=scale, enable_gqa=True)
        return read.transpose(1, 2).flatten(2)

    agree(
        lambda q, k, v, bias: RULES["dot_product_attention"](stated, {}, q, k, v, bias),
        theirs,
        values(2, steps, heads * 3),
        values(2, keys, key_heads * 3),
        values(2, keys, key_heads * 3, seed=1),
        values(1, steps, keys, heads),
    )


@pytest.mark.parametrize("causal", [False, True])
def test_attention_between_two_sequences_is_torchs(causal: bool) -> None:
    steps, keys = (5, 5) if causal else (5, 7)
    module = torch.nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    stated = layer("multi_head_attention", shape=[6, 2, 3], causal=causal)
    joint, bias = values(18, 6), values(18)
    back, shift = values(6, 6), values(6)
    with torch.no_grad():
        module.in_proj_weight.copy_(torch.tensor(joint))
        module.in_proj_bias.copy_(torch.tensor(bias))
        module.out_proj.weight.copy_(torch.tensor(back))
        module.out_proj.bias.copy_(torch.tensor(shift))
    weights = {"attention_output/kernel": Node(back.T.reshape(2, 3, 6)), "attention_output/bias": Node(shift)}
    for name, matrix, part in zip(("query", "key", "value"), np.split(joint, 3), np.split(bias, 3), strict=True):
        weights |= {f"{name}/kernel": Node(matrix.T.reshape(6, 2, 3)), f"{name}/bias": Node(part.reshape(2, 3))}
    mask = ~torch.ones(steps, keys, dtype=torch.bool).tril() if causal else None
    agree(
        lambda x, other: RULES["multi_head_attention"](stated, weights, x, other),
        lambda x, other: module(x, other, other, need_weights=False, attn_mask=mask)[0],
        values(2, steps, 6),
        values(2, keys, 6),
    )


@pytest.mark.parametrize("size", [6, 10])
def test_a_rotation_is_gpt_neoxs_and_of_whole_heads_llamas(size: int) -> None:
    from transformers.models.gpt_neox.modeling_gpt_neox import apply_rotary_pos_emb

    angles = torch.arange(7)[:, None] * 500.0 ** (-torch.arange(0, 6, 2, dtype=torch.float64) / 6)
    cos, sin = (torch.cat([part, part], -1)[None] for part in (angles.cos(), angles.sin()))

    def theirs(x: torch.Tensor) -> torch.Tensor:
        turned, _ = apply_rotary_pos_emb(in_heads(x, 4), in_heads(x, 4), cos, sin)
        return torch.as_tensor(turned).transpose(1, 2).flatten(2)

    agree(
        lambda x: RULES["rotary"](layer("rotary", heads=4, base=500.0, width=6), {}, x), theirs, values(2, 7, 4 * size)
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("buckets", "farthest"), [(32, 128), (8, 20), (16, 1000)])
def test_buckets_are_t5s(bidirectional: bool, buckets: int, farthest: int) -> None:
    from transformers.models.t5.modeling_t5 import T5Attention

    away = torch.arange(300)[None, :] - torch.arange(300)[:, None]
    wanted = T5Attention._relative_position_bucket(away, bidirectional, buckets, farthest)
    stated = layer("relative_positions", buckets=buckets, max_distance=farthest, bidirectional=bidirectional)
    x = Node(np.zeros((1, 300, 1)))
    assert np.array_equal(RULES["relative_positions"](stated, {}, x, x).value[0], wanted.numpy())


@pytest.mark.parametrize("epsilon", [1e-12, 1e-3])
def test_norms_have_the_epsilon_that_is_stated(epsilon: float) -> None:
    x, gamma, beta = values(3, 4, 5, 6) * 1e-2, values(6), values(6, seed=1)
    torch_norms: dict[str, Callable[..., torch.Tensor]] = {
        "layer_norm": lambda x, g, b: functional.layer_norm(x, (6,), g, b, epsilon),
        "batch_norm": lambda x, g, b: last(functional.batch_norm(first(x), None, None, g, b, True, 0.1, epsilon)),
        "instance_norm": lambda x, g, b: last(functional.instance_norm(first(x), None, None, g, b, True, 0.1, epsilon)),
        "group_norm": lambda x, g, b: last(functional.group_norm(first(x), 2, g, b, epsilon)),
    }
    for kind, theirs in torch_norms.items():
        groups = {"num_groups": 2} if kind == "group_norm" else {}
        stated = layer(kind, shape=[6], epsilon=epsilon, **groups)
        agree(
            lambda x, g, b, kind=kind, stated=stated: RULES[kind](stated, {"gamma": g, "beta": b}, x),
            theirs, x, gamma, beta,
        )  # fmt: skip
    agree(
        lambda x, g: RULES["rms_norm"](layer("rms_norm", shape=[6], epsilon=epsilon), {"scale": g}, x),
        lambda x, g: functional.rms_norm(x, (6,), g, epsilon),
        x,
        gamma,
    )


def test_branches_part_and_meet_as_in_torch() -> None:
    def ours(x: Node, word: Node) -> Node:
        left, middle, right = RULES["split"](layer("split", sizes=[2, 3, 2], axis=-1), {}, x)
        joined = RULES["concatenate"](layer("concatenate", axis=1), {}, word, left, right)
        turned = RULES["transpose"](layer("transpose", axes=[2, 1]), {}, joined)
        wide = RULES["pad"](layer("pad", padding=[[1, 0], [0, 2]]), {}, turned)
        flat = RULES["flatten"](layer("flatten", channels_first=True), {}, wide)
        shaped = RULES["reshape"](layer("reshape", shape=[3, -1]), {}, flat)
        narrow = RULES["global_average_pool"](layer("global_average_pool"), {}, middle)
        row = RULES["reshape"](layer("reshape", shape=[3, 1]), {}, narrow)
        both = RULES["multiply"](layer("multiply"), {}, shaped, row)
        made: Node = RULES["add"](layer("add"), {}, both, RULES["scale"](layer("scale", by=0.3), {}, shaped), shaped)
        return made

    def theirs(x: torch.Tensor, word: torch.Tensor) -> torch.Tensor:
        left, middle, right = x.split([2, 3, 2], -1)
        joined = torch.cat([word.expand(len(x), -1, -1), left, right], 1)
        wide = functional.pad(joined.transpose(1, 2), (0, 2, 1, 0))
        shaped = wide.movedim(-1, 1).flatten(1).reshape(len(x), 3, -1)
        return shaped * middle.mean(1)[:, :, None] + 0.3 * shaped + shaped

    agree(ours, theirs, values(4, 5, 7), values(1, 1, 2))
