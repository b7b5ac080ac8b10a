"""A network of any graph in training on a task: convolutions on its images, residual sums, norms."""

from collections.abc import Mapping, Sequence

from service.analysis import tape
from service.analysis.learner import Look, are_alike, length
from service.analysis.losses import Array, Targets
from service.analysis.network import Network, Stage
from service.analysis.optimizers import Sgd
from service.analysis.rules import Weights
from service.analysis.steps.descent import gradients_of, stepped, trained
from service.analysis.tasks import Task
from service.stream.views import Shape


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


def same_columns(stage: Stage) -> bool:
    """Whether all neurons, or channels, of a layer compute the same, and not just nothing."""
    kernel = stage.weights.get("kernel")
    if kernel is None or kernel.value.ndim < 2 or not kernel.value.any():
        return False
    bias = stage.weights.get("bias")
    one_bias = bias is None or bias.value.ndim != 1 or are_alike(bias.value[None]) or not bias.value.any()
    return one_bias and are_alike(kernel.value.reshape(-1, kernel.value.shape[-1]))


NO_FACTORS: Mapping[str, float] = {}
