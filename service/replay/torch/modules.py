"""What torch's modules draw when they are constructed, and which call of torch.nn.init a scheme is.

To add a layer, say in `constructed` what its module draws, in order.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod
from typing import NamedTuple

import numpy as np

from service.errors import InitserveError, InvalidSpec, UnsupportedCombination
from service.networks.fans import Fans
from service.networks.layers.attention import MultiHeadAttention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Bilinear, Dense, TransformersConv1D
from service.networks.layers.dropout import Dropout
from service.networks.layers.embedding import Embedding
from service.networks.layers.normalization import PRelu, RmsNorm, ScaleAndShift
from service.networks.layers.recurrent import Recurrent
from service.networks.layers.transformer import TransformerBlock, TransformerStack
from service.networks.schemes import Scheme
from service.networks.schemes.biases import StepBias
from service.networks.schemes.frameworks import JaxOrthogonal
from service.networks.schemes.linear import OrthogonalScheme
from service.networks.schemes.linear import Sparse as SparseScheme
from service.networks.schemes.plain import BoundedNormal, RandomNormal, RandomUniform, TruncatedNormal
from service.networks.schemes.scaling import VarianceScaling
from service.replay.framework import (
    Array,
    Module,
    described,
    no_such_layer,
    no_such_member,
    no_such_scheme,
    untruncated,
)
from service.replay.torch.draws import Call, Normal, Uniform
from service.replay.torch.inverse import ByInverse
from service.replay.torch.steps import StepBiases
from service.replay.torch.whole import Orthogonal, Sparse, TruncNormal
from service.stream.distributions import Constant, Distribution
from service.stream.distributions import Normal as NormalValues
from service.stream.distributions import Uniform as UniformValues
from service.stream.matrices import Computed
from service.stream.matrices import Orthogonal as OrthogonalValues
from service.stream.stacks import Stack
from service.stream.views import Shape


def fans_of(array: Array) -> Fans:
    """Return what torch.nn.init makes of a tensor's shape; raises InvalidSpec below two axes, as torch does."""
    if len(array.shape) < 2:
        raise InvalidSpec(
            f"torch counts no fans of {array.path}, which has fewer than two axes: choose a scheme without them",
            array.pointer,
        )
    field = prod(array.shape[2:])
    return Fans(array.shape[1] * field, array.shape[0] * field)


def kaiming_uniform(fan_in: float) -> Uniform:
    """Return kaiming_uniform_(a=√5), the default of weights, in torch's own order of operations."""
    deviation = math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(fan_in)
    bound = math.sqrt(3.0) * deviation
    return Uniform(-bound, bound)


def within(bound: float) -> Uniform:
    return Uniform(-bound, bound)


class Draw(NamedTuple):
    """A call that a module makes when it is constructed; `name` is "" where what it fills is not kept.

    `copies` are arrays that are copied from the one that it fills.
    """

    name: str
    call: Call
    shape: Shape
    copies: tuple[str, ...] = ()


def linear(module: Module, weight: str = "weight", bias: str = "bias") -> Iterator[Draw]:
    """Yield what Linear and convolutions draw: the weight, then the bias by the same fan."""
    fan_in = fans_of(module.arrays[weight]).fan_in
    yield Draw(weight, kaiming_uniform(fan_in), module.arrays[weight].shape)
    if bias in module.arrays:
        yield Draw(bias, within(1 / math.sqrt(fan_in)), module.arrays[bias].shape)


def xavier_deviation(fans: Fans, gain: float = 1.0) -> float:
    return gain * math.sqrt(2.0 / float(fans.fan_in + fans.fan_out))


def attention(module: Module, spec: MultiHeadAttention, prefix: str = "") -> Iterator[Draw]:
    """Yield what MultiheadAttention draws: the projection back as a Linear (its bias is then 0), then q, k, v."""
    if not (spec.one_matrix or spec.several_widths):
        width, heads, size = spec.shape
        if heads * size != width:
            raise no_such_member(module, "shape", "torch's MultiheadAttention has heads × head_dim = dim")
        raise no_such_member(module, "fused", "torch's MultiheadAttention has q, k, v in one matrix", {"fused": True})
    weight = f"{prefix}out_proj.weight"
    for draw in linear(module, weight, f"{prefix}out_proj.bias"):
        yield draw if draw.name == weight else draw._replace(name="")
    names = ("in_proj_weight",) if spec.one_matrix else ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    for array in (module.arrays[f"{prefix}{name}"] for name in names):
        yield Draw(array.name, within(math.sqrt(3.0) * xavier_deviation(fans_of(array))), array.shape)
    for array in (module.arrays[name] for name in ("bias_k", "bias_v") if spec.bias_kv):
        yield Draw(array.name, Normal(0.0, xavier_deviation(fans_of(array))), array.shape)


def block(module: Module, spec: TransformerBlock, prefix: str = "") -> Iterator[Draw]:
    for _, name, part in spec.parts():
        if isinstance(part, MultiHeadAttention):
            yield from attention(module, part, f"{prefix}{name}.")
        elif isinstance(part, Dense):
            yield from linear(module, f"{prefix}{name}.weight", f"{prefix}{name}.bias")


def stack(module: Module, spec: TransformerStack) -> Iterator[Draw]:
    """Yield what the first block draws: torch deep-copies it, so that all of them start alike."""
    first = "layers.0."
    for draw in block(module, spec.block(), first):
        rest = draw.name.removeprefix(first)
        yield draw._replace(copies=tuple(f"layers.{number}.{rest}" for number in range(1, spec.num_layers) if rest))


def all_alike(module: Module, call: Call) -> Iterator[Draw]:
    for array in module.arrays.values():
        yield Draw(array.name, call, array.shape)


def constructed(module: Module) -> Iterator[Draw]:
    """Yield what a module draws when it is constructed; arrays that are not named start without chance."""
    match module.spec:
        case Dense(lora_rank=int()):
            raise no_such_member(
                module, "lora_rank", "torch's Linear has no LoRA; its matrices can be tensors", {"lora_rank": None}
            )
        case TransformersConv1D():
            yield Draw("weight", Normal(0.0, 0.02), module.arrays["weight"].shape)
        case Dense() | Convolution() | TransposedConvolution() | DepthwiseConvolution():
            yield from linear(module)
        case SeparableConvolution():
            yield from linear(module, "depthwise.weight", "")
            yield from linear(module, "pointwise.weight", "pointwise.bias")
        case Bilinear():
            yield from all_alike(module, within(1 / math.sqrt(module.arrays["weight"].shape[1])))
        case Embedding():
            yield Draw("weight", Normal(0.0, 1.0), module.arrays["weight"].shape)
        case Recurrent(shape=[_, units]):
            yield from all_alike(module, within(1.0 / math.sqrt(units)))
        case MultiHeadAttention() as spec:
            yield from attention(module, spec)
        case TransformerStack() as spec:
            yield from stack(module, spec)
        case TransformerBlock() as spec:
            yield from block(module, spec)
        case ScaleAndShift() | RmsNorm() | PRelu() | Dropout():
            return
        case _:
            raise no_such_layer("torch", module)


def variance_scaling(scheme: VarianceScaling, array: Array, fans: Fans) -> Call:
    """Return kaiming_ (by one fan) or xavier_ (by both), whose gain is the root of the scale."""
    kind = "kaiming" if scheme.mode in ("fan_in", "fan_out") else "xavier"
    gain = math.sqrt(scheme.scale)  # exact where scale is a gain squared in float64
    if scheme.by_axes:
        raise no_such_scheme("torch", array, scheme, f"torch:{kind}_normal")
    if scheme.mode == "fan_geo_avg" or scheme.distribution in ("truncated_normal", "uncorrected_normal"):
        raise no_such_scheme("torch", array, scheme, None if scheme.mode == "fan_geo_avg" else untruncated(scheme))
    if kind == "xavier":
        deviation = xavier_deviation(fans, gain)
    else:
        deviation = gain / math.sqrt(fans.fan_in if scheme.mode == "fan_in" else fans.fan_out)
    return within(math.sqrt(3.0) * deviation) if scheme.distribution == "uniform" else Normal(0.0, deviation)


def sparse(scheme: SparseScheme, array: Array) -> Call:
    if len(array.shape) != 2:
        raise InvalidSpec(f"{scheme.name} needs exactly two axes, not {described(array)}", array.pointer)
    if scheme.columns != "inputs":
        instead = scheme.model_copy(update={"name": "torch:sparse", "columns": "inputs"})
        raise no_such_scheme("torch", array, scheme, instead)
    rows, columns = array.shape
    return Sparse(rows, columns, math.ceil(scheme.sparsity * rows), scheme.stddev)


def truncated(array: Array, scheme: Scheme, deviation: float, bounds: tuple[float, float], mean: float) -> Call:
    if not deviation:
        raise UnsupportedCombination(
            f"torch's trunc_normal_ divides by stddev, which is 0 in {scheme.name}", array.pointer
        )
    if bounds[0] >= bounds[1]:
        raise InvalidSpec(f"torch's bounds for {scheme.name} are {bounds[0]:g} and {bounds[1]:g}", array.pointer)
    if scheme.name == "timm:trunc_normal_tf":
        low, high = ((bound - mean) / deviation for bound in bounds)
        return ByInverse(0.0, 1.0, low, high, (deviation, mean))
    kind = ByInverse if scheme.framework == "timm" else TruncNormal
    return kind(mean, deviation, *bounds)


def called(array: Array, scheme: Scheme, fans: Callable[[], Fans]) -> Call | None:
    """Return the call of torch.nn.init that a scheme is, None where no chance is in it."""
    match scheme:
        case RandomNormal(mean=mean, stddev=deviation):
            return Normal(mean, deviation)
        case RandomUniform(minval=low, maxval=high):
            return Uniform(low, high)
        case BoundedNormal(mean=mean, stddev=deviation):
            return truncated(array, scheme, deviation, (scheme.minval, scheme.maxval), mean)
        case TruncatedNormal(mean=mean, preserve_std=False):
            bounds = mean + scheme.lower * scheme.stddev, mean + scheme.upper * scheme.stddev
            return truncated(array, scheme, scheme.stddev, bounds, mean)
        case VarianceScaling():
            return variance_scaling(scheme, array, fans())
        case JaxOrthogonal() if len(array.shape) > 2 and scheme.column_axis not in (-1, len(array.shape) - 1):
            raise no_such_scheme("torch", array, scheme, "torch:orthogonal")
        case OrthogonalScheme(gain=gain):
            if len(array.shape) < 2:
                raise InvalidSpec(f"{scheme.name} needs two axes or more, not {described(array)}", array.pointer)
            return Orthogonal(array.shape[0], prod(array.shape[1:]), gain)
        case SparseScheme():
            return sparse(scheme, array)
        case StepBias(shortest=shortest, longest=longest, floor=floor):
            return StepBiases(shortest, longest, floor)
        case _:
            return by_distribution(array, scheme, fans)


def by_distribution(array: Array, scheme: Scheme, fans: Callable[[], Fans]) -> Call | None:
    """Return normal_ or uniform_ for a scheme that only chooses their numbers."""
    site = array.parameter.site("pytorch")
    try:
        distribution = scheme.realise(replace(site, counted=fans()) if len(array.shape) > 1 else site)
    except InitserveError as error:
        raise error.at(array.pointer) from None
    match distribution:
        case NormalValues(low=None, high=None):
            return Normal(distribution.location, distribution.scale)
        case UniformValues():
            return Uniform(distribution.minimum, distribution.maximum)
        case _ if distribution.deterministic:
            return None
    raise no_such_scheme("torch", array, scheme)


def expected(call: Call, array: Array) -> Distribution:
    """Return what to expect of a call's values."""
    match call:
        case Uniform(low, high):
            return UniformValues(low, high)
        case Normal(mean, deviation):
            return NormalValues(mean, deviation) if deviation else Constant(mean)
        case ByInverse(scaled=(deviation, mean)) as call:
            return NormalValues(mean, deviation, call.low, call.high)
        case TruncNormal(mean, deviation, low, high) | ByInverse(mean, deviation, low, high):
            lower, upper = (low - mean) / deviation, (high - mean) / deviation
            return NormalValues(mean, deviation, lower, upper, (low, high))
        case Orthogonal(rows, columns, gain):
            return OrthogonalValues(Stack.one(rows, columns), gain)
        case StepBiases(shortest, longest, floor):
            steps = StepBias(name="step_bias", shortest=shortest, longest=longest, floor=floor)
            return steps.realise(array.parameter.site("pytorch"))
        case Sparse(rows, _, zeros, deviation):
            share = deviation * math.sqrt(1.0 - zeros / rows)
            return Computed((0.0, share, None, None), ("sparse",), 0, lambda chance: np.empty(0), by_chance=True)
    raise TypeError(f"nothing is known of {call}")
