"""What can be trained: the request, its limits, and what to ask for instead."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import prod
from typing import Annotated, Any

from pydantic import Field

from service.analysis.functions import FUNCTIONS
from service.analysis.tasks import TASKS, TaskName
from service.analysis.trainable_graph import MOST_PARAMETERS, bytes_held, check_graph, is_stack, step_operations
from service.analysis.watching import (
    MOST_LOOKS,
    PER_HISTOGRAM,
    PER_TOLD,
    answered,
    looks,
    numbers_told,
)
from service.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.networks.layers.dense import Dense
from service.networks.layers.layer import PlacedSpec
from service.networks.layers.normalization import BatchNorm
from service.networks.schemes import AnyScheme
from service.specs.named import OF_RECIPE
from service.specs.rules import Rule
from service.specs.spec import Spec

MOST_LAYERS = 32
MOST_UNITS = 2_560  # outputs of all layers: what square stacks within the limits above have at most
MOST_OPERATIONS = 2**38  # multiplications of a whole request: some twenty seconds of one core
# What a step costs beside multiplying matrices, in multiplications that take as long. A small layer costs little but
# the way through Python and NumPy, some 16 microseconds, in which a large one multiplies a quarter of a million times.
PER_UNIT = 250  # an activation and its derivative, of one example: more than relu takes, less than mish
PER_PARAMETER = 64  # a weight read and written
PER_LAYER, PER_STEP = 250_000, 350_000
HELD = 2**25  # bytes that a run of a stack may hold: the task, the weights, their gradients
SMALL_WIDTH = 64  # of hidden layers: 32 layers of it are within every limit


class TrainRequest(Spec):
    """A network to train: on what, from which starts, for how long."""

    task: TaskName = Field(
        description="; ".join(f"{name}: {t.summary}, {t.features} -> {t.outputs}" for name, t in TASKS.items())
    )
    schemes: Annotated[list[AnyScheme], Field(min_length=1, max_length=6, fail_fast=True)] | None = Field(
        None,
        description="Each is put on all weights in turn, over what the layers and rules say (biases stay as they are). "
        "Left out: the spec as it is.",
    )
    restarts: Annotated[int, Field(ge=1, le=10)] = Field(
        1, description="Runs from each scheme, with the seeds seed, seed + 1, …: another start, other batches."
    )
    steps: Annotated[int, Field(ge=1, le=2000)] = Field(200, description="Steps of gradient descent in a run.")
    learning_rate: Annotated[float, Field(gt=0.0, le=1000.0)] = Field(0.1, description="Factor on the gradient.")
    batch: Annotated[int, Field(ge=0, le=512)] = Field(
        64, description="Examples in a step, drawn anew for each, some of them twice; 0: all of them in every step."
    )
    watch: bool = Field(
        False,
        description="Also tell, as it runs, of the examples, how the network answers and how its weights are "
        "distributed: 50 times a run. For `text/event-stream` and `application/jsonl`.",
    )


def under(request: TrainRequest, scheme: AnyScheme | None) -> Spec:
    """Return the spec with a scheme on all its weights."""
    if scheme is None:
        return request
    rule = Rule.model_construct(match="*/kernel", scheme=scheme)
    return request.model_copy(update={"rules": [*request.rules, rule]})


def schemes_of(request: TrainRequest) -> list[AnyScheme | None]:
    return [None] if request.schemes is None else list(request.schemes)


def size(layers: Sequence[PlacedSpec]) -> tuple[int, int]:
    """Return the numbers of parameters and of units: outputs of all layers."""
    shapes = [parameter.shape for layer in layers if isinstance(layer, Dense) for parameter in layer.parameters()]
    return sum(prod(shape) for shape in shapes), sum(shape[-1] for shape in shapes if len(shape) == 2)


def operations(request: TrainRequest) -> int:
    """Return what a step costs, forward and back, in multiplications that take as long."""
    if not is_stack(request):
        return step_operations(request, TASKS[request.task], request.batch)
    parameters, units = size(request.layers)
    examples = request.batch or TASKS[request.task].examples
    arithmetic = examples * (3 * parameters + PER_UNIT * units) + PER_PARAMETER * parameters
    return arithmetic + PER_LAYER * len(request.layers) + PER_STEP


def look_operations(request: TrainRequest) -> int:
    """Return what it costs to look at a run that is watched: a pass forward, and what is told of it."""
    task, layers = TASKS[request.task], len(request.layers)
    told = PER_TOLD * numbers_told(task) + PER_HISTOGRAM * layers
    if not is_stack(request):
        norms = 1 + any(
            isinstance(layer, BatchNorm) for layer in request.layers
        )  # whose deviations are measured before
        return told + norms * step_operations(request, task, max(answered(task), task.examples))
    parameters, units = size(request.layers)
    return told + answered(task) * (parameters + PER_UNIT * units) + PER_PARAMETER * parameters


def run_operations(request: TrainRequest, steps: int) -> int:
    """Return what a run of so many steps costs, in multiplications that take as long."""
    seen = looks(steps) * look_operations(request) if request.watch else 0
    return steps * operations(request) + seen


def operations_of(request: TrainRequest) -> int:
    """Return what all runs cost, in multiplications that take as long."""
    return len(schemes_of(request)) * request.restarts * run_operations(request, request.steps)


def affordable_steps(request: TrainRequest, most_operations: int) -> int:
    """Return how many steps a run may take for so many operations, 0 where one is too much."""
    step, look = operations(request), look_operations(request) if request.watch else 0
    at_every_step = min(MOST_LOOKS, most_operations // (step + look))
    return max(at_every_step, (most_operations - (MOST_LOOKS + 1) * look) // step)


def held_by(request: TrainRequest) -> int:
    """Return how many bytes a run may hold: the task, the weights, what passes keep, and gradients."""
    if is_stack(request):
        return HELD
    return HELD + bytes_held(request, TASKS[request.task]) * (2 if request.watch else 1)


def check(request: TrainRequest, most_operations: int) -> None:
    """Refuse what cannot be trained, or not within the limits, with what could be instead."""
    if request.select is not None:
        raise InvalidSpec("a network is trained whole, not a part of it", "/select", {"select": None})
    if is_stack(request):
        check_stack(request)
    else:
        with mending(request):
            check_graph(request, TASKS[request.task], request.task)
    runs = len(schemes_of(request)) * request.restarts
    asked = operations_of(request)
    if asked > most_operations:
        steps = affordable_steps(request, most_operations // runs)
        fewer = {"steps": steps} if steps else {"restarts": 1, "schemes": None, "steps": 1}
        detail = f"these {runs} runs cost as much as {asked:,} multiplications; at most {most_operations:,} are allowed"
        raise TooLarge(f"{detail}: fewer steps, restarts or schemes, or a smaller batch will do", "/steps", fewer)
    for index, scheme in enumerate(schemes_of(request)):
        try:
            under(request, scheme).plan()
        except InitserveError as error:
            if error.pointer != f"/rules/{len(request.rules)}/scheme":
                raise
            raise type(error)(error.detail, f"/schemes/{index}", error.remedy) from None


@contextmanager
def mending(request: TrainRequest) -> Iterator[None]:
    """Refuse what is refused within, with layers that can be trained where no other remedy is known."""
    try:
        yield
    except InitserveError as error:
        raise type(error)(error.detail, error.pointer, error.remedy or mended(request)) from None


def check_stack(request: TrainRequest) -> None:
    check_layers(request)
    check_sizes(request)
    parameters, units = size(request.layers)
    for count, most, what in ((parameters, MOST_PARAMETERS, "parameters"), (units, MOST_UNITS, "outputs of layers")):
        if count > most:
            raise TooLarge(f"training takes at most {most:,} {what}, not {count:,}", "/layers", mended(request))


def check_layers(request: TrainRequest) -> None:
    layers, remedy = request.layers, mended(request)
    if len(layers) > MOST_LAYERS:
        raise TooLarge(f"training takes at most {MOST_LAYERS} layers, not {len(layers)}", "/layers", remedy)
    for index, layer in enumerate(layers):
        at, last = f"/layers/{index}", index == len(layers) - 1
        assert isinstance(layer, Dense)
        if last and layer.activation not in last_activations(request):
            names = " or ".join(last_activations(request))
            detail = f"the last layer's activation must be {names} for {request.task}: the loss does the rest"
            raise UnsupportedCombination(detail, f"{at}/activation", remedy)
        if not last and layer.activation not in FUNCTIONS:
            detail = f"{layer.activation} may only follow the last layer"
            raise UnsupportedCombination(detail, f"{at}/activation", remedy)


def last_activations(request: TrainRequest) -> tuple[str, ...]:
    return ("linear", "softmax") if TASKS[request.task].classes else ("linear",)


def check_sizes(request: TrainRequest) -> None:
    """Refuse layers that do not take what the one before gives."""
    task, given, source = TASKS[request.task], TASKS[request.task].features, f"the task {request.task}"
    for index, layer in enumerate(request.layers):
        assert isinstance(layer, Dense)
        if layer.shape[0] != given:
            detail = f"this layer takes {layer.shape[0]} features, and {source} gives {given}"
            raise InvalidSpec(detail, f"/layers/{index}/shape/0", mended(request))
        given, source = layer.shape[1], "the layer before it"
    if given != task.outputs:
        detail = f"the last layer gives {given} outputs, and the task {request.task} needs {task.outputs}"
        raise InvalidSpec(detail, f"/layers/{len(request.layers) - 1}/shape/1", mended(request))


def mended(request: TrainRequest) -> dict[str, Any]:
    """Return layers that can be trained on the task, as near as may be to those that were asked for."""
    task, dense = TASKS[request.task], [layer for layer in request.layers if isinstance(layer, Dense)]
    stated = (
        member for member in ("recipe", *OF_RECIPE, "tensors", "input_shape") if getattr(request, member) is not None
    )
    unnamed: dict[str, Any] = dict.fromkeys(stated)
    if not dense:
        plain = {"type": "dense", "shape": [task.features, SMALL_WIDTH], "activation": "relu"}
        return {**unnamed, "layers": [plain, {"type": "dense", "shape": [SMALL_WIDTH, task.outputs]}]}
    dense = dense if len(dense) <= MOST_LAYERS else [*dense[: MOST_LAYERS - 1], dense[-1]]
    widths = [layer.shape[1] for layer in dense[:-1]]
    sizes = [task.features, *widths, task.outputs]
    if sum(a * b + b for a, b in pairwise(sizes)) > MOST_PARAMETERS or sum(sizes) > MOST_UNITS:
        sizes = [task.features, *(min(width, SMALL_WIDTH) for width in widths), task.outputs]
    layers = [layer.model_dump(mode="json", exclude_unset=True, exclude={"lora_rank", "inputs"}) for layer in dense]
    for layer, shape in zip(layers, pairwise(sizes), strict=True):
        layer["shape"] = list(shape)
        if layer.get("seed") is not None:
            layer["seed"] = str(layer["seed"])
        if layer.get("activation") == "softmax":
            layer["activation"] = "relu"
    layers[-1]["activation"] = "linear"
    # Whoever asked for layers of other types, or for so many, may have asked for a recipe; it excludes layers.
    same = len(layers) == len(request.layers) and request.input_shape is None
    return {"layers": layers} if same else {**unnamed, "layers": layers}
