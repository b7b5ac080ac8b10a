"""What a signal meets on its way through a stack, and a gradient on its way back: measured, layer by layer."""

from dataclasses import dataclass

import numpy as np

from service import stopping
from service.analysis import tape
from service.analysis.alike import distinct_units
from service.analysis.functions import FUNCTIONS
from service.analysis.magnitudes import gradient_of, rms_of
from service.analysis.matrices import Matrix, matrix_of
from service.analysis.moments import moments_of
from service.analysis.network import Stage
from service.analysis.outputs import correlation_of
from service.analysis.tape import Array
from service.networks.layers.recurrent import Recurrent

FLAT = 0.05  # a slope below which an activation counts as saturated (tanh beyond 2.2)


@dataclass(frozen=True, slots=True)
class Forward:
    """Of a layer's outputs, after its activation.

    `correlation` is the mean cosine between two examples' outputs, `dead` the share of units that are 0 for every
    example, `distinct` how many of the units differ from each other before the activation; `saturated` is the share of
    outputs where the activation is flat, None where there is no such thing.
    """

    mean: float
    std: float
    rms: float
    saturated: float | None
    dead: float
    correlation: float | None
    units: int
    distinct: int


@dataclass(frozen=True, slots=True)
class Backward:
    """Of the gradient at a layer's outputs; `weights` is the rms of the gradient of its kernel, for one example."""

    mean: float
    std: float
    rms: float
    weights: float | None


def measure_forward(stage: Stage) -> Forward:
    out = stage.out.value
    columns = out.reshape(-1, out.shape[-1])
    alive = np.any(columns != 0.0, axis=0)
    activation = stage.activation
    saturated = None
    if activation in FUNCTIONS and not isinstance(stage.layer, Recurrent):
        saturated = float((np.abs(tape.mapped(FUNCTIONS[activation].slope, stage.fed.value)) < FLAT).mean())
    stopping.give_way()
    mean, std, rms, _ = moments_of(out)
    return Forward(
        mean=mean,
        std=std,
        rms=rms,
        saturated=saturated,
        dead=float(1.0 - alive.mean()),
        correlation=correlation_of(out),
        units=int(columns.shape[1]),
        # Before the activation: where that is flat, units look alike that are not.
        distinct=distinct_units(stage.fed.value.reshape(columns.shape)),
    )


def measure_backward(stage: Stage) -> Backward:
    gradient = gradient_of(stage.out)
    kernel = max(stage.weights.values(), key=lambda node: node.value.size, default=None)
    weights = None
    if kernel is not None and kernel.value.ndim > 1 and kernel.gradient is not None:
        weights = rms_of(kernel.gradient) / len(stage.out.value)
    mean, std, rms, _ = moments_of(gradient)
    return Backward(mean, std, rms, weights)


def measure_matrix(stage: Stage) -> Matrix | None:
    """Return the singular values of a layer's largest parameter, its last axis against all others."""
    if stage.planned is None or not stage.weights:
        return None
    return matrix_of(max((node.value for node in stage.weights.values()), key=np.size))


def measure(stages: list[Stage], gradient: Array) -> list[tuple[Forward, Backward, Matrix | None]]:
    """Send a gradient back through the stack and return what every layer's outputs, gradients and kernel are like."""
    with np.errstate(all="ignore"):  # what overflows is told as such
        tape.backward(stages[-1].out, gradient)
        return [measured(stage) for stage in stages]


def measured(stage: Stage) -> tuple[Forward, Backward, Matrix | None]:
    stopping.give_way()
    return measure_forward(stage), measure_backward(stage), measure_matrix(stage)
