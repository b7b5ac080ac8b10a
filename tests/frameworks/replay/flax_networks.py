"""Layers at random, each with what makes it in Flax: linen modules to initialise, nnx modules to construct."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from flax import linen, nnx
from hypothesis import strategies as st
from jax.nn import initializers

Layer = dict[str, Any]
SIZES = st.integers(1, 7)
# Schemes for matrices and for biases, and the initialisers that they are.
MATRICES: list[tuple[Any, Any]] = [
    (None, None),
    (None, None),
    ("he_uniform", initializers.he_uniform()),
    ("glorot_normal", initializers.glorot_normal()),
    ({"name": "random_normal", "stddev": 0.3}, initializers.normal(0.3)),
    ({"name": "truncated_normal", "stddev": 2.0, "lower": -1.0, "upper": 3.0},
     initializers.truncated_normal(2.0, lower=-1.0, upper=3.0)),
]  # fmt: skip
BIASES: list[tuple[Any, Any]] = [
    (None, None),
    (None, None),
    ({"name": "constant", "value": 0.7}, initializers.constant(0.7)),
    ({"name": "random_normal", "stddev": 0.3}, initializers.normal(0.3)),
    ({"name": "random_uniform", "minval": 0.0, "maxval": 0.5}, initializers.uniform(0.5)),
]


@dataclass(frozen=True)
class Made:
    """A layer of a spec; what makes its linen module, by keywords, and an input; what makes its nnx module."""

    layer: Layer
    linen: Callable[..., Any] | None
    inputs: Any
    nnx: Callable[..., Any] | None
    tensor: Any = None  # the initialiser of a bare array


def stated(**schemes: tuple[str, tuple[Any, Any]]) -> tuple[Layer, dict[str, Any]]:
    """Return what a spec and a constructor say of initialisers: constructor's argument = (member, (scheme, init))."""
    spec = {member: scheme for member, (scheme, _) in schemes.values() if scheme is not None}
    return spec, {argument: init for argument, (_, (_, init)) in schemes.items() if init is not None}


@st.composite
def biased(draw: st.DrawFn, kernel: str = "kernel_init", bias: str = "bias_init") -> tuple[Layer, dict[str, Any]]:
    """Draw schemes of a kernel and a bias, which may be left out."""
    spec, options = stated(**{
        kernel: ("scheme", draw(st.sampled_from(MATRICES))), bias: ("bias", draw(st.sampled_from(BIASES)))
    })  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        spec["bias"] = None
        options["use_bias"] = False
    return spec, options


@st.composite
def plain(draw: st.DrawFn) -> Made:
    a, b = draw(SIZES), draw(SIZES)
    spec, options = draw(biased())
    match draw(st.sampled_from(["dense", "einsum", "embedding", "norm"])):
        case "dense":
            return Made(
                {"type": "dense", "shape": [a, b], **spec}, lambda **k: linen.Dense(b, **options, **k),
                jnp.zeros((2, a)), lambda **k: nnx.Linear(a, b, **options, **k),
            )  # fmt: skip
        case "einsum":
            bias = options.pop("use_bias", True)
            spec |= {"bias_axes": "de"} if bias else {"bias": None}
            layer = {"type": "einsum_dense", "equation": "abc,cde->abde", "shape": [a, b, 3], **spec}
            return Made(
                layer, lambda **k: linen.Einsum((a, b, 3), "abc,cde->abde", use_bias=bias, **options, **k),
                jnp.zeros((1, 2, a)),
                lambda **k: nnx.Einsum("abc,cde->abde", (a, b, 3), (b, 3) if bias else None, **options, **k),
            )  # fmt: skip
        case "embedding":
            spec, options = stated(embedding_init=("scheme", draw(st.sampled_from(MATRICES))))
            return Made(
                {"type": "embedding", "shape": [a, b], **spec}, lambda **k: linen.Embed(a, b, **options, **k),
                jnp.zeros(2, jnp.int32), lambda **k: nnx.Embed(a, b, **options, **k),
            )  # fmt: skip
    return draw(norms())


@st.composite
def norms(draw: st.DrawFn) -> Made:
    features = draw(SIZES)
    kind = draw(st.sampled_from(["BatchNorm", "LayerNorm", "GroupNorm", "RMSNorm"]))
    schemes = {"scale_init": ("scheme", draw(st.sampled_from(BIASES)))}
    if kind != "RMSNorm":
        schemes["bias_init"] = ("bias", draw(st.sampled_from(BIASES)))
    spec, options = stated(**schemes)
    groups = {"num_groups": features} if kind == "GroupNorm" else {}
    running = {"use_running_average": True} if kind == "BatchNorm" else {}
    name = {"BatchNorm": "batch_norm", "LayerNorm": "layer_norm", "GroupNorm": "group_norm", "RMSNorm": "rms_norm"}
    return Made(
        {"type": name[kind], "shape": [features], **spec},
        lambda **k: getattr(linen, kind)(**groups, **running, **options, **k),
        jnp.zeros((2, features)),
        lambda **k: getattr(nnx, kind)(features, **groups, **options, **k),
    )


@st.composite
def convolutions(draw: st.DrawFn) -> Made:
    field, a, b = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3)), draw(SIZES), draw(SIZES)
    spec, options = draw(biased())
    axes, inputs = len(field), [1, *[4] * len(field)]
    match draw(st.sampled_from(["conv", "transposed", "depthwise"])):
        case "conv":
            groups = draw(st.sampled_from([1, 1, 2, 3]))
            options |= {"feature_group_count": groups}
            size = (*field, a * groups, b * groups)
            layer = {"type": f"conv{axes}d", "shape": list(size), "groups": groups, **spec}
        case "transposed":
            size = (*field, a, b)
            return Made(
                {"type": f"conv{axes}d_transpose", "shape": list(size), **spec},
                lambda **k: linen.ConvTranspose(b, tuple(field), **options, **k),
                jnp.zeros((*inputs, a)),
                lambda **k: nnx.ConvTranspose(a, b, tuple(field), **options, **k),
            )
        case _:
            field, inputs, axes = field[:2], inputs[:3], min(axes, 2)
            options |= {"feature_group_count": a}
            size = (*field, a, a * b)
            layer = {"type": f"depthwise_conv{axes}d", "shape": [*field, a, b], **spec}
    return Made(
        layer, lambda **k: linen.Conv(size[-1], tuple(field), **options, **k), jnp.zeros((*inputs, size[-2])),
        lambda **k: nnx.Conv(size[-2], size[-1], tuple(field), **options, **k),
    )  # fmt: skip


@st.composite
def attention(draw: st.DrawFn) -> Made:
    heads, size, width = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(SIZES)
    spec, options = draw(biased())
    more, out = stated(out_kernel_init=("output_scheme", draw(st.sampled_from(MATRICES))))
    if "scheme" in spec and not out:  # in Flax the projection back follows the others; here it has its own default
        out = {"out_kernel_init": initializers.lecun_normal()}
    options |= out
    kv = draw(st.sampled_from([number for number in (1, 2, 3) if heads % number == 0]))
    layer = {"type": "multi_head_attention", "shape": [width, heads, size], **spec, **more}
    if kv == heads:
        return Made(
            layer, lambda **k: linen.MultiHeadDotProductAttention(heads, qkv_features=heads * size, **options, **k),
            jnp.zeros((1, 2, width)),
            lambda **k: nnx.MultiHeadAttention(heads, width, heads * size, decode=False, **options, **k),
        )  # fmt: skip
    return Made(
        layer | {"type": "grouped_query_attention", "kv_heads": kv}, None, None,
        lambda **k: nnx.MultiHeadAttention(heads, width, heads * size, num_kv_heads=kv, decode=False, **options, **k),
    )  # fmt: skip


@st.composite
def recurrent(draw: st.DrawFn) -> Made:
    kind, cell = draw(st.sampled_from([("simple_rnn", "SimpleCell"), ("lstm", "LSTMCell"), ("gru", "GRUCell")]))
    a, b = draw(SIZES), draw(SIZES)
    spec, options = stated(
        kernel_init=("scheme", draw(st.sampled_from(MATRICES))),
        recurrent_kernel_init=("recurrent_scheme", draw(st.sampled_from(MATRICES))),
        bias_init=("bias", draw(st.sampled_from(BIASES))),
    )
    both = draw(st.booleans())
    make, made = getattr(linen, cell), getattr(nnx, cell)

    def in_linen(**k: Any) -> Any:
        if not both:
            return linen.RNN(make(b, **options, **k))
        name = {"name": k.pop("name")} if "name" in k else {}
        ways = [linen.RNN(make(b, parent=None, **options, **k), parent=None) for _ in range(2)]
        return linen.Bidirectional(*ways, **name)

    def in_nnx(**k: Any) -> Any:
        if not both:
            return made(a, b, **options, **k)
        forward = nnx.RNN(made(a, b, **options, **k))
        return nnx.Bidirectional(forward, nnx.RNN(made(a, b, **options, **k)))

    layer = {"type": kind, "shape": [a, b], "bidirectional": both, **spec}
    return Made(layer, in_linen, jnp.zeros((1, 2, a)), in_nnx)


@st.composite
def others(draw: st.DrawFn) -> Made:
    a, b, c = draw(SIZES), draw(SIZES), draw(SIZES)
    match draw(st.sampled_from(["tensor", "prelu", "lora", "separable"])):
        case "tensor":
            scheme, init = draw(st.sampled_from([pair for pair in MATRICES + BIASES if pair[0] is not None]))
            return Made({"type": "tensor", "shape": [a, b], "scheme": scheme}, None, None, None, init)
        case "prelu":
            return Made({"type": "prelu", "shape": [1]}, linen.PReLU, jnp.zeros(2), lambda rngs, **k: nnx.PReLU(**k))
        case "lora":
            layer = {"type": "dense", "shape": [a, b], "lora_rank": c}
            return Made(
                layer, None, None,
                lambda param_dtype, **k: nnx.LoRALinear(
                    a, b, lora_rank=c, param_dtype=param_dtype, lora_param_dtype=param_dtype, **k
                ),
            )  # fmt: skip
    layer = {"type": "separable_conv1d", "shape": [a, b, c], "depth_multiplier": 2}
    return Made(layer, Separable.of(a, b, c), jnp.zeros((1, 8, b)), lambda **k: NnxSeparable(a, b, c, **k))


class Separable(linen.Module):
    """A separable convolution as a user of linen writes it."""

    sizes: tuple[int, int, int]
    param_dtype: Any = jnp.float32

    @classmethod
    def of(cls, *sizes: int) -> Callable[..., Any]:
        return lambda **k: cls(sizes, **k)

    @linen.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        size, a, b = self.sizes
        more = {"param_dtype": self.param_dtype}
        x = linen.Conv(2 * a, (size,), feature_group_count=a, use_bias=False, name="depthwise", **more)(x)
        return linen.Conv(b, (1,), name="pointwise", **more)(x)


class NnxSeparable(nnx.Module):
    def __init__(self, size: int, a: int, b: int, **k: Any) -> None:
        self.depthwise = nnx.Conv(a, 2 * a, (size,), feature_group_count=a, use_bias=False, **k)
        self.pointwise = nnx.Conv(2 * a, b, (1,), **k)


LAYERS = st.one_of(plain(), plain(), norms(), convolutions(), attention(), recurrent(), others())
