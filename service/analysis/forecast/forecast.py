"""What to expect of every layer of a network, before a number is drawn: followed along its graph, there and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.analysis.forecast.back import Returning
from service.analysis.forecast.signal import Signal
from service.analysis.forecast.sources import counted_positions, drawn_tokens, like, like_tokens, standard
from service.analysis.forecast.step import Step
from service.analysis.forecast.there import Following
from service.analysis.network import Network
from service.networks.graph.graph import POSITIONS
from service.networks.layers.embedding import Embedding
from service.stream.views import Shape


@dataclass(frozen=True, slots=True)
class Forecast:
    """`rms` and `mean` of the outputs after the activation, `backward` the rms of the gradient there.

    `correlation` is the cosine of two examples; `chi` the factor by which a small difference between two of them grows,
    squared, from the input in which it is largest. `slope` is what a layer is judged by, see verdicts.Factors.
    """

    mean: float
    rms: float
    correlation: float
    chi: float
    backward: float | None
    slope: float | None


def forecast(
    network: Network, shapes: Mapping[str, Shape], batches: Mapping[str, NDArray[Any]], inputs_rms: float = 1.0
) -> list[Forecast | None]:
    """Return what to expect of every place for inputs of these shapes, and an output gradient of rms 1.

    Inputs are those in `batches`, where they are there; else standard normal, or any tokens. None beyond theory;
    gradients are followed back from the end, so they are known where every layer after has a map.
    """
    with np.errstate(all="ignore"):  # what overflows is told as such
        signals = {name: signal_of(network, name, shape, batches.get(name)) for name, shape in shapes.items()}
        examples = min((len(batch) for batch in batches.values()), default=None)
        there = Following(network, signals, network.shapes(shapes), examples)
        back = Returning(network.graph, there.steps)
        reference = inputs_rms if not network.is_normed and inputs_rms > 0.0 else 1.0
        return [
            None if step is None else told(step, back, number, reference, network.before_norms[number])
            for number, step in enumerate(there.steps)
        ]


def signal_of(network: Network, name: str, shape: Shape, batch: NDArray[Any] | None) -> Signal:
    """Return an input of the network as the maps see it."""
    if batch is not None:
        return like_tokens(batch) if batch.dtype.kind == "i" else like(batch)
    takers = [network.graph.weights_of(place) for place in network.graph.takers(name)]
    rows = [layer.shape[0] - layer.offset for layer in takers if isinstance(layer, Embedding)]
    if name == POSITIONS and rows:
        return counted_positions(tuple(shape[1:]))
    return drawn_tokens(tuple(shape[1:]), min(rows)) if rows else standard(tuple(shape[1:]))


def told(step: Step, back: Returning, number: int, reference: float, before_norm: bool) -> Forecast:
    total, inside = back.totals[number], back.inside(number)
    rms = None if total is None else sqrt(max(total.second, 0.0))
    slope = None if inside is None else step.varied / reference * sqrt(max(inside, 0.0))
    if before_norm and slope is not None and rms is not None:  # see first_step.seen
        slope = max(step.out.apart * rms, min(slope, 1.0))
    out = step.out
    return Forecast(float(out.mean.mean()), sqrt(max(out.second, 0.0)), out.cosine, step.chi, rms, slope)
