"""Networks beyond a stack of dense layers that can be trained on a task: how they take its examples, what they cost."""

from math import prod
from typing import Any

from service.analysis.network import Network, activation_of
from service.analysis.steps.targets import outputs_of
from service.analysis.tasks import Task
from service.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.graph.graph import is_structure
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import Convolution, DepthwiseConvolution, SeparableConvolution
from service.networks.layers.dense import Dense
from service.networks.layers.embedding import Embedding
from service.networks.layers.recurrent import Recurrent
from service.specs.spec import Spec
from service.stream.views import Shape

MOST_PLACES = 128
MOST_PARAMETERS = 200_000  # numbers in all weights and biases
MOST_KEPT = 2**24  # numbers that a pass over all examples may keep
# What a step costs beside multiplying matrices, in multiplications that take as long: a number that is kept, a weight
# read and written, a place of the graph, the step itself.
PER_KEPT, PER_PARAMETER, PER_PLACE, PER_STEP = 600, 64, 4_000_000, 350_000
THERE_AND_BACK = 3


def is_stack(spec: Spec) -> bool:
    """Whether a spec is a bare stack of dense layers, which is trained without a graph, and faster."""
    plain = all(isinstance(layer, Dense) and layer.lora_rank is None for layer in spec.layers)
    return plain and not spec.input_shape and not any(map(is_structure, spec.layers))


def network_of(spec: Spec) -> Network:
    """Return the network that is trained; raises InitserveError for one that has no rule to run by."""
    return Network(spec, 2**40)  # held to the limits of a training, not of a diagnosis


def example_shape(spec: Spec, task: Task) -> Shape:
    """Return how a network takes an example of a task: as it says, or as its first layers read; an image is a square.

    Raises InvalidSpec where a task's numbers are not as many, or are no tokens.
    """
    graph = spec.graph
    if len(graph.inputs) != 1:
        detail = f"a task has one input, and the network takes {', '.join(graph.inputs)}"
        raise InvalidSpec(detail, "/input_shape")
    [name] = graph.inputs
    takers = [graph.weights_of(place) for place in graph.takers(name)]
    if any(isinstance(layer, Embedding) for layer in takers):
        raise UnsupportedCombination("a task gives numbers, and an embedding takes tokens", "/layers")
    stated = spec.network.input_shape.get(name)
    shape = usual_shape(takers[0], task) if stated is None else tuple(stated)
    if prod(shape) != task.features:
        detail = f"an example of the task has {task.features} numbers, and the network takes {prod(shape)}"
        usual = usual_shape(takers[0], task)
        raise InvalidSpec(detail, "/input_shape", {"input_shape": list(usual)} if fits(spec, name, usual) else None)
    return shape


def fits(spec: Spec, name: str, shape: Shape) -> bool:
    """Whether a network can take examples of a shape."""
    try:
        network_of(spec).shapes({name: (1, *shape)})
    except InitserveError:
        return False
    return True


def usual_shape(layer: Any, task: Task) -> Shape:
    """Return the shape of an example for a layer that reads it: an image, or steps of as many numbers as it takes."""
    side = round(task.features**0.5)
    axes = len(layer.shape) - 2 if isinstance(layer, Convolution | DepthwiseConvolution | SeparableConvolution) else 0
    if axes == 2 and side * side == task.features:
        return (side, side, 1)
    if axes == 1:
        return (task.features, 1)
    steps = isinstance(layer, Recurrent | Attention) and task.features % layer.shape[0] == 0
    return (task.features // layer.shape[0], layer.shape[0]) if steps else (task.features,)


def step_operations(spec: Spec, task: Task, batch: int) -> int:
    """Return what a step costs, forward and back, in multiplications that take as long."""
    network, shape = network_of(spec), example_shape(spec, task)
    work, kept, weights = network.cost({spec.graph.inputs[0]: (batch or task.examples, *shape)})
    places = PER_PLACE * len(network.graph.places)
    return THERE_AND_BACK * work + PER_KEPT * kept + PER_PARAMETER * weights + places + PER_STEP


def bytes_held(spec: Spec, task: Task) -> int:
    """Return how many bytes a run holds at once, at the most: in a pass over all examples."""
    [name] = spec.graph.inputs
    return network_of(spec).memory({name: (task.examples, *example_shape(spec, task))})


def check_graph(spec: Spec, task: Task, called: str) -> None:
    """Refuse what cannot be trained on a task, or not within the limits."""
    network, shape = network_of(spec), example_shape(spec, task)
    places = network.graph.places
    if not network.weighted:
        raise InvalidSpec("no layer of this network has weights that could be trained", "/layers")
    if len(places) > MOST_PLACES:
        raise TooLarge(f"training takes at most {MOST_PLACES} layers, not {len(places)}", "/layers")
    inputs = {spec.graph.inputs[0]: (task.examples, *shape)}
    outputs = outputs_of(network, inputs)
    if outputs[1:] != (task.outputs,):
        gives = " × ".join(map(str, outputs[1:]))
        detail = f"the last layer gives {gives} outputs, and the task {called} needs {task.outputs}"
        raise InvalidSpec(detail, places[-1].pointer)
    last = ("linear", "softmax") if task.classes else ("linear",)
    if activation_of(spec.graph.places[-1]) not in last:
        detail = f"the last layer's activation must be {' or '.join(last)} for {called}: the loss does the rest"
        raise UnsupportedCombination(detail, f"{places[-1].pointer}/activation")
    _, kept, weights = network.cost(inputs)
    for count, most, what in ((weights, MOST_PARAMETERS, "parameters"), (kept, MOST_KEPT, "numbers kept on its way")):
        if count > most:
            raise TooLarge(f"training takes at most {most:,} {what}, not {count:,}", "/layers")
