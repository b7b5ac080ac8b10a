"""What the first steps of gradient descent do to a stack: which arrays move, how far, and which units stay alike.

A look is taken at a stack through which a batch has gone forward and a gradient back. Where it shows that little
moves, or that units are alike, steps are taken on a part of the batch, with a look after each: one layer of zeros lets
everything move once it has moved, two in a row never do; two small layers grow with each other, twenty do not.

The loss is sum(gradient x outputs) for a standard normal gradient, so that nothing holds by coincidence: what moves
here moves for almost every task, and what stays alike here stays alike for all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from service.analysis import tape
from service.analysis.alike import distinct_units, rounding_of
from service.analysis.layers import NORMS
from service.analysis.moments import moments_of
from service.analysis.network import Batches, Network, Stage
from service.analysis.tape import Array, Node
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import DepthwiseConvolution, TransposedConvolution
from service.networks.layers.embedding import Embedding
from service.networks.layers.tensor import Tensor

LOW, HIGH = 1.0 / 512.0, 32.0  # slopes between which training goes to the nearest minimum
STEPS, EXAMPLES = 5, 32  # that are taken at most, on so many examples of the batch at most
LEFT = 1e-4  # of the part of a gradient that all examples share, after the first step
# How far a step moves an array that has no fans, a bias say, where it moves a kernel by as much as 1 / sqrt(fan_in).
UNFANNED = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look shows of a layer.

    `slope` is how steep the loss is along the layer's weights: by how much its inputs differ from example to example
    (rms), times the rms of the gradient before its activation; 1 where everything keeps its size. `pull` counts what
    examples share as well: how far a step moves the weights, in units of 1 / sqrt(fan_in). `moving` holds the arrays
    whose gradient is not 0; `together` is how many different units there are when the gradient that reaches them
    counts too, so that those which are the same stay the same.
    """

    slope: float
    pull: float
    moving: frozenset[str]
    units: int
    together: int


def rms_of(values: Array) -> float:
    return moments_of(values).rms


def variation_of(values: Array) -> float:
    """Return by how much examples (and places) differ, feature by feature: the rms about their mean."""
    with np.errstate(over="ignore", invalid="ignore"):
        rows = values.reshape(-1, values.shape[-1])
        found, size = rms_of(rows - rows.mean(axis=0)), rms_of(rows)
    return 0.0 if found <= rounding_of(values) * size else found


def gradient_of(node: Node) -> Array:
    return np.zeros_like(node.value) if node.gradient is None else node.gradient


def look(network: Network, stages: Sequence[Stage], inputs_rms: float) -> list[Seen]:
    """Return what the first step would do to each layer with weights; the stages' nodes have their gradients."""
    reference = inputs_rms if inputs_rms > 0.0 and not network.is_normed else 1.0
    return [seen(stages[number], reference, network.before_norms[number]) for number in network.weighted]


def seen(stage: Stage, reference: float, before_norm: bool) -> Seen:
    back = gradient_of(stage.fed)
    columns, gradients = (part.reshape(-1, part.shape[-1]) for part in (stage.fed.value, back))
    steepness = rms_of(back)
    if isinstance(stage.layer, Embedding | Tensor):  # each token has a row of its own, an array what it is
        varied = size = 1.0
    elif isinstance(stage.layer, NORMS):  # whatever comes in, scale and shift see it with deviation 1
        varied = size = float(variation_of(came(stage)) > 0.0)
    else:
        varied, size = (of(came(stage)) / reference for of in (variation_of, rms_of))
    slope = varied * steepness
    if before_norm:
        # The norm takes away whatever size the weights have, and divides their gradient by it: what counts is the
        # slope along a change in proportion. Weights of 0 have none, and any step is a large one for them.
        slope = max(variation_of(stage.fed.value) * steepness, min(slope, 1.0))
    units = columns.shape[1]
    together = distinct_units(columns, gradients, *incoming(stage, units))
    if isinstance(stage.layer, Attention):  # its heads have units within: alike where their values are
        inner = [part.reshape(len(part), -1) for part in both(stage.weights["value/kernel"])]
        units, together = min((units, together), (inner[0].shape[1], distinct_units(*inner)), key=lambda one: one[1])
    return Seen(
        slope=slope,
        pull=min(size, 1.0) * steepness if before_norm else size * steepness,
        moving=frozenset(name for name, node in stage.weights.items() if moves(node, stage, steepness)),
        units=units,
        together=together,
    )


def came(stage: Stage) -> Array:
    """Return what a layer takes: of an array that takes nothing, ones."""
    return stage.taken[0].value if stage.taken else np.ones(1)


def incoming(stage: Stage, units: int) -> list[Array]:
    """Return each unit's weights, where a layer's kernel has a column for each: they differ where outputs are 0 too."""
    kernel = stage.weights.get("kernel")
    channels = isinstance(stage.layer, DepthwiseConvolution)  # its last two axes are channels and multiples of each
    if kernel is None or isinstance(stage.layer, TransposedConvolution):
        return []
    columns = kernel.value.reshape(-1, units) if channels else kernel.value.reshape(-1, kernel.value.shape[-1])
    return [columns] if columns.shape[1] == units else []


def both(node: Node) -> tuple[Array, Array]:
    return node.value, gradient_of(node)


def moves(node: Node, stage: Stage, steepness: float) -> bool:
    """Whether an array's gradient is more than what rounding leaves of sums that cancel."""
    if node.gradient is None or moments_of(node.gradient).largest == 0.0:
        return False
    if isinstance(stage.layer, Embedding | Tensor):
        return True
    added = steepness * stage.fed.value.size / stage.fed.value.shape[-1]
    return not moments_of(node.gradient).largest <= rounding_of(node.gradient) * added * min(1.0, rms_of(came(stage)))


def stepped(network: Network, stages: Sequence[Stage], looked: Sequence[Seen]) -> list[Mapping[str, Node]]:
    """Return every layer's weights after a step down the gradient; nothing for places without weights of their own.

    Its rate is one at which weights of the usual size, in a stack where everything keeps its size, change by about as
    much as they are; where less arrives, they change by so much less.
    """
    steepest = max([1.0, *(one.pull for one in looked if isfinite(one.pull))])
    found: list[Mapping[str, Node]] = [{} for _ in stages]
    for number, one in zip(network.weighted, looked, strict=True):
        stage = stages[number]
        found[number] = {
            name: moved(node, rate_of(stage, name) / steepest) if name in one.moving else Node(node.value)
            for name, node in stage.weights.items()
        }
    return found


def moved(node: Node, rate: float) -> Node:
    """Return weights after a step; where they were, since a large network has them once, as it has the gradient."""
    if node.gradient is not None and isfinite(moments_of(node.gradient).largest * rate):
        node.value -= rate * node.gradient
        node.gradient = None
    return Node(node.value)


def rate_of(stage: Stage, name: str) -> float:
    """Return the factor on an array's gradient, which is a sum over as many places as the layer has outputs of."""
    assert stage.planned is not None
    stated = next(one for one in stage.planned.parameters if one.name == name).source.stated
    usual = stated.fans.fan_in**-0.5 if stated.role in ("weights", "recurrent") else UNFANNED
    return float(usual / np.sqrt(stage.fed.value.size / stage.fed.value.shape[-1]))


def learns(looked: Sequence[Seen]) -> bool:
    """Whether a layer's weights are worth moving: its inputs tell examples apart, and a gradient comes back to it."""
    return any(one.slope >= LOW for one in looked)


def is_settled(looks: Sequence[Sequence[Seen]]) -> bool:
    """Whether no more steps are needed: something is worth moving, every layer has moved, and alike is alike for good.

    Units that are alike and get no gradient may part once they get one.
    """
    last = looks[-1]
    moved = all(any(seen.moving for seen in layer) for layer in zip(*looks, strict=True))
    return learns(last) and moved and not any(one.together < one.units and one.pull == 0.0 for one in last)


def take_steps(network: Network, inputs: Batches, gradient: Array, inputs_rms: float) -> list[list[Seen]]:
    """Take steps until something moves or nothing new will, and return a look before each and after the last.

    Costs at most `STEPS` + 1 passes through the stack with `EXAMPLES` examples.
    """
    few, back = {name: batch[:EXAMPLES] for name, batch in inputs.items()}, gradient[:EXAMPLES]
    looks: list[list[Seen]] = []
    weights = None
    with np.errstate(all="ignore"):
        for _ in range(STEPS + 1):
            stages = network.run(few, weights)
            tape.backward(stages[-1].out, back)
            looks.append(look(network, stages, inputs_rms))
            if is_settled(looks) or (len(looks) > 1 and is_stuck(looks)):
                break
            weights = stepped(network, stages, looks[-1])
            del stages  # before the next pass
            # What all examples ask for alike is learnt first, by a step; then next to nothing of that gradient is left.
            alike = gradient[:EXAMPLES].mean(axis=tuple(range(gradient.ndim - 1)))
            back = gradient[:EXAMPLES] - (1.0 - LEFT) * alike
    return looks


def is_stuck(looks: Sequence[Sequence[Seen]]) -> bool:
    """Whether more steps would change nothing: what stands still now does so for ever, and nothing is worth moving."""
    return not spreads(looks) and all(seen.slope == 0.0 for seen in looks[-1])


def spreads(looks: Sequence[Sequence[Seen]]) -> bool:
    """Whether the last step set something moving that did not move before, so that the next may do so too."""
    *before, last = looks
    moved = [frozenset().union(*(seen.moving for seen in layer)) for layer in zip(*before, strict=True)]
    return not all(seen.moving <= known for seen, known in zip(last, moved, strict=True))
