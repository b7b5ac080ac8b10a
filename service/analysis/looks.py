"""A look at a network through which a batch has gone forward and a gradient back: what the first step would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from service.analysis.alike import distinct_units, rounding_of
from service.analysis.layers import NORMS
from service.analysis.magnitudes import gradient_of, rms_of, variation_of
from service.analysis.moments import moments_of
from service.analysis.network import Network, Stage
from service.analysis.sharing import Shared, shared_places
from service.analysis.tape import Array, Node
from service.networks.layers.attention import Attention
from service.networks.layers.convolution import DepthwiseConvolution, TransposedConvolution
from service.networks.layers.embedding import Embedding
from service.networks.layers.tensor import Tensor


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look shows of a layer.

    `slope` is how steep the loss is along the layer's weights: by how much its inputs differ from example to example
    (rms), times the rms of the gradient before its activation; 1 where everything keeps its size. `pull` counts what
    examples share as well: how far a step moves the weights, in units of 1 / sqrt(fan_in). `moving` holds the arrays
    whose gradient is not 0; `together` is how many different units there are when the gradient that reaches them
    counts too, so that those which are the same stay the same. `count` is over how many values a gradient is summed
    before it comes to the layer, where all examples share what it gives.
    """

    slope: float
    pull: float
    moving: frozenset[str]
    units: int
    together: int
    count: float = 1.0


def look(network: Network, stages: Sequence[Stage], inputs_rms: float) -> list[Seen]:
    """Return what the first step would do to each layer with weights; the stages' nodes have their gradients."""
    reference = inputs_rms if inputs_rms > 0.0 and not network.is_normed else 1.0
    shared = shared_places(network.graph, stages)
    return [
        seen(stages[number], reference, network.before_norms[number], shared.get(number)) for number in network.weighted
    ]


def seen(stage: Stage, reference: float, before_norm: bool, shared: Shared | None = None) -> Seen:
    back = gradient_of(stage.fed)
    columns, gradients = (part.reshape(-1, part.shape[-1]) for part in (stage.fed.value, back))
    count = 1.0 if shared is None else shared.count
    steepness = rms_of(back) / sqrt(count)
    varied, size = came_in(stage, reference)
    summed = summed_by(stage, back, shared)
    slope = varied * steepness
    if before_norm:
        # The norm takes away whatever size the weights have, and divides their gradient by it: what counts is the
        # slope along a change in proportion. Weights of 0 have none, and any step is a large one for them.
        slope = max(slope_in_proportion(columns, gradients) / sqrt(count), min(slope, 1.0))
    units = columns.shape[1]
    together = distinct_units(columns, gradients, *incoming(stage, units))
    if isinstance(stage.layer, Attention):  # its heads have units within: alike where their values are
        inner = [part.reshape(len(part), -1) for part in both(stage.weights["value/kernel"])]
        units, together = min((units, together), (inner[0].shape[1], distinct_units(*inner)), key=lambda one: one[1])
    return Seen(
        slope=slope if shared is None or shared.tells else 0.0,
        pull=min(size, 1.0) * steepness if before_norm else size * steepness,
        moving=frozenset(name for name, node in stage.weights.items() if moves(node, summed)),
        units=units,
        together=together,
        count=count,
    )


def slope_in_proportion(columns: Array, gradients: Array) -> float:
    """Return how steep the loss is along a change of each unit in proportion to what it varies by: the rms over units.

    Behind a norm over examples the gradient of a unit is the larger the smaller the unit is.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        steepness = (gradients * gradients).mean(axis=0, dtype=np.float64)
        means, variances = columns.mean(axis=0, dtype=np.float64), columns.var(axis=0, dtype=np.float64)
        variances[variances <= (rounding_of(columns) * means) ** 2] = 0.0
        return float(np.sqrt(np.mean(variances * steepness)))


def came_in(stage: Stage, reference: float) -> tuple[float, float]:
    """Return by how much what a layer's weights see differs between examples, and how large it is."""
    if isinstance(stage.layer, Embedding | Tensor):  # each token has a row of its own, an array what it is
        return 1.0, 1.0
    if isinstance(stage.layer, NORMS):  # whatever comes in, scale and shift see it with deviation 1
        return (float(variation_of(came(stage)) > 0.0),) * 2
    return variation_of(came(stage)) / reference, rms_of(came(stage)) / reference


def came(stage: Stage) -> Array:
    """Return what a layer takes: of an array that takes nothing, ones."""
    return stage.taken[0].value if stage.taken else np.ones((1, 1))


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


def moves(node: Node, summed: float) -> bool:
    """Whether an array's gradient is more than what rounding leaves of sums that cancel; `summed` is what is added."""
    if node.gradient is None:
        return False
    return not moments_of(node.gradient).largest <= rounding_of(node.gradient) * summed


def summed_by(stage: Stage, back: Array, shared: Shared | None) -> float:
    """Return how large a gradient would be if nothing in its sum cancelled; 0 where nothing can cancel."""
    if isinstance(stage.layer, Embedding):
        return 0.0
    if isinstance(stage.layer, Tensor):
        return 0.0 if shared is None else shared.summed
    rows: int = back.size // back.shape[-1]
    return rms_of(back) * min(1.0, rms_of(came(stage))) * rows
