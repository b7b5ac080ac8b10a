"""Keras's layers: which initialisers each constructs, in what order, and by what fans it counts.

A random initialiser that is constructed without a seed takes the next one of the sequence, whether it is used or not:
Bidirectional and attention construct copies of what they were given. To add a layer, say in `constructed` what its
constructor and its `build` construct.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import NamedTuple

from service.errors import UnsupportedCombination
from service.networks.fans import Fans, by_keras_rule
from service.networks.layers.attention import Attention, MultiHeadAttention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense, TransformersConv1D
from service.networks.layers.dropout import Dropout
from service.networks.layers.einsum import EinsumDense
from service.networks.layers.embedding import Embedding
from service.networks.layers.normalization import BatchNorm, GroupNorm, LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Lstm, Place, Recurrent
from service.networks.layers.tensor import Tensor
from service.networks.parameters import ONES
from service.replay.framework import Array, Module, no_such_layer, no_such_member
from service.replay.keras.laws import law_of, same_law


class Constructed(NamedTuple):
    """An initialiser: of which array's scheme, and whether it is the one that fills it."""

    array: str
    used: bool = True


# A layer's own takes a seed even without dropout; the copies that Bidirectional makes of SimpleRNN drop theirs.
SEED_GENERATOR, FORGETFUL = Constructed("", used=False), Constructed("?", used=False)


def constructed(module: Module) -> Iterator[Constructed]:
    """Yield the initialisers of a layer in the order in which they are constructed; of arrays it does not have, too."""
    match module.spec:
        case TransformersConv1D():
            raise no_such_layer("Keras", module, "dense")
        case Embedding(padding_index=int()):
            raise no_such_member(
                module, "padding_index", "Keras's Embedding has no row that starts at 0", {"padding_index": None}
            )
        case BatchNorm() | LayerNorm() | GroupNorm():
            names: Sequence[str] = ("beta", "gamma", "moving_mean", "moving_variance")
        case Dense() | EinsumDense() | Convolution() | TransposedConvolution() | DepthwiseConvolution():
            names = ("kernel", "bias", "lora_kernel_a", "lora_kernel_b")
        case SeparableConvolution():
            names = ("depthwise_kernel", "pointwise_kernel", "bias")
        case Embedding() | PRelu() | Tensor() | RmsNorm():
            names = tuple(module.arrays)
        case Recurrent():
            yield from recurrent(module, module.spec)
            return
        case Dropout():
            yield SEED_GENERATOR
            return
        case Attention():
            yield from attention(module, module.spec)
            return
        case _:
            raise no_such_layer("Keras", module)
    yield from (Constructed(name) for name in names)


def recurrent(module: Module, spec: Recurrent) -> Iterator[Constructed]:
    """Yield those of each layer of the stack: in both directions, of the layer given and of its two copies."""
    if isinstance(spec, Lstm) and spec.projection is not None:
        raise no_such_member(module, "projection", "Keras's LSTM has no projection", {"projection": None})
    places = list(spec.places())
    if not spec.bidirectional:
        for place in places:
            yield from cell(spec, place, used=True)
        return
    for forward, backward in zip(places[::2], places[1::2], strict=True):
        for name in ("kernel", "recurrent_kernel", "bias"):
            one_scheme(module, [f"{forward.keras}{name}", f"{backward.keras}{name}"], "Bidirectional copies one layer")
        yield from cell(spec, forward, used=False)
        yield from cell(spec, forward, used=True, copied=True)
        yield from cell(spec, backward, used=True, copied=True)


def cell(spec: Recurrent, place: Place, used: bool, copied: bool = False) -> Iterator[Constructed]:
    prefix = "" if spec.cell else place.keras
    if spec.gating.name == "simple_rnn":
        yield FORGETFUL if copied else SEED_GENERATOR
    for name in ("kernel", "recurrent_kernel", "bias"):
        yield Constructed(f"{prefix}{name}", used)
    if spec.gating.name != "simple_rnn":
        yield SEED_GENERATOR


def attention(module: Module, spec: Attention) -> Iterator[Constructed]:
    """Yield the two that the layer is given, and the copies that each of its four projections gets when it is built."""
    if isinstance(spec, MultiHeadAttention) and spec.bias_kv:
        raise no_such_member(module, "bias_kv", "Keras's MultiHeadAttention has no bias_kv", {"bias_kv": False})
    parts = ("query", "key", "value", "attention_output")
    for name in ("kernel", "bias"):
        one_scheme(module, [f"{part}/{name}" for part in parts], "Keras's attention has one for all four projections")
    for part, used in (("query", False), *((part, True) for part in parts)):
        yield Constructed(f"{part}/kernel", used)
        yield Constructed(f"{part}/bias", used)


def one_scheme(module: Module, names: Sequence[str], reason: str) -> None:
    """Refuse arrays that share an initialiser in Keras but not in the spec."""
    found = [module.arrays[name] for name in names if name in module.arrays]
    for array in found:
        law_of(array.scheme_in("keras"), array, fans_of(module, array))  # no scheme at all goes before another one
    for first, other in pairwise(found):
        if not same_law(first.scheme_in("keras"), other.scheme_in("keras")):
            scheme = first.scheme_in("keras").model_dump()
            raise UnsupportedCombination(
                f"{first.path} and {other.path} start alike: {reason}; state the same scheme for both",
                other.pointer,
                {other.pointer.rpartition("/")[2]: scheme},
            )


def fans_of(module: Module, array: Array) -> Fans:
    """Return the fans that Keras counts: by the shape, but for the kernels of EinsumDense by the equation's axes."""
    match module.spec:
        case EinsumDense() if array.name == "kernel":
            _, kernel, outputs = module.spec.labels
            sizes = list(zip(kernel, array.shape, strict=True))
            return Fans(
                prod(size for axis, size in sizes if axis not in outputs),
                prod(size for axis, size in sizes if axis in outputs),
            )
        case Attention() if array.name.endswith("kernel"):
            split = 2 if array.name.startswith("attention_output") else 1
            return Fans(prod(array.shape[:split]), prod(array.shape[split:]))
    return by_keras_rule(array.shape)


def check(module: Module) -> None:
    """Refuse what the layer's constructor has no argument for."""
    match module.spec:
        case RmsNorm() if not same_law(module.arrays["scale"].scheme_in("keras"), ONES):
            raise UnsupportedCombination(
                "Keras's RMSNormalization starts at 1; it takes no initialiser", module.arrays["scale"].pointer
            )
        case Tensor(fan_in=fan_in, fan_out=fan_out):
            by_shape = by_keras_rule(module.arrays["value"].shape)
            for member, stated, own in (("fan_in", fan_in, by_shape.fan_in), ("fan_out", fan_out, by_shape.fan_out)):
                if stated not in (None, own):
                    raise no_such_member(
                        module, member, f"Keras counts fans by the shape: {member} is {own} here", {member: own}
                    )
        case EinsumDense() if not takes_equation(module.spec):
            raise no_such_member(
                module,
                "equation",
                "Keras's EinsumDense wants the batch first in inputs and outputs and not in the kernel (or ... before "
                "both), and each axis of the kernel in the inputs or the outputs",
            )
        case EinsumDense(bias_axes=str() as axes) if not module.spec.labels[2].endswith(axes):
            last = module.spec.labels[2][-len(axes) :]
            raise no_such_member(
                module,
                "bias_axes",
                f"Keras's EinsumDense has its bias on the outputs' last axes: {last}",
                {"bias_axes": last},
            )


def takes_equation(spec: EinsumDense) -> bool:
    """Whether Keras's EinsumDense takes the equation, and gives a kernel of just this shape."""
    inputs, kernel, outputs = spec.labels
    elided = spec.equation.count("...")
    first = elided == 2 or (elided == 0 and outputs[:1] == inputs[:1] and outputs[:1] not in kernel)
    known = set(kernel) <= set(inputs) | set(outputs) and set(outputs) <= set(inputs) | set(kernel)
    return first and known and outputs != ""
