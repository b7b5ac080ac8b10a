"""A stack of layers that runs, with the weights that /init returns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.layers import Weights, frequency_of, rule_of, sources_of
from service.analysis.tape import Node
from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import (
    Convolution,
    DepthwiseConvolution,
    SeparableConvolution,
    TransposedConvolution,
)
from service.networks.layers.dense import Dense
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec
from service.networks.layers.normalization import LayerNorm, PRelu, RmsNorm
from service.networks.layers.recurrent import Recurrent
from service.networks.plan import PlannedLayer
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES

STEPS = 16  # of a sequence that nobody gave
SIDES = {1: 32, 2: 12, 3: 6}  # of what a convolution sees, by its axes, where nothing after it asks for another size
PLACES = 4096  # examples x places of a batch that nobody gave: enough for means to a few per cent
# float64 numbers that a pass may keep for the way back: half a gigabyte, and as much again for their gradients.
MOST_VALUES = 2**26
GATES = 4  # what a step of a recurrent layer keeps, in units of its gates: sums, gates, states
SETUP = 8  # a matrix decomposition's operations are worth so many of a pass's multiplications in time


@dataclass
class Stage:
    """A layer in its place: its weights, what it took, what came before its activation (`fed`) and after (`out`)."""

    planned: PlannedLayer
    layer: LayerSpec
    weights: Weights
    taken: Node
    fed: Node
    out: Node


def load(planned: PlannedLayer) -> dict[str, Node]:
    """Return a layer's weights as /init returns them, in float64, by their canonical names."""
    weights = {}
    for parameter in planned.parameters:
        values = np.concatenate([DTYPES[parameter.dtype].read(block) for block in parameter.blocks()])
        weights[parameter.name] = Node(values.astype(np.float64).reshape(parameter.shape))
    return weights


def field_of(layer: LayerSpec) -> list[int]:
    return layer.shape[:-2] if isinstance(layer, FIELDS) else []


WHOLE = (LayerNorm, RmsNorm, PRelu)  # layers whose sizes are those of an input's last axes
FIELDS = (Convolution, TransposedConvolution, DepthwiseConvolution, SeparableConvolution)


def default_shape(spec: Spec, batch: int | None) -> tuple[int, ...]:
    """Return the shape of a batch that fits the first layer; without features for an embedding's tokens."""
    first = spec.layers[0]
    axes = len(field_of(first))
    if axes:
        side = side_for(spec.layers) or SIDES[axes]
        places: tuple[int, ...] = (side,) * axes
    elif isinstance(first, WHOLE):
        places = tuple(first.shape[:-1])
    else:
        places = (STEPS,) if any(isinstance(layer, Embedding | Recurrent | Attention) for layer in spec.layers) else ()
    examples = batch or min(128, max(8, PLACES // prod(places)))
    shape = (examples, *places) if isinstance(first, Embedding) else (examples, *places, features_of(first))
    if prod(shape) > MOST_VALUES:
        raise too_large(f"{prod(shape):,} values as inputs", f"{MOST_VALUES:,}", "/layers/0/shape")
    return shape


def features_of(layer: LayerSpec) -> int:
    shape: list[int] = vars(layer)["shape"]
    if isinstance(layer, WHOLE):
        return shape[-1]
    return shape[-2] if isinstance(layer, FIELDS) else shape[0]


def side_for(layers: Sequence[LayerSpec]) -> int | None:
    """Return the side with which what the convolutions give is just what the dense layer after them takes."""
    axes, channels, step = len(field_of(layers[0])), 0, 1
    widest = max(max(field_of(layer), default=1) for layer in layers)
    for layer in layers:
        if isinstance(layer, FIELDS):
            *_, inputs, outputs = layer.shape
            channels = inputs * outputs if isinstance(layer, DepthwiseConvolution) else outputs
            step *= layer.strides if isinstance(layer, TransposedConvolution) else 1
        elif isinstance(layer, Dense):
            side = round((layer.shape[0] / channels) ** (1 / axes)) // step
            # On a ring smaller than the field a value would be seen twice.
            return side if side >= widest and channels * (side * step) ** axes == layer.shape[0] else None
    return None


# What a convolution reads of each example, by how many axes its kernel has.
AXES = ("length, channels", "height, width, channels", "depth, height, width, channels")


def fitted(x: Node, layer: LayerSpec, at: str) -> Node:
    """Return x as the layer takes it: flattened, and thinned out first where there are more places than it takes."""
    *outer, features = x.value.shape
    wanted = features_of(layer)
    field = field_of(layer)
    if field and len(outer) != 1 + len(field):
        raise refusal(layer, AXES[len(field) - 1], x.value.shape, at)
    if isinstance(layer, Recurrent | Attention) and len(outer) != 2:
        raise refusal(layer, "steps, features", x.value.shape, at)
    if isinstance(layer, WHOLE) and x.value.shape[1:][-len(layer.shape) :] != tuple(layer.shape):
        sizes = " × ".join(map(str, layer.shape))
        raise InvalidSpec(f"{layer.type} takes {sizes} of each example, not {list(x.value.shape[1:])}", at)
    if features == wanted:
        return x
    batch, *places = outer
    if isinstance(layer, Dense) and wanted % features == 0 and places:
        side = round((wanted // features) ** (1 / len(places)))
        if side ** len(places) * features == wanted and all(size >= side for size in places):
            steps = (slice(None), *(slice(None, size // side * side, size // side) for size in places))
            return tape.reshape(tape.select(x, steps), (batch, wanted))
    raise InvalidSpec(f"this layer takes {wanted} features, and {features} come: shapes {list(x.value.shape)}", at)


def refusal(layer: LayerSpec, needed: str, found: tuple[int, ...], at: str) -> InvalidSpec:
    """Return why a layer cannot read what comes, and where in a stack it could."""
    came = " × ".join(map(str, found[1:]))
    first = "before layers that mix or flatten axes" if needed in AXES else "first, or after an embedding"
    return InvalidSpec(f"{layer.type} reads {needed} of each example, and {came} numbers come: put it {first}", at)


class Network:
    """A stack of layers with the weights that /init gives, ready to run."""

    def __init__(self, spec: Spec, most_operations: int) -> None:
        # In Keras's layout parameters have their canonical names and axes.
        self.spec = spec.model_copy(update={"layout": "keras"})
        self.plan = self.spec.plan()
        self.most_operations = most_operations
        if self.plan.cost.operations > SETUP * most_operations:
            raise TooLarge(f"its matrices take {self.plan.cost.operations:,} operations before their first number")
        self.layers = [*self.spec.layers]
        if self.layers[-1].activation == "softmax" and not isinstance(
            self.layers[-1], Recurrent
        ):  # at the end it belongs to the loss: what counts are the logits
            self.layers[-1] = self.layers[-1].model_copy(update={"activation": "linear"})
        for index, layer in enumerate(self.layers):
            if isinstance(layer, Recurrent) and layer.activation not in FUNCTIONS:
                raise UnsupportedCombination(
                    f"a cell cannot have {layer.activation} inside", f"/layers/{index}/activation"
                )
            if not isinstance(layer, Embedding):
                rule_of(layer, f"/layers/{index}/type")
            elif index:
                raise InvalidSpec("an embedding takes tokens, so it is the first layer", f"/layers/{index}/type")

    def run(self, inputs: NDArray[Any], weights: Sequence[Weights] | None = None) -> Iterator[Stage]:
        """Yield layer after layer with its outputs for a batch; what is changed in a stage is what the next one gets.

        `weights` are each layer's, where they are not those that /init gives. Raises InitserveError where a layer does
        not fit the one before.
        """
        operations = kept = 0
        x = Node(inputs)
        for index, (layer, planned) in enumerate(zip(self.layers, self.plan.layers, strict=True)):
            at = f"/layers/{index}/shape"
            if not isinstance(layer, Embedding):
                x = fitted(x, layer, at)
            more, values = self._cost(layer, planned, x)
            operations, kept = operations + more, kept + values
            if operations > self.most_operations:
                raise too_large(f"{operations:,} multiplications", f"{self.most_operations:,}", at)
            if kept > MOST_VALUES:
                raise too_large(f"{kept:,} values kept for the way back", f"{MOST_VALUES:,}", at)
            own = load(planned) if weights is None else weights[index]
            if isinstance(layer, Embedding):
                fed = tape.look_up(own["embeddings"], inputs)
            else:
                fed = rule_of(layer, at)(layer, own, x)
                frequency = frequency_of(layer.activation, sources_of(planned))
                fed = fed if frequency == 1.0 else tape.scaled(fed, frequency)
            stage = Stage(planned, layer, own, x, fed, activated(layer, fed))
            yield stage
            x = stage.out

    def _cost(self, layer: LayerSpec, planned: PlannedLayer, x: Node) -> tuple[int, int]:
        """Return a layer's multiplications, and the values that it keeps."""
        weights = sum(parameter.elements for parameter in planned.parameters)
        places = prod(x.value.shape if isinstance(layer, Embedding) else x.value.shape[:-1])
        widest = max((parameter.shape[-1] for parameter in planned.parameters if parameter.shape), default=1)
        kept = weights + x.value.size * prod(field_of(layer)) + places * widest
        if isinstance(layer, Attention):
            kept += 4 * places * layer.shape[1] * (x.value.shape[1] + layer.shape[2])
        if isinstance(layer, Recurrent):
            kept += GATES * places * widest * layer.num_layers
        if isinstance(layer, TransposedConvolution):
            kept += places * layer.shape[-1] * (prod(field_of(layer)) + layer.strides ** len(field_of(layer)))
        work = 0 if isinstance(layer, Embedding) else places * weights
        if isinstance(layer, Recurrent):  # on the way back every step is put into an array of all steps
            work += 8 * GATES * places * widest * x.value.shape[1] * layer.num_layers
        return work, kept


def activated(layer: LayerSpec, fed: Node) -> Node:
    """Return what follows the layer; a recurrent layer has applied its activation inside."""
    if isinstance(layer, Recurrent) or layer.activation == "linear":
        return fed
    return tape.apply_softmax(fed) if layer.activation == "softmax" else tape.apply(FUNCTIONS[layer.activation], fed)


def too_large(asked: str, allowed: str, at: str) -> TooLarge:
    return TooLarge(f"running up to here takes {asked}; at most {allowed} are allowed: a smaller batch may do", at)
