"""A network that runs, with the weights that /init returns: its graph, place after place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import add
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.analysis import tape
from service.analysis.functions import FUNCTIONS
from service.analysis.layers import frequency_of, sources_of
from service.analysis.loading import as_exact, load
from service.analysis.reach import before_norms, is_norm
from service.analysis.rules import Weights, rule_of
from service.analysis.rules.dense import turned
from service.analysis.sizes import (
    MOST_BYTES,
    PER_LAYER,
    PER_STEP,
    PER_VALUE,
    PER_WEIGHT,
    SETUP,
    THERE_AND_BACK,
    Cost,
    bytes_beside,
    bytes_of,
    cost_of,
    exactness_of,
    taken,
    too_heavy,
    too_large,
)
from service.analysis.tape import Node
from service.errors import InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.graph.graph import Graph, Place
from service.networks.graph.shapes import Shapes, came_to, check_ends, given, pointer_of
from service.networks.layers.dense import Dense
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec, PlacedSpec
from service.networks.layers.recurrent import Recurrent
from service.networks.layers.structure import ActivationLayer, RelativePositions, Split, TiedLayer
from service.networks.plan import PlannedLayer
from service.once import once
from service.specs.spec import Spec
from service.stream.views import Shape

MOST_LAYERS = 1024  # some twenty milliseconds each, whatever their sizes
MOST_TAKEN = 4096  # inputs of all layers together: what theory knows of each is asked of all before it
Batches = Mapping[str, NDArray[Any]]  # of the network's inputs, by name


@dataclass
class Stage:
    """A layer in its place: its weights, what it took, what came before its activation (`fed`) and after (`out`).

    `planned` is None for a layer without weights of its own; of a split, `parts` are what others take.
    """

    place: Place
    planned: PlannedLayer | None
    weights: Weights
    taken: tuple[Node, ...]
    fed: Node
    out: Node
    parts: tuple[Node, ...]

    @property
    def layer(self) -> Any:
        return self.place.layer

    @property
    def activation(self) -> str:
        return activation_of(self.place)


def activation_of(place: Place) -> str:
    """Return the function that a place applies: a layer's own, or all that an activation layer does."""
    layer = place.layer
    if isinstance(layer, ActivationLayer):
        return "gelu_tanh" if layer.approximate and layer.activation == "gelu" else layer.activation
    return layer.activation if isinstance(layer, LayerSpec) else "linear"


def check_rules(graph: Graph) -> None:
    """Raise UnsupportedCombination or InvalidSpec where a layer has no rule to run by, and where nothing goes in."""
    if not graph.inputs:
        raise InvalidSpec("no layer takes `input`: nothing goes through this network", "/layers/0/inputs")
    for place in graph.places:
        layer = place.layer
        if isinstance(layer, Recurrent) and layer.activation not in FUNCTIONS:
            raise UnsupportedCombination(f"a cell cannot have {layer.activation} inside", f"{place.pointer}/activation")
        if isinstance(graph.weights_of(place), Embedding) and not graph.takes_tokens(place) and not way_is_back(layer):
            raise InvalidSpec("an embedding takes tokens: `input`, or relative positions", f"{place.pointer}/type")
        if isinstance(layer, RelativePositions):
            check_is_looked_up(graph, place, layer)
        if not isinstance(layer, TiedLayer | Split):
            rule_of(layer, f"{place.pointer}/type")


def check_is_looked_up(graph: Graph, place: Place, layer: RelativePositions) -> None:
    """Raise InvalidSpec where relative positions are not numbers of an embedding's rows."""
    if not graph.is_looked_up(place):
        raise InvalidSpec("relative positions are numbers of rows: an embedding takes them", f"{place.pointer}/type")
    for taker in (graph.places[one] for one in graph.consumers[place.index]):
        table = graph.weights_of(taker)
        if isinstance(table, Embedding) and table.shape[0] - table.offset < layer.buckets:
            detail = f"{place.name} counts {layer.buckets} buckets, and {taker.name} has {table.shape[0]} rows"
            raise InvalidSpec(detail, f"{place.pointer}/buckets")


def way_is_back(layer: PlacedSpec) -> bool:
    return isinstance(layer, TiedLayer) and layer.transposed


def for_the_loss(graph: Graph) -> Graph:
    """Return a graph without a softmax at its end: that belongs to the loss, and what counts are the logits."""
    *before, last = graph.places
    layer = last.layer
    if isinstance(layer, Recurrent) or activation_of(last) != "softmax":
        return graph
    linear = layer.model_copy(update={"activation": "linear"})
    return replace(graph, places=(*before, replace(last, layer=linear)))


class Network:
    """The network of a spec with the weights that /init gives, ready to run."""

    def __init__(self, spec: Spec, most_operations: int) -> None:
        if spec.select is not None:
            raise InvalidSpec("a network is studied whole, not a part of it", "/select", {"select": None})
        # In Keras's layout parameters have their canonical names and axes.
        self.spec = spec.shown_in("keras")
        self.graph = for_the_loss(spec.graph)
        if len(self.graph.places) > MOST_LAYERS:
            detail = f"a network that is studied has at most {MOST_LAYERS:,} layers, not {len(self.graph.places):,}"
            raise TooLarge(detail, "/layers")
        if (inputs := sum(len(place.takes) for place in self.graph.places)) > MOST_TAKEN:
            raise TooLarge(f"layers that are studied take {MOST_TAKEN:,} inputs together, not {inputs:,}", "/layers")
        check_rules(self.graph)
        check_ends(self.graph)
        self.plan = self.spec.plan()
        self.most_operations = most_operations
        if self.plan.cost.operations > SETUP * most_operations:
            raise TooLarge(f"its matrices take {self.plan.cost.operations:,} operations before their first number")

    @once
    def planned(self) -> list[PlannedLayer | None]:
        """Each place's layer in the plan, None for one without weights of its own."""
        known = {layer.name: layer for layer in self.plan.layers}
        return [known.get(place.name) if place.has_weights else None for place in self.graph.places]

    @once
    def weighted(self) -> list[int]:
        """The numbers of the places that have weights of their own: those that are judged."""
        return [number for number, planned in enumerate(self.planned) if planned is not None and planned.parameters]

    @once
    def before_norms(self) -> list[bool]:
        """Of each place, whether every way from it to the output passes through a norm, which takes any size."""
        return before_norms(self.graph)

    @property
    def is_normed(self) -> bool:
        return any(map(is_norm, self.graph.places))

    def shapes(self, inputs: Mapping[str, Shape]) -> list[tuple[Shapes, Shapes]]:
        """Return the shapes of what every place takes and gives; raises InvalidSpec where it cannot take it."""
        found: list[Shapes] = []
        both = []
        for place in self.graph.places:
            came = came_to(place, found, inputs)
            if self.thins_out(place):
                came = (taken(came[0], place.layer).shape,)  # type: ignore[arg-type]
            found.append(given(place, self.graph, came))
            both.append((came, found[-1]))
        return both

    def thins_out(self, place: Place) -> bool:
        """Whether a layer takes every k-th place where there are more than it takes: in a stack without structure."""
        return not self.graph.stated and isinstance(place.layer, Dense)

    def price(self, inputs: Mapping[str, Shape]) -> int:
        """Return what it costs to study batches of these shapes, in multiplications that take as long.

        Raises InitserveError where a layer cannot take what comes, or where it is too much: before any number is drawn.
        """
        work, kept, weights = self.cost(inputs)
        return (
            THERE_AND_BACK * work
            + PER_VALUE * (kept + weights)
            + PER_WEIGHT * weights
            + PER_LAYER * len(self.graph.places)
            + self.plan.cost.operations // SETUP
        )

    def price_of_step(self, inputs: Mapping[str, Shape]) -> int:
        """Return what a pass there and back costs, with the weights changed after it; raises as `price` does."""
        return self.price(inputs) - (PER_LAYER - PER_STEP) * len(self.graph.places)

    def cost(self, inputs: Mapping[str, Shape]) -> Cost:
        """Return what a pass with batches of these shapes costs; raises InitserveError as `price` does."""
        costs = []
        for place, planned, (came, gives) in zip(self.graph.places, self.planned, self.shapes(inputs), strict=True):
            tied = None if place.tied is None else self.planned[place.tied]
            found = cost_of(self.runs_as(place), [one.shape for one in parameters_of(tied or planned)], came, gives)
            costs.append(found if tied is None else found._replace(weights=0))
        totals = [*accumulate(costs, lambda one, other: Cost(*map(add, one, other)))]
        exactness = exactness_of(totals[-1])
        for place, total in zip(self.graph.places, totals, strict=True):
            if total.work > self.most_operations:
                raise too_large(f"{total.work:,} multiplications", f"{self.most_operations:,}", pointer_of(place))
            if bytes_of(total, exactness) > MOST_BYTES:
                raise too_heavy(total, exactness, totals[-1].weights, pointer_of(place))
        return totals[-1]

    def runs_as(self, place: Place) -> PlacedSpec:
        """Return the layer by whose rule a place runs: the one that it is tied to, but for the way back."""
        return place.layer if way_is_back(place.layer) else self.graph.weights_of(place)

    def memory(self, inputs: Mapping[str, Shape]) -> int:
        """Return how many bytes a study of batches of these shapes holds at once, at the most."""
        cost = self.cost(inputs)
        both = self.shapes(inputs)
        came = [*inputs.values(), *(shape for one in both for shapes in one for shape in shapes)]
        beside = bytes_beside(inputs.values(), both[-1][1], came, exactness_of(cost))
        return bytes_of(cost, exactness_of(cost)) + beside

    def weights_bytes(self, inputs: Mapping[str, Shape]) -> int:
        """Return how many of them one array for each weight takes."""
        cost = self.cost(inputs)
        size: int = np.dtype(exactness_of(cost)).itemsize
        return size * cost.weights

    def exactness(self, inputs: Batches) -> type[np.floating[Any]]:
        """Return the type that a pass with these batches is made in; raises as `cost` does."""
        return exactness_of(self.cost({name: batch.shape for name, batch in inputs.items()}))

    def run(
        self,
        inputs: Batches,
        weights: Sequence[Weights] | None = None,
        exactness: type[np.floating[Any]] | None = None,
    ) -> list[Stage]:
        """Return every place with its outputs for a batch.

        `weights` are each place's, where they are not those that /init gives; `exactness` is that of a larger batch of
        which this is a part. Raises InitserveError where a layer cannot take what comes.
        """
        stages: list[Stage] = []
        for _ in self.stages(inputs, stages, weights, exactness):
            pass
        return stages

    def stages(
        self,
        inputs: Batches,
        stages: list[Stage],
        weights: Sequence[Weights] | None = None,
        exactness: type[np.floating[Any]] | None = None,
    ) -> Iterator[Stage]:
        """Run as `run` does, and yield each stage once it is in `stages`: what is changed in it is what others take."""
        exactness = exactness or self.exactness(inputs)
        given_ = {name: Node(as_exact(batch, exactness)) for name, batch in inputs.items()}
        for number, (place, planned) in enumerate(zip(self.graph.places, self.planned, strict=True)):
            came = tuple(
                given_[one.name] if one.place is None else stages[one.place].parts[one.part] for one in place.takes
            )
            if place.tied is not None:
                own: Weights = stages[place.tied].weights
            elif weights is not None:
                own = weights[number]
            else:
                own = {} if planned is None else load(planned, exactness)
            stages.append(self.stage(place, planned, own, came))
            yield stages[-1]

    def stage(self, place: Place, planned: PlannedLayer | None, own: Weights, came: tuple[Node, ...]) -> Stage:
        layer: Any = place.layer
        if self.thins_out(place):
            came = (thinned(came[0], layer),)
        if isinstance(layer, TiedLayer) and layer.transposed:
            made: Node | tuple[Node, ...] = turned(own, came[0])
        else:
            layer = self.graph.weights_of(place)
            made = rule_of(layer, place.pointer)(layer, own, *came)
        if not isinstance(made, Node):
            return Stage(place, planned, own, came, came[0], came[0], made)
        fed = made
        if planned is not None and planned.parameters:
            frequency = frequency_of(layer.activation, sources_of(planned))
            fed = fed if frequency == 1.0 else tape.scaled(fed, frequency)
        out = activated(place, fed)
        return Stage(place, planned, own, came, fed, out, (out,))


def parameters_of(planned: PlannedLayer | None) -> Sequence[Any]:
    return () if planned is None else planned.parameters


def thinned(x: Node, layer: Dense) -> Node:
    """Return x as the layer takes it: flattened, and thinned out first where there are more places than it takes."""
    found = taken(x.value.shape, layer)
    return x if found.every is None else tape.reshape(tape.select(x, found.every), found.shape)


def activated(place: Place, fed: Node) -> Node:
    """Return what follows a layer; a recurrent layer has applied its activation inside."""
    activation = activation_of(place)
    if isinstance(place.layer, Recurrent) or activation == "linear":
        return fed
    return tape.apply_softmax(fed) if activation == "softmax" else tape.apply(FUNCTIONS[activation], fed)
