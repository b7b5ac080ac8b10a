"""Gradient descent on a stack of dense layers: forward and back, a step, and what came of it.

Plain stochastic gradient descent in float64: no momentum, no decay; batches are drawn from a stream of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from service.analysis.functions import FUNCTIONS, Function, sine
from service.analysis.layers import frequency_of, sources_of
from service.analysis.loading import load
from service.analysis.losses import Array, Targets
from service.analysis.tasks import Task
from service.specs.spec import Spec
from service.stream import kernels
from service.stream.addresses import Runs
from service.stream.streams import stream_of

VANISHED = 1e-4  # a gradient so small that it explains a loss that stayed where it was
STEEP = 100.0  # a gradient that overshoots at any usual learning rate
ALIKE = 1e-6  # of the largest weight: how far rounding may have taken equal neurons apart


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. Where it overflowed there is no accuracy, and no loss.

    `final_loss` is that of all examples after the last step; a curve's entries are each of one batch before its step.
    """

    final_loss: float | None
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
    planned = spec.shown_in("keras").plan().layers
    for one in planned:
        weights = load(one)
        bias = weights["bias"].value if "bias" in weights else None
        function = FUNCTIONS["linear" if one is planned[-1] else one.activation]
        frequency = frequency_of(one.activation, sources_of(one))
        function = function if frequency == 1.0 else sine(frequency)
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


def judge(layers: Sequence[DenseLayer], task: Task, began: float) -> Outcome:
    """Say whether the task is learnt, by all its examples, and why; `began` is the first layer's gradient at step 0."""
    inputs, targets = task.data()
    with np.errstate(all="ignore"):
        last = there_and_back(layers, task, inputs, targets)
        norm = last.norm
    if not (isfinite(last.loss) and isfinite(norm)):
        return Outcome(None, None, False, "the loss overflowed at the last step")
    accuracy = task.accuracy(last.answers, targets)
    if task.learnt(last.loss, accuracy):
        return Outcome(last.loss, accuracy, True, task.describe(last.loss, accuracy))
    why = what_stopped(layers, last, began, task.constant_loss())
    short = f"{task.describe(last.loss, accuracy)}: more steps, another learning rate or another start may do"
    return Outcome(last.loss, accuracy, False, why or short)


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
        near = last.loss < 1.5 * constant
        ended = "the loss stayed at that of a constant answer" if near else f"the loss ended at {last.loss:.3g}"
        elsewhere = "; the rest of the gradient is in later layers" if steepest > VANISHED else ""
        return f"{ended}: gradients of {first:.1g} in {layers[0].name} changed nothing there{elsewhere}"
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
