"""Trains a stack of dense layers on a task, from several starts side by side, and says which of them learnt.

Plain stochastic gradient descent in float64: no momentum, no decay; a run draws its batches from a stream of its own.
The same request gives the same numbers on the same machine; unlike weights, they pass through its BLAS and its libm.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import ceil, isfinite, prod
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from service.analysis.functions import FUNCTIONS, Function
from service.analysis.network import load
from service.analysis.tasks import TASKS, Array, Targets, Task, TaskName
from service.weights import kernels
from service.weights.addresses import Runs
from service.weights.errors import InitserveError, InvalidSpec, TooLarge, UnsupportedCombination
from service.weights.layers.dense import Dense
from service.weights.layers.layer import LARGEST_EXACT, LARGEST_SEED, LayerSpec
from service.weights.model import Spec
from service.weights.rules import Rule
from service.weights.schemes import PRESETS, AnyScheme
from service.weights.streams import stream_of

MOST_LAYERS = 32
MOST_PARAMETERS = 200_000  # numbers in all weights and biases
MOST_UNITS = 2_560  # outputs of all layers: what square stacks within the limits above have at most
MOST_OPERATIONS = 2**38  # multiplications of a whole request: some twenty seconds of one core
MOST_ENTRIES = 200  # of a curve
PACE = 2**28  # multiplications between two events: some twenty milliseconds
PER_UNIT = 150  # multiplications that an activation and its derivative are worth
SMALL_WIDTH = 64  # of hidden layers: 32 layers of it are within every limit
VANISHED = 1e-4  # a gradient so small that it explains a loss that stayed where it was
STEEP = 100.0  # a gradient that overshoots at any usual learning rate
ALIKE = 1e-6  # of the largest weight: how far rounding may have taken equal neurons apart
AS_IN_THE_SPEC = "as in the spec"


class TrainRequest(Spec):
    """A stack of dense layers to train: on what, from which starts, for how long."""

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


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: `progress` at a step, a finished `run`, the `end`."""

    name: Literal["progress", "run", "end"]
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. Where it overflowed there is no accuracy."""

    accuracy: float | None
    learnt: bool
    reason: str


@dataclass(frozen=True, slots=True)
class DenseLayer:
    """A dense layer in training; its arrays change in place."""

    name: str
    kernel: Array
    bias: Array | None
    function: Function


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass forward and back came to: what went into each layer, each layer's gradients, the loss."""

    inputs: list[Array]
    answers: Array
    loss: float
    gradients: list[tuple[Array, Array | None]]  # of kernel and bias

    @property
    def norm(self) -> float:
        """The length of the gradient of all parameters together."""
        return length(*(one for pair in self.gradients for one in pair if one is not None))


def length(*vectors: Array) -> float:
    return float(np.sqrt(sum(np.vdot(one, one) for one in vectors)))


def started(spec: Spec) -> list[DenseLayer]:
    """Return the layers with the weights that /init returns; what follows the last one is the loss's to apply."""
    layers = []
    planned = spec.model_copy(update={"layout": "keras"}).plan().layers
    for one in planned:
        weights = load(one)
        bias = weights["bias"].value if "bias" in weights else None
        function = FUNCTIONS["linear" if one is planned[-1] else one.activation]
        layers.append(DenseLayer(one.name, weights["kernel"].value, bias, function))
    return layers


def there_and_back(layers: Sequence[DenseLayer], task: Task, x: Array, targets: Targets) -> Pass:
    """Return the loss of a batch, and its gradient with respect to every weight and bias."""
    inputs: list[Array] = []
    fed: list[Array] = []  # what comes of each layer before its activation
    for layer in layers:
        inputs.append(x)
        fed.append(x @ layer.kernel if layer.bias is None else x @ layer.kernel + layer.bias)
        x = layer.function.value(fed[-1])
    loss, back = task.loss(x, targets)
    gradients: list[tuple[Array, Array | None]] = []
    for index in reversed(range(len(layers))):
        slope = back if index == len(layers) - 1 else back * layers[index].function.slope(fed[index])
        gradients.append((inputs[index].T @ slope, None if layers[index].bias is None else slope.sum(axis=0)))
        back = slope @ layers[index].kernel.T
    return Pass(inputs, x, loss, gradients[::-1])


def descend(layers: Sequence[DenseLayer], gradients: Sequence[tuple[Array, Array | None]], rate: float) -> None:
    for layer, (kernel, bias) in zip(layers, gradients, strict=True):
        np.subtract(layer.kernel, rate * kernel, out=layer.kernel)
        if layer.bias is not None and bias is not None:
            np.subtract(layer.bias, rate * bias, out=layer.bias)


def chosen(seed: int, step: int, batch: int, examples: int) -> NDArray[np.int64]:
    """Return the examples of a step: each step has words of its own in the stream, whatever was asked before."""
    words = np.empty(batch, np.uint32)
    runs = Runs.one(step * batch, batch)
    kernels.fill_words(stream_of(seed, "train batches").address(), runs.starts, runs.length, words)
    return (words.astype(np.int64) * examples) >> 32


class Run:
    """One training from one start."""

    def __init__(self, request: TrainRequest, number: int, scheme: AnyScheme | None, seed: int) -> None:
        self.request, self.number, self.seed = request, number, seed
        self.task = TASKS[request.task]
        self.spec = under(request, scheme).model_copy(update={"seed": seed})
        self.about = {"scheme": called(scheme), "seed": str(seed)}
        self.every = ceil(request.steps / MOST_ENTRIES)
        self.layers: list[DenseLayer] = []  # made when it begins, so that waiting runs hold none
        self.loss: list[float] = []
        self.gradient_norm: list[float] = []
        self.began = 0.0

    def events(self) -> Iterator[Event]:
        """Train; at least every `PACE` multiplications there is an event, so that others get their turn."""
        pace = max(1, PACE // operations(self.request))
        self.layers = started(self.spec)
        for step in range(self.request.steps):
            loss, norm = self._step(step)
            if not (isfinite(loss) and isfinite(norm)):
                what = "gradient" if isfinite(loss) else "loss"
                yield self._finished(Outcome(None, False, f"the {what} overflowed at step {step}"))
                return
            recorded = step % self.every == 0
            if recorded:
                self.loss.append(loss)
                self.gradient_norm.append(norm)
            if recorded or step % pace == 0:
                now = {"step": step, "loss": loss, "gradient_norm": norm}
                yield Event("progress", {"run": self.number, **self.about, **now})
        yield self._finished(judge(self.layers, self.task, self.began))

    def _step(self, step: int) -> tuple[float, float]:
        inputs, targets = self.task.data()
        if self.request.batch:
            rows = chosen(self.seed, step, self.request.batch, len(inputs))
            inputs, targets = inputs[rows], targets[rows]
        with np.errstate(all="ignore"):  # what overflows is told as such
            found = there_and_back(self.layers, self.task, inputs, targets)
            descend(self.layers, found.gradients, self.request.learning_rate)
            if step == 0:
                self.began = length(found.gradients[0][0])
            return found.loss, found.norm

    def _finished(self, outcome: Outcome) -> Event:
        curves = {"every": self.every, "loss": self.loss, "gradient_norm": self.gradient_norm}
        return Event("run", {**self.about, **curves, **asdict(outcome)})


def judge(layers: Sequence[DenseLayer], task: Task, began: float) -> Outcome:
    """Say whether the task is learnt, by all its examples, and why; `began` is the first layer's gradient at step 0."""
    inputs, targets = task.data()
    with np.errstate(all="ignore"):
        last = there_and_back(layers, task, inputs, targets)
        norm = last.norm
    if not (isfinite(last.loss) and isfinite(norm)):
        return Outcome(None, False, "the loss overflowed at the last step")
    accuracy = task.accuracy(last.answers, targets)
    if task.learnt(last.loss, accuracy):
        return Outcome(accuracy, True, task.describe(last.loss, accuracy))
    why = what_stopped(layers, last, began, task.constant_loss())
    short = f"{task.describe(last.loss, accuracy)}: more steps, another learning rate or another start may do"
    return Outcome(accuracy, False, why or short)


def what_stopped(layers: Sequence[DenseLayer], last: Pass, began: float, constant: float) -> str | None:
    """Return what kept a network from learning, None where it was only on its way."""
    first, steepest = min(began, length(last.gradients[0][0])), max(began, last.norm)
    if same := next((layer.name for layer in layers[:-1] if symmetric(layer)), None):
        return f"every neuron of {same} stayed the same, so that all of them together are worth one"
    dead = dead_layer(layers, last)
    if dead is not None and not 0.0 < began < VANISHED:
        return f"every neuron of {dead} is dead: it gives 0 for every example, and no gradient comes back through it"
    if last.loss < 0.95 * constant:
        return None
    if steepest > STEEP:
        ended = f"the loss ended at {last.loss:.3g}, where a constant answer has {constant:.3g}"
        return f"{ended}: gradients of {steepest:.1g} made every step a jump elsewhere"
    if first < VANISHED:
        stayed = "at that of a constant answer" if last.loss < 1.5 * constant else f"at {last.loss:.3g}"
        return f"the loss stayed {stayed}: gradients of {first:.1g} in {layers[0].name} changed nothing"
    return None


def symmetric(layer: DenseLayer) -> bool:
    """Whether all neurons of a layer compute the same, and not just nothing."""
    rows = layer.kernel if layer.bias is None else np.vstack([layer.kernel, layer.bias])
    alike = np.ptp(rows, axis=1).max() <= ALIKE * abs(rows).max()
    return rows.shape[1] > 1 and bool(alike and layer.kernel.any())


def dead_layer(layers: Sequence[DenseLayer], last: Pass) -> str | None:
    """Return the first hidden layer that has weights, but gives 0 for every example."""
    hidden = zip(layers[:-1], last.inputs[1:], strict=True)
    return next((layer.name for layer, outputs in hidden if layer.kernel.any() and not outputs.any()), None)


def under(request: TrainRequest, scheme: AnyScheme | None) -> Spec:
    """Return the spec with a scheme on all its weights."""
    if scheme is None:
        return request
    rule = Rule.model_construct(match="*/kernel", scheme=scheme, because=None)
    return request.model_copy(update={"rules": [*request.rules, rule]})


def schemes_of(request: TrainRequest) -> list[AnyScheme | None]:
    return [None] if request.schemes is None else list(request.schemes)


def called(scheme: AnyScheme | None) -> str:
    """Return a scheme's name, with those of its parameters that are not the name's own."""
    if scheme is None:
        return AS_IN_THE_SPEC
    usual = PRESETS[scheme.name].model_dump() if scheme.name in PRESETS else {}
    own = [(key, value) for key, value in scheme.model_dump().items() if key in usual and usual[key] != value]
    shown = ", ".join(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in own)
    return f"{scheme.name}({shown})" if shown else scheme.name


def train(request: TrainRequest, most_operations: int = MOST_OPERATIONS) -> Iterator[Event]:
    """Return what happens as it happens; raises InitserveError at once for what cannot be trained."""
    check(request, most_operations)
    seed = secrets.randbelow(LARGEST_EXACT + 1) if request.seed is None else request.seed
    starts = [
        (scheme, (seed + restart) % (LARGEST_SEED + 1))
        for scheme in schemes_of(request)
        for restart in range(request.restarts)
    ]

    def events() -> Iterator[Event]:
        for number, (scheme, of_run) in enumerate(starts):
            yield from Run(request, number, scheme, of_run).events()
        yield Event("end", {})

    return events()


def answer(request: TrainRequest, events: Iterable[Event]) -> dict[str, Any]:
    """Gather what happened into the JSON answer."""
    return {"task": request.task, "runs": [event.data for event in events if event.name == "run"]}


def size(layers: Sequence[LayerSpec]) -> tuple[int, int]:
    """Return the numbers of parameters and of units: outputs of all layers."""
    shapes = [parameter.shape for layer in layers for parameter in layer.parameters()]
    return sum(prod(shape) for shape in shapes), sum(shape[-1] for shape in shapes if len(shape) == 2)


def operations(request: TrainRequest) -> int:
    """Return the multiplications of a step, forward and back."""
    parameters, units = size(request.layers)
    return (request.batch or TASKS[request.task].examples) * (3 * parameters + PER_UNIT * units)


def check(request: TrainRequest, most_operations: int) -> None:
    """Refuse what cannot be trained, or not within the limits, with what could be instead."""
    check_layers(request)
    check_sizes(request)
    parameters, units = size(request.layers)
    for count, most, what in ((parameters, MOST_PARAMETERS, "parameters"), (units, MOST_UNITS, "outputs of layers")):
        if count > most:
            raise TooLarge(f"training takes at most {most:,} {what}, not {count:,}", "/layers", mended(request))
    runs = len(schemes_of(request)) * request.restarts
    asked = runs * request.steps * operations(request)
    if asked > most_operations:
        fewer = {"steps": max(1, request.steps * most_operations // asked)}
        detail = f"these {runs} runs take {asked:,} multiplications; at most {most_operations:,} are allowed"
        raise TooLarge(f"{detail}: fewer steps, restarts or schemes, or a smaller batch will do", "/steps", fewer)
    for index, scheme in enumerate(schemes_of(request)):
        try:
            under(request, scheme).plan()
        except InitserveError as error:
            if error.pointer != f"/rules/{len(request.rules)}/scheme":
                raise
            raise type(error)(error.detail, f"/schemes/{index}", error.remedy) from None


def check_layers(request: TrainRequest) -> None:
    layers, remedy = request.layers, mended(request)
    if len(layers) > MOST_LAYERS:
        raise TooLarge(f"training takes at most {MOST_LAYERS} layers, not {len(layers)}", "/layers", remedy)
    for index, layer in enumerate(layers):
        at, last = f"/layers/{index}", index == len(layers) - 1
        if not isinstance(layer, Dense):
            detail = f"a layer of type {layer.type} cannot be trained here: only dense layers can"
            raise UnsupportedCombination(detail, f"{at}/type", remedy)
        if layer.lora_rank is not None:
            raise UnsupportedCombination("a dense layer is trained here without LoRA", f"{at}/lora_rank", remedy)
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
    if not dense:
        plain = {"type": "dense", "shape": [task.features, SMALL_WIDTH], "activation": "relu"}
        return {"recipe": None, "layers": [plain, {"type": "dense", "shape": [SMALL_WIDTH, task.outputs]}]}
    dense = dense if len(dense) <= MOST_LAYERS else [*dense[: MOST_LAYERS - 1], dense[-1]]
    widths = [layer.shape[1] for layer in dense[:-1]]
    sizes = [task.features, *widths, task.outputs]
    if sum(a * b + b for a, b in pairwise(sizes)) > MOST_PARAMETERS or sum(sizes) > MOST_UNITS:
        sizes = [task.features, *(min(width, SMALL_WIDTH) for width in widths), task.outputs]
    layers = [layer.model_dump(mode="json", exclude_unset=True, exclude={"lora_rank"}) for layer in dense]
    for layer, shape in zip(layers, pairwise(sizes), strict=True):
        layer["shape"] = list(shape)
        if layer.get("seed") is not None:
            layer["seed"] = str(layer["seed"])
        if layer.get("activation") == "softmax":
            layer["activation"] = "relu"
    layers[-1]["activation"] = "linear"
    # Whoever asked for layers of other types, or for so many, may have asked for a recipe; it excludes layers.
    return {"layers": layers} if len(layers) == len(request.layers) else {"recipe": None, "layers": layers}
