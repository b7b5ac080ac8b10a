"""What each type of layer does with its inputs.

To make another layer type run, add its rule to RULES. Convolutions keep the size of what they see, on a ring; norms
take the batch's own mean and variance, as in training; recurrent layers return every step.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.tape import Node
from service.errors import UnsupportedCombination
from service.networks.asked import Source
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense
from service.networks.layers.layer import LayerSpec
from service.networks.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Place, Recurrent
from service.networks.plan import PlannedLayer
from service.networks.schemes.scaling import Siren

Weights: TypeAlias = Mapping[str, Node]
Rule: TypeAlias = Callable[[Any, Weights, Node], Node]
NORMS = (BatchNorm, GroupNorm, InstanceNorm, LayerNorm, RmsNorm)
GROUPS = 32  # of a group normalisation, as in every framework, where they divide the features


def with_bias(y: Node, weights: Weights, name: str = "bias") -> Node:
    return tape.add(y, weights[name]) if name in weights else y


def dense(layer: Dense, weights: Weights, x: Node) -> Node:
    y = with_bias(times(x, weights["kernel"]), weights)
    if "lora_kernel_a" not in weights:
        return y
    return tape.add(y, times(times(x, weights["lora_kernel_a"]), weights["lora_kernel_b"]))


def times(x: Node, matrix: Node) -> Node:
    """(…, in) x (in, out) -> (…, out)."""
    *outer, inputs = x.value.shape
    flat = tape.reshape(x, (prod(outer), inputs))
    return tape.reshape(tape.contract("ab,bc->ac", flat, matrix), (*outer, matrix.value.shape[1]))


def convolution(layer: Convolution, weights: Weights, x: Node) -> Node:
    *field, inputs, outputs = layer.shape
    places, area, groups = x.value.shape[:-1], prod(field), layer.groups
    seen, reach = inputs // groups, outputs // groups
    patches = tape.reshape(tape.unfold(x, tuple(field)), (prod(places), area, groups, seen))
    kernel = tape.reshape(weights["kernel"], (area, seen, groups, reach))
    y = tape.contract("pfgs,fsgo->pgo", patches, kernel)
    return with_bias(tape.reshape(y, (*places, outputs)), weights)


def transposed(layer: TransposedConvolution, weights: Weights, x: Node) -> Node:
    *field, inputs, outputs = layer.shape
    places, area, groups = x.value.shape[:-1], prod(field), layer.groups
    seen, reach = inputs // groups, outputs // groups
    kernel = tape.reshape(weights["kernel"], (area, reach, groups, seen))
    y = tape.contract("pgs,fogs->pfgo", tape.reshape(x, (prod(places), groups, seen)), kernel)
    laid = tape.fold(tape.reshape(y, (*places, *field, outputs)), tuple(field), layer.strides)
    return with_bias(laid, weights)


def channelwise(field: list[int], kernel: Node, x: Node) -> Node:
    """Every channel through fields of its own: (…, channels) -> (…, channels x multiplier)."""
    places, (channels, multiplier) = x.value.shape[:-1], kernel.value.shape[-2:]
    patches = tape.reshape(tape.unfold(x, tuple(field)), (prod(places), prod(field), channels))
    y = tape.contract("pfc,fcm->pcm", patches, tape.reshape(kernel, (prod(field), channels, multiplier)))
    return tape.reshape(y, (*places, channels * multiplier))


def depthwise(layer: DepthwiseConvolution, weights: Weights, x: Node) -> Node:
    return with_bias(channelwise(layer.shape[:-2], weights["kernel"], x), weights)


def separable(layer: SeparableConvolution, weights: Weights, x: Node) -> Node:
    *field, _, outputs = layer.shape
    middle = channelwise(field, weights["depthwise_kernel"], x)
    pointwise = tape.reshape(weights["pointwise_kernel"], (middle.value.shape[-1], outputs))
    return with_bias(times(middle, pointwise), weights)


def scale_and_shift(y: Node, weights: Weights) -> Node:
    return with_bias(tape.multiply(y, weights["gamma"]), weights, "beta")


def batch_norm(layer: BatchNorm, weights: Weights, x: Node) -> Node:
    return scale_and_shift(tape.standardise(x, tuple(range(x.value.ndim - 1))), weights)


def last_axes(layer: LayerNorm | RmsNorm) -> tuple[int, ...]:
    """Return the axes that a layer of so many sizes normalises together."""
    return tuple(range(-len(layer.shape), 0))


def layer_norm(layer: LayerNorm, weights: Weights, x: Node) -> Node:
    return scale_and_shift(tape.standardise(x, last_axes(layer)), weights)


def group_norm(layer: GroupNorm, weights: Weights, x: Node) -> Node:
    features = layer.shape[0]
    groups = GROUPS if features % GROUPS == 0 else 1
    batch, *places = x.value.shape[:-1]
    parted = tape.reshape(x, (batch, prod(places), groups, features // groups))
    return scale_and_shift(tape.reshape(tape.standardise(parted, (1, 3)), x.value.shape), weights)


def instance_norm(layer: InstanceNorm, weights: Weights, x: Node) -> Node:
    return scale_and_shift(tape.standardise(x, tuple(range(1, x.value.ndim - 1))), weights)


def rms_norm(layer: RmsNorm, weights: Weights, x: Node) -> Node:
    return tape.multiply(tape.standardise(x, last_axes(layer), centred=False), weights["scale"])


def prelu(layer: PRelu, weights: Weights, x: Node) -> Node:
    positive = tape.apply(FUNCTIONS["relu"], x)
    negative = tape.add(x, tape.scaled(positive, -1.0))
    return tape.add(positive, tape.multiply(negative, weights["alpha"]))


def attention(layer: Attention, weights: Weights, x: Node) -> Node:
    """Every place of a sequence attends to every other, itself too; no mask."""
    _, heads, size = layer.shape
    query, key, value = (
        with_bias(tape.contract("btd,dhs->bths", x, weights[f"{name}/kernel"]), weights, f"{name}/bias")
        for name in ("query", "key", "value")
    )
    shared = heads // layer.key_heads  # heads of queries for each of keys and values
    batch, steps = x.value.shape[:2]
    query = tape.reshape(query, (batch, steps, layer.key_heads, shared, size))
    scores = tape.scaled(tape.contract("btkgs,buks->btkgu", query, key), size**-0.5)
    read = tape.contract("btkgu,buks->btkgs", tape.apply_softmax(scores), value)
    read = tape.reshape(read, (batch, steps, heads, size))
    back = tape.contract("bths,hsd->btd", read, weights["attention_output/kernel"])
    return with_bias(back, weights, "attention_output/bias")


def recurrent(layer: Recurrent, weights: Weights, x: Node) -> Node:
    """(batch, steps, in) -> (batch, steps, units), or twice as many where it reads both ways."""
    places = list(layer.places())
    ways = 2 if layer.bidirectional else 1
    for first in range(0, len(places), ways):
        x = tape.join([run_cell(layer, places[first + way], weights, x, way == 1) for way in range(ways)], -1)
    return x


def run_cell(layer: Recurrent, place: Place, weights: Weights, x: Node, backwards: bool) -> Node:
    kernel, recur = weights[f"{place.keras}kernel"], weights[f"{place.keras}recurrent_kernel"]
    bias = weights.get(f"{place.keras}bias")
    batch, steps, _ = x.value.shape
    units, step = layer.shape[1], CELLS[layer.gating.name]
    inner = None
    fed = times(x, kernel)
    if bias is not None and layer.gating.two_biases:
        fed, inner = tape.add(fed, tape.select(bias, (0,))), tape.select(bias, (1,))
    elif bias is not None:
        fed = tape.add(fed, bias)
    state = memory = Node(np.zeros((batch, units)))
    outputs: list[Node] = []
    for time in range(steps)[:: -1 if backwards else 1]:
        recalled = times(state, recur)
        recalled = recalled if inner is None else tape.add(recalled, inner)
        here = tape.select(fed, (slice(None), time))
        state, memory = step(layer.activation, units, here, recalled, state, memory)
        outputs.append(state)
    return tape.stack(outputs[:: -1 if backwards else 1], 1)


def gate(a: Node, units: int, number: int) -> Node:
    return tape.select(a, (slice(None), slice(number * units, (number + 1) * units)))


def simple_step(activation: str, units: int, fed: Node, recalled: Node, state: Node, memory: Node) -> tuple[Node, Node]:
    return tape.apply(FUNCTIONS[activation], tape.add(fed, recalled)), memory


def lstm_step(activation: str, units: int, fed: Node, recalled: Node, state: Node, memory: Node) -> tuple[Node, Node]:
    """Gates in Keras's order: input, forget, cell, output."""
    total = tape.add(fed, recalled)
    enter, keep, leave = (tape.apply(FUNCTIONS["sigmoid"], gate(total, units, number)) for number in (0, 1, 3))
    candidate = tape.apply(FUNCTIONS[activation], gate(total, units, 2))
    memory = tape.add(tape.multiply(keep, memory), tape.multiply(enter, candidate))
    return tape.multiply(leave, tape.apply(FUNCTIONS[activation], memory)), memory


def gru_step(activation: str, units: int, fed: Node, recalled: Node, state: Node, memory: Node) -> tuple[Node, Node]:
    """Gates in Keras's order: update, reset, candidate; the reset gate comes after the recurrent kernel."""
    update, reset = (
        tape.apply(FUNCTIONS["sigmoid"], tape.add(gate(fed, units, number), gate(recalled, units, number)))
        for number in (0, 1)
    )
    past = tape.multiply(reset, gate(recalled, units, 2))
    candidate = tape.apply(FUNCTIONS[activation], tape.add(gate(fed, units, 2), past))
    change = tape.add(state, tape.scaled(candidate, -1.0))
    return tape.add(candidate, tape.multiply(update, change)), memory


CELLS = {"simple_rnn": simple_step, "lstm": lstm_step, "gru": gru_step}
RULES: dict[type[LayerSpec], Rule] = {
    Dense: dense,
    Convolution: convolution,
    TransposedConvolution: transposed,
    DepthwiseConvolution: depthwise,
    SeparableConvolution: separable,
    BatchNorm: batch_norm,
    LayerNorm: layer_norm,
    GroupNorm: group_norm,
    InstanceNorm: instance_norm,
    RmsNorm: rms_norm,
    PRelu: prelu,
    Attention: attention,
    Recurrent: recurrent,
}


# Members that change what a layer does beyond its rule.
BEYOND = ("projection", "key_width", "value_width", "bias_kv")


def rule_of(layer: LayerSpec, at: str) -> Rule:
    for member in BEYOND:
        if getattr(layer, member, None):
            raise UnsupportedCombination(f"a layer with {member} has no rule to run by here", at)
    for kind in type(layer).__mro__:
        if kind in RULES:
            return RULES[kind]
    names = "dense, conv, separable and depthwise, embedding, norms, recurrent, attention"
    raise UnsupportedCombination(f"a layer of type {layer.type} has no rule to run by here; these have: {names}", at)


def last_norm_of(layers: Sequence[LayerSpec]) -> int:
    """Return the number of the last norm in a stack, -1 where there is none."""
    return max((index for index, layer in enumerate(layers) if isinstance(layer, NORMS)), default=-1)


def frequency_of(activation: str, sources: Mapping[str, Source]) -> float:
    """Return what a sine layer's outputs are multiplied by before the sine: the omega that siren narrows weights by."""
    schemes = [source.choice.scheme for source in sources.values()]
    return next((one.omega for one in schemes if isinstance(one, Siren) and activation == "sin"), 1.0)


def sources_of(planned: PlannedLayer) -> Mapping[str, Source]:
    return planned.parameters[0].array.sources
