"""A stack of layers that runs, with the weights that /init returns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.layers import frequency_of, rule_of, sources_of
from service.analysis.rules import Weights
from service.analysis.sizes import (
    MOST_VALUES,
    PER_LAYER,
    PER_VALUE,
    PER_WEIGHT,
    SETUP,
    THERE_AND_BACK,
    cost_of,
    given,
    taken,
    too_large,
)
from service.analysis.tape import Node
from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec
from service.networks.layers.recurrent import Recurrent
from service.networks.plan import PlannedLayer
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES
from service.stream.views import Shape

MOST_LAYERS = 1024  # some twenty milliseconds each, whatever their sizes


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
        weights[parameter.source.stated.name] = Node(values.astype(np.float64).reshape(parameter.shape))
    return weights


def fitted(x: Node, layer: LayerSpec, at: str) -> Node:
    """Return x as the layer takes it: flattened, and thinned out first where there are more places than it takes."""
    found = taken(x.value.shape, layer, at)
    return x if found.every is None else tape.reshape(tape.select(x, found.every), found.shape)


def check_rules(layers: Sequence[LayerSpec]) -> None:
    """Raise UnsupportedCombination or InvalidSpec where a layer has no rule to run by."""
    for index, layer in enumerate(layers):
        if isinstance(layer, Recurrent) and layer.activation not in FUNCTIONS:
            raise UnsupportedCombination(f"a cell cannot have {layer.activation} inside", f"/layers/{index}/activation")
        if not isinstance(layer, Embedding):
            rule_of(layer, f"/layers/{index}/type")
        elif index:
            raise InvalidSpec("an embedding takes tokens, so it is the first layer", f"/layers/{index}/type")


def refuse_part(spec: Spec) -> None:
    """Refuse a part of a network, and one of which two layers are one: what runs is a stack of layers, whole."""
    if spec.select is not None:
        raise InvalidSpec("a network is studied whole, not a part of it", "/select", {"select": None})
    if spec.expanded.tied:
        raise UnsupportedCombination("a model of which two arrays are one is no stack of layers", "/recipe")


class Network:
    """A stack of layers with the weights that /init gives, ready to run."""

    def __init__(self, spec: Spec, most_operations: int) -> None:
        refuse_part(spec)
        if len(spec.layers) > MOST_LAYERS:
            detail = f"a network that is studied has at most {MOST_LAYERS:,} layers, not {len(spec.layers):,}"
            raise TooLarge(detail, "/layers")
        # In Keras's layout parameters have their canonical names and axes.
        self.spec = spec.shown_in("keras")
        self.plan = self.spec.plan()
        self.most_operations = most_operations
        if self.plan.cost.operations > SETUP * most_operations:
            raise TooLarge(f"its matrices take {self.plan.cost.operations:,} operations before their first number")
        self.layers = [*self.spec.layers]
        if self.layers[-1].activation == "softmax" and not isinstance(
            self.layers[-1], Recurrent
        ):  # at the end it belongs to the loss: what counts are the logits
            self.layers[-1] = self.layers[-1].model_copy(update={"activation": "linear"})
        check_rules(self.layers)

    def price(self, shape: Shape) -> int:
        """Return what it costs to study a batch of this shape, in multiplications that take as long.

        Raises InitserveError where a layer does not fit the one before, or where it is too much: before any number is
        drawn.
        """
        work = kept = weights = 0
        for index, (layer, planned) in enumerate(zip(self.layers, self.plan.layers, strict=True)):
            at = f"/layers/{index}/shape"
            shape = shape if isinstance(layer, Embedding) else taken(shape, layer, at).shape
            cost = cost_of(layer, [parameter.shape for parameter in planned.parameters], shape)
            work, kept, weights = work + cost.work, kept + cost.kept, weights + cost.weights
            if work > self.most_operations:
                raise too_large(f"{work:,} multiplications", f"{self.most_operations:,}", at)
            if kept > MOST_VALUES:
                raise too_large(f"{kept:,} values kept for the way back", f"{MOST_VALUES:,}", at)
            shape = given(layer, shape)
        return THERE_AND_BACK * work + PER_VALUE * kept + PER_WEIGHT * weights + PER_LAYER * len(self.layers)

    def run(self, inputs: NDArray[Any], weights: Sequence[Weights] | None = None) -> Iterator[Stage]:
        """Yield layer after layer with its outputs for a batch; what is changed in a stage is what the next one gets.

        `weights` are each layer's, where they are not those that /init gives. Raises InitserveError where a layer does
        not fit the one before.
        """
        self.price(inputs.shape)
        x = Node(inputs)
        for index, (layer, planned) in enumerate(zip(self.layers, self.plan.layers, strict=True)):
            at = f"/layers/{index}/shape"
            if not isinstance(layer, Embedding):
                x = fitted(x, layer, at)
            own = load(planned) if weights is None else weights[index]
            if isinstance(layer, Embedding):
                fed = tape.look_up(own["embeddings"], inputs)
            else:
                made = rule_of(layer, at)(layer, own, x)
                fed = made if isinstance(made, Node) else made[0]
                frequency = frequency_of(layer.activation, sources_of(planned))
                fed = fed if frequency == 1.0 else tape.scaled(fed, frequency)
            stage = Stage(planned, layer, own, x, fed, activated(layer, fed))
            yield stage
            x = stage.out


def activated(layer: LayerSpec, fed: Node) -> Node:
    """Return what follows the layer; a recurrent layer has applied its activation inside."""
    if isinstance(layer, Recurrent) or layer.activation == "linear":
        return fed
    return tape.apply_softmax(fed) if layer.activation == "softmax" else tape.apply(FUNCTIONS[layer.activation], fed)
