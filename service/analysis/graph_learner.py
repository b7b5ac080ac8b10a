"""A network of any graph in training on a task: convolutions on its images, residual sums, norms."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from service.analysis import tape
from service.analysis.learner import Look, are_alike, length
from service.analysis.losses import Array, Targets
from service.analysis.network import Network, Stage, activated
from service.analysis.optimizers import Sgd
from service.analysis.rules import Weights
from service.analysis.rules.norms import epsilon_of, scale_and_shift
from service.analysis.steps.descent import gradients_of, stepped, trained
from service.analysis.tape import Node
from service.analysis.tasks import Task
from service.networks.layers.normalization import BatchNorm
from service.stream.views import Shape

MATRICES = ("weights", "recurrent", "embedding")  # roles of a layer's weights beside its biases, scales and slopes
Norms: TypeAlias = Mapping[int, tuple[Array, Array]]  # by places: what is subtracted, and multiplied by then


class GraphLearner:
    """A network in training; `shape` is how it takes an example of the task."""

    def __init__(self, network: Network, task: Task, shape: Shape) -> None:
        self.network, self.task, self.shape = network, task, shape
        self.weights: Sequence[Weights] | None = None
        self.stages: list[Stage] = []

    @property
    def first_layer(self) -> str:
        return self.network.graph.places[self.network.weighted[0]].name

    def look(self, inputs: Array, targets: Targets) -> Look:
        self.stages.clear()
        [name] = self.network.graph.inputs
        batch = inputs.reshape(len(inputs), *self.shape)
        self.stages = self.network.run({name: batch}, self.weights)
        answers = self.stages[-1].out.value
        loss, back = self.task.loss(answers, targets)
        tape.backward(self.stages[-1].out, back)
        first = [node.gradient for number, _, node in trained(self.stages) if number == self.network.weighted[0]]
        of_first = [gradient for gradient in first if gradient is not None]
        return Look(loss, answers, length(*gradients_of(self.stages)), of_first)

    def step(self, rate: float) -> None:
        self.weights, _ = stepped(self.stages, Sgd(), rate, NO_FACTORS)

    def answers(self, points: Array) -> Array:
        """Return what the network makes of points, as many at once as there are examples.

        Norms over a batch take the mean and the deviation of all examples, not of the points.
        """
        norms, most = self._norms(), self.task.examples
        parts = [self._run(points[at : at + most], norms)[-1].parts[0] for at in range(0, len(points), most)]
        return np.concatenate([part.value for part in parts])

    def weights_by_layer(self) -> Iterable[tuple[str, Array]]:
        for stage in self.stages:
            if stage.planned is None or stage.place.tied is not None:
                continue
            roles = {one.source.stated.name: one.source.stated.role for one in stage.planned.parameters}
            found = [node.value for name, node in stage.weights.items() if roles[name] in MATRICES]
            if found:
                yield stage.place.name, np.concatenate([one.reshape(-1) for one in found])

    def _norms(self) -> Norms:
        if not any(isinstance(place.layer, BatchNorm) for place in self.network.graph.places):
            return {}
        stages = self._run(self.task.data()[0], {})
        return {stage.place.index: moments_of(stage) for stage in stages if isinstance(stage.layer, BatchNorm)}

    def _run(self, points: Array, norms: Norms) -> list[Stage]:
        """Send points forward, with the weights of the last look."""
        stages: list[Stage] = []
        [name] = self.network.graph.inputs
        batch = {name: points.reshape(len(points), *self.shape)}
        for stage in self.network.stages(batch, stages, [stage.weights for stage in self.stages]):
            if stage.place.index in norms:
                stage.parts = (normed(stage, *norms[stage.place.index]),)
        return stages

    def symmetric(self) -> str | None:
        return next((stage.place.name for stage in self._hidden() if same_columns(stage)), None)

    def dead(self) -> str | None:
        return next((stage.place.name for stage in self._hidden() if self._is_dead(stage)), None)

    def _hidden(self) -> list[Stage]:
        """Return the layers with weights before the last of them."""
        return [self.stages[number] for number in self.network.weighted[:-1]]

    def _is_dead(self, stage: Stage) -> bool:
        """Whether a layer gives 0 for every example, itself or by the activation behind it, though it has weights."""
        if not any(node.value.any() for name, node in stage.weights.items() if name.endswith("kernel")):
            return False
        behind = [self.stages[number] for number in self.network.graph.consumers[stage.place.index]]
        functions = behind and all(one.layer.type == "activation" for one in behind)
        return not any(one.out.value.any() for one in (behind if functions else [stage]))


def moments_of(stage: Stage) -> tuple[Array, Array]:
    """Return the mean that a norm over a batch subtracts from each feature, and what it multiplies by then."""
    x = stage.taken[0].value.reshape(-1, stage.taken[0].value.shape[-1])
    return x.mean(axis=0), 1.0 / np.sqrt(x.var(axis=0) + epsilon_of(stage.layer))


def normed(stage: Stage, mean: Array, rate: Array) -> Node:
    """Return what a norm gives whose mean and deviation are known."""
    even = Node((stage.taken[0].value - mean) * rate)
    return activated(stage.place, scale_and_shift(even, stage.weights))


def same_columns(stage: Stage) -> bool:
    """Whether all neurons, or channels, of a layer compute the same, and not just nothing."""
    kernel = stage.weights.get("kernel")
    if kernel is None or kernel.value.ndim < 2 or not kernel.value.any():
        return False
    bias = stage.weights.get("bias")
    one_bias = bias is None or bias.value.ndim != 1 or are_alike(bias.value[None]) or not bias.value.any()
    return one_bias and are_alike(kernel.value.reshape(-1, kernel.value.shape[-1]))


NO_FACTORS: Mapping[str, float] = {}
