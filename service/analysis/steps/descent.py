"""Gradient descent over any network that runs: each array that has a gradient is moved, tied ones once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

import numpy as np

from service.analysis import tape
from service.analysis.losses import Loss, Targets
from service.analysis.magnitudes import rms_of
from service.analysis.network import Batches, Network, Stage
from service.analysis.optimizers import Optimizer
from service.analysis.rules import Weights
from service.analysis.tape import Array, Node

LORA = "lora_"  # how the arrays of an adapter are called: where there are any, they alone are trained (Hu et al. 2021)


@dataclass(frozen=True, slots=True)
class Step:
    """A network after so many steps, with the loss and the gradient there; 0 is the start.

    `stages` have run, and the gradient of the loss is in their nodes; they are let go of when the next step is asked
    for, and their weights are changed in place. `changes` are those of the step that led here, by place: the rms of
    what was added to its weights over the rms of the weights before it, None where these were 0 and moved.
    """

    number: int
    loss: float
    gradient_norm: float
    stages: list[Stage]
    changes: Mapping[int, float | None] = field(default_factory=dict)

    @property
    def outputs(self) -> Array:
        return self.stages[-1].out.value


def descend(
    network: Network,
    inputs: Batches,
    targets: Targets,
    loss: Loss,
    optimizer: Optimizer,
    rate: float,
    steps: int,
    factors: Mapping[str, float] | None = None,
) -> Iterator[Step]:
    """Yield the network as it starts, and after each of `steps` steps: one pass there and back for each.

    `factors` are what the rate of an array is multiplied by, under LAYER/ARRAY in canonical names (1 where it is not
    named): µP's, say. Arrays that no gradient reaches (running statistics) stay as they are.
    """
    weights: Sequence[Weights] | None = None
    changes: Mapping[int, float | None] = {}
    for number in range(steps + 1):
        with np.errstate(all="ignore"):  # what overflows is told as such
            stages = network.run(inputs, weights)
            value, back = loss.value(stages[-1].out.value, targets)
            tape.backward(stages[-1].out, back)
            norm = sqrt(sum(float(np.vdot(g, g)) for g in gradients_of(stages)))
        yield Step(number, value, norm, stages, changes)
        if number < steps:
            with np.errstate(all="ignore"):
                weights, changes = stepped(stages, optimizer, rate, factors or {})
            stages.clear()  # whoever keeps the step keeps no pass with it


def gradients_of(stages: Sequence[Stage]) -> Iterator[Array]:
    """Yield the gradient of each array that is trained."""
    for _, _, node in trained(stages):
        assert node.gradient is not None
        yield node.gradient


def trained(stages: Sequence[Stage]) -> Iterator[tuple[int, str, Node]]:
    """Yield the arrays that are trained, each once: the place that they belong to, their name, the node."""
    own = [(number, stage) for number, stage in enumerate(stages) if stage.place.tied is None]
    adapted = any(name.startswith(LORA) for _, stage in own for name in stage.weights)
    for number, stage in own:
        for name, node in stage.weights.items():
            if node.gradient is not None and (name.startswith(LORA) or not adapted):
                yield number, name, node


def stepped(
    stages: Sequence[Stage], optimizer: Optimizer, rate: float, factors: Mapping[str, float]
) -> tuple[list[Weights], dict[int, float | None]]:
    """Take a step, in place; return every place's weights, and by how much the largest array of each changed."""
    after = [{name: Node(node.value) for name, node in stage.weights.items()} for stage in stages]
    largest: dict[int, int] = {}
    moved: dict[int, float | None] = {}
    for number, name, node in trained(stages):
        assert node.gradient is not None
        path = f"{stages[number].place.name}/{name}"
        change = optimizer.change(path, node.gradient, rate * factors.get(path, 1.0))
        if node.value.size > largest.get(number, 0):  # a layer's kernel
            largest[number], moved[number] = node.value.size, relative(change, node.value)
        node.value += change  # a second set of weights would be as large again
        after[number][name] = Node(node.value)
        node.gradient = None
    return [*after], moved


def relative(change: Array, before: Array) -> float | None:
    """Return the rms of a change over that of what is changed; None where that is 0."""
    moved, size = rms_of(change), rms_of(before)
    if moved == 0.0:
        return 0.0
    return moved / size if size > 0.0 else None
