"""What the first steps of gradient descent do to a network: which arrays move, how far, and which units stay alike.

A look is taken at a network through which a batch has gone forward and a gradient back. Where it shows that little
moves, or that units are alike, steps are taken on a part of the batch, with a look after each: one layer of zeros lets
everything move once it has moved, two in a row never do; two small layers grow with each other, twenty do not.

The loss is sum(gradient x outputs) for a standard normal gradient, so that nothing holds by coincidence: what moves
here moves for almost every task, and what stays alike here stays alike for all of them.
"""

from collections.abc import Mapping, Sequence
from math import isfinite, sqrt

import numpy as np

from service.analysis import tape
from service.analysis.looks import Seen, look
from service.analysis.moments import moments_of
from service.analysis.network import Batches, Network, Stage
from service.analysis.tape import Array, Node
from service.networks.layers.tensor import Tensor

LOW, HIGH = 1.0 / 512.0, 32.0  # slopes between which training goes to the nearest minimum
STEPS, EXAMPLES = 5, 32  # that are taken at most, on so many examples of the batch at most
LEFT = 1e-4  # of the part of a gradient that all examples share, after the first step
# How far a step moves an array that has no fans, a bias say, where it moves a kernel by as much as 1 / sqrt(fan_in).
UNFANNED = 0.1


def stepped(network: Network, stages: Sequence[Stage], looked: Sequence[Seen]) -> list[Mapping[str, Node]]:
    """Return every layer's weights after a step down the gradient; nothing for places without weights of their own.

    Its rate is one at which weights of the usual size, in a network where everything keeps its size, change by about as
    much as they are; where less arrives, they change by so much less.
    """
    steepest = max([1.0, *(one.pull for one in looked if isfinite(one.pull))])
    found: list[Mapping[str, Node]] = [{} for _ in stages]
    for number, one in zip(network.weighted, looked, strict=True):
        stage = stages[number]
        found[number] = {
            name: moved(node, rate_of(stage, name) / sqrt(one.count) / steepest)
            if name in one.moving
            else Node(node.value)
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
    if isinstance(stage.layer, Tensor):
        return UNFANNED
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
    waiting = any(one.together < one.units and one.pull == 0.0 for one in last)
    return learns(last) and moved and not waiting and not is_parting(looks)


def is_parting(looks: Sequence[Sequence[Seen]]) -> bool:
    """Whether units that are alike may be told apart by the next step: the last one told some, or moved what stood."""
    if len(looks) < 2 or not any(one.together < one.units for one in looks[-1]):
        return False
    told = any(now.together > before.together for before, now in zip(looks[-2], looks[-1], strict=True))
    return told or spreads(looks)


def take_steps(network: Network, inputs: Batches, gradient: Array, inputs_rms: float) -> list[list[Seen]]:
    """Take steps until something moves or nothing new will, and return a look before each and after the last.

    Costs at most `STEPS` + 1 passes through the network with `EXAMPLES` examples, in the type that all are passed in: a
    network that is large enough for float32 would take twice as much memory in float64 as was admitted for it.
    """
    few, back = {name: batch[:EXAMPLES] for name, batch in inputs.items()}, gradient[:EXAMPLES]
    looks: list[list[Seen]] = []
    weights, exactness = None, network.exactness(inputs)
    with np.errstate(all="ignore"):
        for _ in range(STEPS + 1):
            stages = network.run(few, weights, exactness)
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
