"""The activations as functions, with their derivatives, for the passes forward and back.

To add one, add a row to FUNCTIONS under its name in service/networks/activations.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.analysis.kernels import erf

Array: TypeAlias = NDArray[Any]  # what comes out has the type of what went in
Map: TypeAlias = Callable[[Array], Array]

SQRT_2 = 2.0**0.5
TANH_GELU, CUBE = (2.0 / np.pi) ** 0.5, 0.044715
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805  # selu: Klambauer et al. 2017


@dataclass(frozen=True, slots=True)
class Function:
    """An elementwise function and its derivative, both of the input."""

    value: Map
    slope: Map


def where(condition: NDArray[np.bool_], yes: float, no: float, like: Array) -> Array:
    """Return one of two numbers for each element, as exact as another array is."""
    chosen: Array = np.where(condition, like.dtype.type(yes), like.dtype.type(no))
    return chosen


def sigmoid(x: Array) -> Array:
    return 0.5 * (1.0 + np.tanh(0.5 * x))  # does not overflow, whatever x


def sigmoid_slope(x: Array) -> Array:
    s = sigmoid(x)
    slope: Array = s * (1.0 - s)
    return slope


def softplus(x: Array) -> Array:
    return np.logaddexp(0.0, x)


def normal_below(x: Array) -> Array:
    """Return the probability that a standard normal value lies below x."""
    probability: Array = 0.5 * (1.0 + erf(np.ascontiguousarray(x / SQRT_2).ravel()).reshape(x.shape))
    return probability


def normal_density(x: Array) -> Array:
    density: Array = np.exp(-0.5 * x * x) * (2.0 * np.pi) ** -0.5
    return density


def gated(gate: Map, gate_slope: Map) -> Function:
    """Return x times a gate of x."""
    return Function(lambda x: x * gate(x), lambda x: gate(x) + x * gate_slope(x))


def leaky(slope: float) -> Function:
    return Function(lambda x: np.where(x > 0, x, slope * x), lambda x: where(x > 0, 1.0, slope, x))


def clipped(low: float, high: float, scale: float = 1.0, shift: float = 0.0) -> Function:
    """Return scale x + shift, kept within [low, high]."""

    def slope(x: Array) -> Array:
        y = scale * x + shift
        return where((y > low) & (y < high), scale, 0.0, x)

    return Function(lambda x: np.clip(scale * x + shift, low, high), slope)


def exponential(alpha: float, scale: float = 1.0) -> Function:
    """Return scale x above 0, and scale alpha (e^x - 1) below."""

    def below(x: Array) -> Array:
        return np.minimum(x, 0.0)

    return Function(
        lambda x: scale * np.where(x > 0, x, alpha * np.expm1(below(x))),
        lambda x: np.where(x > 0, x.dtype.type(scale), scale * alpha * np.exp(below(x))),
    )


def sine(frequency: float) -> Function:
    return Function(lambda x: np.sin(frequency * x), lambda x: frequency * np.cos(frequency * x))


def mish_slope(x: Array) -> Array:
    t = np.tanh(softplus(x))
    return t + x * (1.0 - t * t) * sigmoid(x)


def tanh_gate(x: Array) -> Array:
    """Return what stands in for the normal distribution in the tanh form of GELU (Hendrycks and Gimpel 2016)."""
    gate: Array = 0.5 * (1.0 + np.tanh(TANH_GELU * (x + CUBE * x * x * x)))
    return gate


def tanh_gate_slope(x: Array) -> Array:
    gate = tanh_gate(x)
    slope: Array = 2.0 * gate * (1.0 - gate) * TANH_GELU * (1.0 + 3.0 * CUBE * x * x)
    return slope


HARD_GATE = clipped(0.0, 1.0, 1.0 / 6.0, 0.5)
FUNCTIONS: dict[str, Function] = {
    "linear": Function(lambda x: x, np.ones_like),
    "tanh": Function(np.tanh, lambda x: 1.0 - np.tanh(x) ** 2),
    "sigmoid": Function(sigmoid, sigmoid_slope),
    "softsign": Function(lambda x: x / (1.0 + np.abs(x)), lambda x: (1.0 + np.abs(x)) ** -2.0),
    "hard_tanh": clipped(-1.0, 1.0),
    "hard_sigmoid": HARD_GATE,
    "tanhshrink": Function(lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2),
    "sin": sine(1.0),
    "exp": Function(np.exp, np.exp),
    "softplus": Function(softplus, sigmoid),
    "log_sigmoid": Function(lambda x: -softplus(-x), lambda x: sigmoid(-x)),
    "relu": Function(lambda x: np.maximum(x, 0.0), lambda x: where(x > 0, 1.0, 0.0, x)),
    "relu6": clipped(0.0, 6.0),
    "leaky_relu": leaky(0.01),
    "prelu": leaky(0.25),
    "squared_relu": Function(lambda x: np.maximum(x, 0.0) ** 2, lambda x: 2.0 * np.maximum(x, 0.0)),
    "elu": exponential(1.0),
    "celu": exponential(1.0),
    "selu": exponential(ALPHA, SCALE),
    "gelu": gated(normal_below, normal_density),
    "gelu_tanh": gated(tanh_gate, tanh_gate_slope),  # of an activation layer that is `approximate`
    "quick_gelu": gated(lambda x: sigmoid(1.702 * x), lambda x: 1.702 * sigmoid_slope(1.702 * x)),
    "silu": gated(sigmoid, sigmoid_slope),
    "mish": Function(lambda x: x * np.tanh(softplus(x)), mish_slope),
    "hard_swish": gated(HARD_GATE.value, HARD_GATE.slope),
}


def softmax(x: Array) -> Array:
    """Return the softmax along the last axis; the only activation that is not elementwise."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares
