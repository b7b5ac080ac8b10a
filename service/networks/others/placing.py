"""A layer's arrays by a framework's manner: what each type of layer consists of, said once for all of them."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from service.errors import UnsupportedCombination
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Bilinear, Dense, MoeDense
from service.networks.layers.layer import LayerSpec
from service.networks.layers.normalization import PRelu
from service.networks.layers.recurrent import Place, Recurrent
from service.networks.layers.transformer import TransformerBlock
from service.networks.layouts import (
    Arrangement,
    Cut,
    Join,
    Move,
    Placement,
    Reshape,
    Take,
    flat_columns,
    flat_rows,
)
from service.networks.others.manner import MLX, ONNX, TENSORFLOW1, Manner


def placed_by(manner: Manner, layer: LayerSpec) -> Iterator[Placement]:
    """Yield a layer's arrays as a framework names and turns them; raises UnsupportedCombination where it cannot be."""
    if layer.type in manner.lacks:
        raise UnsupportedCombination(f"{manner.lacks[layer.type]}; other layouts have this layer", "/type")
    match layer:
        case TransformerBlock():
            yield from block(manner, layer)
        case Recurrent():
            yield from recurrent(manner, layer)
        case Attention():
            yield from attention(manner, layer)
        case SeparableConvolution():
            yield from separable(manner, layer)
        case Convolution() | TransposedConvolution() | DepthwiseConvolution():
            yield from convolution(manner, layer)
        case Dense() | MoeDense() | Bilinear():
            yield from dense(manner, layer)
        case PRelu():
            yield slopes(manner, layer)
        case _:
            for parameter in layer.parameters():
                yield Placement(manner.name(layer.type, parameter.name), Take(parameter.name))


def dense(manner: Manner, layer: Dense | MoeDense | Bilinear) -> Iterator[Placement]:
    take = Take("kernel")
    turned: Arrangement = take
    rows = manner.kernel(take, 0) != take  # outputs stand before inputs
    match layer:
        case Dense() if rows:
            turned = Move(take, (1, 0))
        case MoeDense() if rows:
            turned = Move(take, (0, 2, 1))
        case Bilinear() if rows:
            turned = Move(take, (2, 1, 0) if manner is MLX else (2, 0, 1))
    # MLX wraps what a low-rank update stands beside.
    prefix = "linear." if manner is MLX and getattr(layer, "lora_rank", None) else ""
    for parameter in layer.parameters():
        of = turned if parameter.name == "kernel" else Take(parameter.name)
        inner = prefix if parameter.name in ("kernel", "bias") else ""
        yield Placement(inner + manner.name(layer.type, parameter.name), of)


def kernel_of(manner: Manner, layer: LayerSpec, name: str, spatial: int) -> Arrangement:
    take: Arrangement = Take(name)
    match layer:
        case TransposedConvolution(groups=groups):
            if manner.joins_groups and groups > 1:
                apart = (Cut(take, spatial + 1, group, groups) for group in range(groups))
                return Join(tuple(manner.transposed(each, spatial) for each in apart), 0)
            if manner is MLX and groups > 1:
                raise UnsupportedCombination("MLX's transposed convolution has no groups", "/groups", {"groups": 1})
            return manner.transposed(take, spatial)
        case DepthwiseConvolution() | SeparableConvolution() if (
            name != "pointwise_kernel" and manner is not TENSORFLOW1
        ):
            take = Reshape(take, lambda shape: (*shape[:-2], 1, shape[-2] * shape[-1]))
    return outputs_first_in_onnx(manner, take, spatial)


def outputs_first_in_onnx(manner: Manner, kernel: Arrangement, spatial: int) -> Arrangement:
    """Return a convolution's kernel turned; ONNX's Conv has outputs first, though its Gemm has them last."""
    if manner is ONNX:
        return Move(kernel, (spatial + 1, spatial, *range(spatial)))
    return manner.kernel(kernel, spatial)


def convolution(
    manner: Manner, layer: Convolution | TransposedConvolution | DepthwiseConvolution
) -> Iterator[Placement]:
    spatial = len(layer.shape) - 2
    kernel = kernel_of(manner, layer, "kernel", spatial)
    yield Placement(conv_name(manner, "kernel"), kernel)
    if layer.has_bias:
        yield Placement(conv_name(manner, "bias"), bias_of(manner, spatial))


def conv_name(manner: Manner, name: str) -> str:
    return manner.conv_names.get(name) or manner.names.get(name, name)


def bias_of(manner: Manner, spatial: int) -> Arrangement:
    take = Take("bias")
    return Reshape(take, lambda shape: (*shape, *(1,) * spatial)) if manner.bias_axes else take


def separable(manner: Manner, layer: SeparableConvolution) -> Iterator[Placement]:
    spatial = len(layer.shape) - 2
    parts = ("depthwise", "pointwise")
    whole = manner is TENSORFLOW1  # tf.layers has it as one layer
    for part in parts:
        name = f"{part}_kernel" if whole else f"{part}{manner.separator}{conv_name(manner, 'kernel')}"
        yield Placement(name, kernel_of(manner, layer, f"{part}_kernel", spatial))
    if layer.has_bias:
        name = "bias" if whole else f"pointwise{manner.separator}{conv_name(manner, 'bias')}"
        yield Placement(name, bias_of(manner, spatial))


def slopes(manner: Manner, layer: PRelu) -> Placement:
    """Return PReLU's: of one axis where all others are 1; a single one has none in Equinox."""
    *places, features = layer.slopes
    of: Arrangement = Take("alpha")
    if prod(places) == 1 and manner is not TENSORFLOW1:
        of = Reshape(of, lambda _: (features,))
    if prod(layer.slopes) == 1 and manner.called == "Equinox":
        of = Reshape(Take("alpha"), lambda _: ())
    return Placement(manner.name(layer.type, "alpha"), of)


def attention(manner: Manner, layer: Attention) -> Iterator[Placement]:
    """Yield the four projections as dense layers: heads stand side by side."""
    if getattr(layer, "bias_kv", False):
        raise UnsupportedCombination(
            f"{manner.called}'s attention has no key and value of its own", "/bias_kv", {"bias_kv": False}
        )
    turned = manner.kernel(Take("kernel"), 0) != Take("kernel")
    for parameter in layer.parameters():
        part, _, name = parameter.name.partition("/")
        of: Arrangement = Take(parameter.name)
        if name == "kernel":
            of = Reshape(of, flat_rows if part == "attention_output" else flat_columns)
            of = Move(of, (1, 0)) if turned else of
        elif part != "attention_output":
            of = Reshape(of, lambda shape: (prod(shape),))
        yield Placement(f"{manner.attention.get(part, part)}{manner.separator}{manner.name(layer.type, name)}", of)


def recurrent(manner: Manner, layer: Recurrent) -> Iterator[Placement]:
    if getattr(layer, "projection", None) is not None:
        raise UnsupportedCombination(
            f"{manner.called}'s cells do not project their state", "/projection", {"projection": None}
        )
    places = list(layer.places())
    ways = 2 if layer.bidirectional else 1
    for number in range(layer.num_layers):
        stack = stacked(manner, number) if layer.num_layers > 1 else ""
        both = places[number * ways : (number + 1) * ways]
        if manner is ONNX:
            yield from directions(manner, layer, both, stack)
            continue
        for way, place in enumerate(both):
            side = f"{(('fw', 'bw') if manner is TENSORFLOW1 else ('forward', 'backward'))[way]}{manner.separator}"
            prefix = stack + (side if layer.bidirectional else "")
            yield from (replace(each, name=prefix + each.name) for each in manner.cell(layer, place))


def stacked(manner: Manner, number: int) -> str:
    if manner is TENSORFLOW1:
        return f"multi_rnn_cell/cell_{number}/"
    return f"layers.{number}." if manner is MLX else f"layer_{number}{manner.separator}"


def directions(manner: Manner, layer: Recurrent, places: list[Place], stack: str) -> Iterator[Placement]:
    """Yield arrays that have both directions of a layer, one after the other along their first axis."""
    each = [manner.cell(layer, place) for place in places]
    for arrays in zip(*each, strict=True):
        of = arrays[0].of if len(arrays) == 1 else Join(tuple(array.of for array in arrays), 0)
        yield Placement(stack + arrays[0].name, of)


def block(manner: Manner, layer: TransformerBlock) -> Iterator[Placement]:
    decoder = "decoder" in layer.type
    for name, _, part in layer.parts():
        called = manner.parts.get(name, name)
        if manner is MLX:
            called = "self_attention" if decoder and name == "attention" else called.replace("layer_", "layers.")
        for each in placed_by(manner, part):
            yield Placement(f"{called}{manner.separator}{each.name}", each.of.renamed(f"{name}/"))
