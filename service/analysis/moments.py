"""Mean, deviation and size of an array, in one pass over it: large ones by several threads, all summed in float64."""

from math import isfinite, isnan, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.analysis.kernels import moments_about
from service.analysis.threads import side_by_side

PART = 2**18  # elements between two looks at whether anybody still waits


class Moments(NamedTuple):
    """Of an array's elements; `largest` is the largest magnitude. All are 0 of an array without elements."""

    mean: float
    std: float
    rms: float
    largest: float


def moments_of(values: NDArray[Any]) -> Moments:
    """Return an array's moments; what overflows is infinite, or no number."""
    if values.dtype.kind != "f":  # whole numbers: tokens, relative positions
        values = values.astype(np.float64)
    flat = np.require(values, requirements=["C", "W"]).reshape(-1)  # kernels take what may be written to
    if not flat.size:
        return Moments(0.0, 0.0, 0.0, 0.0)
    shift = float(flat[0]) if isfinite(flat[0]) else 0.0  # what is the same everywhere is then 0 away from it
    found = np.zeros((-(-flat.size // PART), 4))

    def part(start: int) -> None:
        found[start // PART] = moments_about(flat[start : start + PART], shift)

    side_by_side(part, range(0, flat.size, PART))
    away, away_squares, squares = (found[:, :3].sum(axis=0) / flat.size).tolist()
    variance = away_squares - away * away
    rms = root(squares)
    return Moments(shift + away, root(variance), rms, rms if isnan(rms) else float(found[:, 3].max()))


def root(square: float) -> float:
    """Return the square root of what rounding may have made negative, or what is no number."""
    return square if isnan(square) else sqrt(max(square, 0.0))
