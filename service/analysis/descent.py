"""Gradient descent on a stack of dense layers: forward and back, a step, and what came of it.

Plain stochastic gradient descent in float64: no momentum, no decay; batches are drawn from a stream of their own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.analysis.functions import FUNCTIONS, Function, sine
from service.analysis.layers import frequency_of, sources_of
from service.analysis.learner import Look, are_alike, length
from service.analysis.loading import load
from service.analysis.losses import Array, Targets
from service.analysis.tasks import Task
from service.specs.spec import Spec
from service.stream import kernels
from service.stream.addresses import Runs
from service.stream.streams import stream_of


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


class DenseStack:
    """A stack of dense layers in training."""

    def __init__(self, spec: Spec, task: Task) -> None:
        self.layers = started(spec)
        self.task = task
        self.last: Pass | None = None

    @property
    def first_layer(self) -> str:
        return self.layers[0].name

    def look(self, inputs: Array, targets: Targets) -> Look:
        self.last = there_and_back(self.layers, self.task, inputs, targets)
        return Look(self.last.loss, self.last.answers, self.last.norm, (self.last.gradients[0][0],))

    def step(self, rate: float) -> None:
        assert self.last is not None
        descend(self.layers, self.last.gradients, rate)

    def answers(self, points: Array) -> Array:
        for layer in self.layers:
            points = points @ layer.kernel if layer.bias is None else points @ layer.kernel + layer.bias
            points = layer.function.value(points)
        return points

    def weights_by_layer(self) -> Iterable[tuple[str, Array]]:
        return ((layer.name, layer.kernel) for layer in self.layers)

    def symmetric(self) -> str | None:
        return next((layer.name for layer in self.layers[:-1] if symmetric(layer)), None)

    def dead(self) -> str | None:
        assert self.last is not None
        hidden = zip(self.layers[:-1], self.last.inputs[1:], strict=True)
        return next((layer.name for layer, outputs in hidden if layer.kernel.any() and not outputs.any()), None)


def symmetric(layer: DenseLayer) -> bool:
    """Whether all neurons of a layer compute the same, and not just nothing."""
    rows = layer.kernel if layer.bias is None else np.vstack([layer.kernel, layer.bias])
    return are_alike(rows) and bool(layer.kernel.any())
