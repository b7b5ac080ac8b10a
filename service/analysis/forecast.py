"""What theory says of a signal and of a gradient in a stack, before a number is drawn: the mean-field maps.

A layer's inputs are described by mean, second moment and the cosine between two examples; its outputs before the
activation are then normal with known moments, and after it their moments are integrals (Poole et al. 2016; Schoenholz
et al. 2017). `chi` is the factor by which a small difference between two inputs grows, squared, in the layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.analysis.functions import FUNCTIONS, Function
from service.analysis.layers import NORMS, frequency_of, sources_of
from service.networks.asked import Source
from service.networks.layers.convolution import Convolution, DepthwiseConvolution, TransposedConvolution
from service.networks.layers.dense import Dense
from service.networks.layers.embedding import Embedding
from service.networks.layers.layer import LayerSpec
from service.networks.layers.normalization import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from service.networks.plan import PlannedLayer

# Points of a standard normal value, at the middle of bins of equal probability in the centre and finer far out, so
# that kinks and steep slopes are met everywhere: a trapezoid rule from -8 to 8.
POINTS = np.linspace(-8.0, 8.0, 1601)
WEIGHTS = np.exp(-0.5 * POINTS**2) / np.exp(-0.5 * POINTS**2).sum()
COARSE = POINTS[::16]
PAIRS = np.exp(-0.5 * COARSE**2) / np.exp(-0.5 * COARSE**2).sum()
ENOUGH = 1e300  # beyond it nothing is computed any more: it has overflowed


@dataclass(frozen=True, slots=True)
class Signal:
    """What goes from layer to layer: mean, second moment, and E[x x'] of two examples over it."""

    mean: float
    second: float
    cosine: float


@dataclass(frozen=True, slots=True)
class Step:
    """A layer as the maps see it: what comes out, and the factor on a gradient's second moment on its way back.

    `varied` is by how much two examples' inputs differ, as its weights see them; `steep` the mean square of the slope
    of its activation.
    """

    out: Signal
    chi: float
    back: float
    varied: float
    steep: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """`rms` and `mean` of the outputs after the activation, `backward` the rms of the gradient there.

    `slope` is what a layer is judged by, see verdicts.Factors.
    """

    mean: float
    rms: float
    correlation: float
    chi: float
    backward: float | None
    slope: float | None


Map = Callable[[LayerSpec, Mapping[str, Source], Signal], Step | None]


def squared(x: float) -> float:
    return x * x  # x**2 raises where this is infinite


def apart(x: Signal) -> float:
    """Return by how much the inputs of two examples differ, as an rms about what they share."""
    return sqrt(max(x.second * (1.0 - x.cosine), 0.0)) if x.second < ENOUGH else inf


def through(function: Function, mean: float, variance: float, covariance: float) -> tuple[Signal, float]:
    """Return a normal signal after a function, and the mean square of the function's slope."""
    if not variance < ENOUGH:
        return Signal(0.0, inf, 1.0), inf
    deviation = sqrt(max(variance, 0.0))
    with np.errstate(all="ignore"):  # what overflows is told as such
        x = mean + deviation * POINTS
        value, slope = function.value(x), function.slope(x)
        first, second = float(WEIGHTS @ value), float(WEIGHTS @ (value * value))
        steep = float(WEIGHTS @ (slope * slope))
        share = min(max(covariance / variance, -1.0), 1.0) if variance > 0.0 else 1.0
        other = share * COARSE[:, None] + sqrt(1.0 - share * share) * COARSE[None, :]
        along = function.value(mean + deviation * COARSE)
        both = float((PAIRS * along) @ function.value(mean + deviation * other) @ PAIRS)
    if not second < ENOUGH:
        return Signal(0.0, inf, 1.0), inf
    return Signal(first, second, both / second if second > 0.0 else 1.0), steep


def weighted(layer: LayerSpec, sources: Mapping[str, Source], x: Signal) -> Step | None:
    """Follow sums of `fan_in` inputs times weights that do not know each other, and a bias."""
    if layer.activation not in FUNCTIONS:
        return None
    kernel, bias = sources["kernel"], sources.get("bias")
    fans, drawn, frequency = kernel.stated.fans, kernel.distribution, frequency_of(layer.activation, sources)
    variance, centre = squared(frequency * drawn.deviation), frequency * drawn.mean
    shift, spread = (bias.distribution.mean, squared(bias.distribution.deviation)) if bias else (0.0, 0.0)
    shift, spread = frequency * shift, squared(frequency) * spread
    fan = fans.fan_in
    mean = fan * centre * x.mean + shift
    spread_out = fan * (variance * x.second + centre * centre * (x.second - x.mean * x.mean)) + spread
    together = x.second * x.cosine
    covariance = fan * (variance * together + centre * centre * (together - x.mean * x.mean)) + spread
    out, steep = through(FUNCTIONS[layer.activation], mean, spread_out, covariance)
    varied = apart(x)
    return Step(out, fan * variance * steep, fans.fan_out * (variance + centre**2) * steep, varied, steep)


def normalised(layer: LayerSpec, sources: Mapping[str, Source], x: Signal) -> Step | None:
    """Follow a norm: mean 0, variance 1, but for scale and shift. What examples share, a batch norm takes away."""
    if layer.activation not in FUNCTIONS:
        return None
    centred = not isinstance(layer, RmsNorm)
    scale = sources.get("gamma") or sources["scale"]
    gamma = squared(scale.distribution.deviation) + squared(scale.distribution.mean)
    beta = sources["beta"].distribution if "beta" in sources else None
    variance = x.second - x.mean * x.mean if centred else x.second
    if isinstance(layer, BatchNorm):  # a unit's mean over the batch is what examples have in common
        variance = x.second * (1.0 - x.cosine)
    if not 0.0 < variance < ENOUGH:
        return None
    common = x.second * x.cosine - (x.mean * x.mean if centred else 0.0)
    cosine = 0.0 if isinstance(layer, BatchNorm) else common / variance
    mean = (0.0 if centred else x.mean / sqrt(variance) * scale.distribution.mean) + (beta.mean if beta else 0.0)
    spread = gamma - (0.0 if centred else squared(x.mean / sqrt(variance)) * gamma)
    spread += squared(beta.deviation) if beta else 0.0
    out, steep = through(FUNCTIONS[layer.activation], mean, spread, cosine * spread)
    return Step(out, gamma / variance * steep, gamma / variance * steep, 1.0, steep)


def looked_up(layer: LayerSpec, sources: Mapping[str, Source], x: Signal) -> Step | None:
    drawn = sources["embeddings"].distribution
    second = drawn.deviation * drawn.deviation + squared(drawn.mean)
    return Step(Signal(drawn.mean, second, squared(drawn.mean) / second if second > 0.0 else 1.0), 1.0, 0.0, 1.0, 1.0)


MAPS: dict[type[LayerSpec], Map] = {
    Dense: weighted,
    Convolution: weighted,
    TransposedConvolution: weighted,
    DepthwiseConvolution: weighted,
    BatchNorm: normalised,
    LayerNorm: normalised,
    GroupNorm: normalised,
    RmsNorm: normalised,
    Embedding: looked_up,
}


def step_of(layer: LayerSpec, sources: Mapping[str, Source], x: Signal) -> Step | None:
    """Return a layer's map; None where theory has none (attention, recurrence, low-rank updates)."""
    if getattr(layer, "lora_rank", None) is not None:
        return None
    return next((MAPS[kind](layer, sources, x) for kind in type(layer).__mro__ if kind in MAPS), None)


def forecast(
    layers: Sequence[LayerSpec], planned: tuple[PlannedLayer, ...], x: Signal, inputs_rms: float = 1.0
) -> list[Forecast | None]:
    """Return what to expect of every layer, for inputs like `x` and an output gradient of rms 1; None beyond theory.

    Gradients are followed back from the end, so they are known where every layer after has a map.
    """
    steps: list[Step | None] = []
    signal: Signal | None = x
    for layer, place in zip(layers, planned, strict=True):
        stopping.check()
        step = None if signal is None else step_of(layer, sources_of(place), signal)
        steps.append(step)
        signal = None if step is None else step.out
    last_norm = max((index for index, layer in enumerate(layers) if isinstance(layer, NORMS)), default=-1)
    reference = inputs_rms if last_norm < 0 and inputs_rms > 0.0 else 1.0
    found: list[Forecast | None] = []
    back: float | None = 1.0
    for index, step in reversed(list(enumerate(steps))):
        found.append(None if step is None else told(step, back, reference, before_norm=index < last_norm))
        back = None if back is None or step is None else back * step.back
    return found[::-1]


def told(step: Step, back: float | None, reference: float, before_norm: bool) -> Forecast:
    """Return what is told of a layer, given the second moment of the gradient at its outputs."""
    slope = None if back is None else step.varied / reference * sqrt(back * step.steep)
    if before_norm and slope is not None and back is not None:  # see first_step.seen
        slope = max(apart(step.out) * sqrt(back), min(slope, 1.0))
    rms = sqrt(back) if back is not None else None
    return Forecast(step.out.mean, sqrt(step.out.second), step.out.cosine, step.chi, rms, slope)


def like(values: NDArray[np.float64], cosine: float) -> Signal:
    """Return a batch of inputs as the maps see it."""
    return Signal(float(values.mean()), float((values * values).mean()), cosine)


STANDARD = Signal(0.0, 1.0, 0.0)
