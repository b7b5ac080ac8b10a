"""Whether a network still tells its inputs apart where it ends, and the places of each."""

from dataclasses import dataclass

import numpy as np

from service.analysis.magnitudes import rms_of
from service.analysis.tape import Array


@dataclass(frozen=True, slots=True)
class Output:
    """Of what comes out at the top.

    `correlation` is the mean cosine between two examples' outputs, `inputs_correlation` between what they came of (None
    for tokens); `distance` the rms of the difference of two examples' outputs, over their rms: the square root of 2
    where they have nothing in common, 0 where they are the same. `places_distance` is that between neighbouring places
    of one example: 0 where attention has made all of them alike (Dong et al. 2021, "Attention is not all you need").
    """

    rms: float
    correlation: float | None
    distance: float | None
    inputs_correlation: float | None
    places_distance: float | None


def output_of(out: Array, inputs: Array) -> Output:
    """Measure outputs (batch, *places, features) for inputs, examples first."""
    tokens = inputs.dtype.kind in "iu"
    return Output(
        rms=rms_of(out),
        correlation=correlation_of(out),
        distance=distance_of(out, 0),
        inputs_correlation=None if tokens else correlation_of(inputs),
        places_distance=distance_of(out, 1) if out.ndim > 2 else None,
    )


def correlation_of(out: Array) -> float | None:
    """Return the mean cosine between one example's outputs and the next one's."""
    rows = out.reshape(len(out), -1)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    if len(rows) < 2 or not lengths.all() or not np.isfinite(lengths).all():
        return None
    together = np.einsum("ij,ij->i", rows[1:], rows[:-1], dtype=np.float64)
    return float((together / (lengths[1:] * lengths[:-1])).mean())


def distance_of(out: Array, axis: int) -> float | None:
    """Return the rms of the difference between neighbours along an axis, over the rms of all."""
    size = rms_of(out)
    if out.shape[axis] < 2 or not 0.0 < size < np.inf:
        return None
    return rms_of(np.diff(out, axis=axis)) / size
