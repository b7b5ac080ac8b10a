"""How values are distributed: how many lie where between the least and the greatest, and how many are of which size."""

from dataclasses import dataclass
from math import floor, inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.analysis.kernels import survey
from service.analysis.threads import side_by_side

BINS = 64
QUARTERS = 4  # of a decade: bins of magnitudes
MOST_MAGNITUDES = 128  # bins: 32 decades, so that a few values of next to nothing do not make an answer long
LARGEST = float(np.finfo(np.float64).max)
NARROW = 1e-290  # where edges are so near to each other, no bin can be found by a division
PART = 2**18  # values that are looked at together, so that what is made of them stays small
# What it costs to count a value, in multiplications that take as long; and what a layer's two distributions hold.
PER_COUNTED = 150
BYTES_OF_LAYER = 2**16


@dataclass(frozen=True, slots=True)
class Magnitudes:
    """How many values that are not 0 have which size: `exponents` are the edges of bins, log10, a quarter apart."""

    exponents: list[float]
    counts: list[int]


@dataclass(frozen=True, slots=True)
class Distribution:
    """Of values that are finite: counts in bins of equal width, how many are exactly 0 (counted there too), sizes."""

    edges: list[float]
    counts: list[int]
    zeros: int
    magnitudes: Magnitudes


class Extent(NamedTuple):
    """The least and the greatest of values, and of their magnitudes but for zeros; inf and -inf where there is none."""

    least: float
    greatest: float
    smallest: float
    largest: float


def distribution_of(values: NDArray[Any]) -> Distribution | None:
    """Return how values of any shape are distributed, counted in blocks; None where none of them is finite."""
    flat = np.require(values, requirements=["C"]).reshape(-1)
    extent = extent_of(flat)
    if extent.least > extent.greatest:
        return None
    edges = edges_between(extent.least, extent.greatest, BINS)
    counts = counted(flat, edges)
    first, bins = quarters_of(extent)
    sizes = sizes_counted(flat, first, bins)
    exponents = [(first + step) / QUARTERS for step in range(bins + 1)] if bins else []
    zeros = int(counts.sum() - sizes.sum())
    return Distribution(edges.tolist(), counts.tolist(), zeros, Magnitudes(exponents, sizes.tolist()))


def histogram_of(values: NDArray[Any], bins: int) -> tuple[list[float], list[int]] | None:
    """Return edges of so many bins of equal width and what they count of values; None where none of them is finite."""
    flat = np.require(values, requirements=["C"]).reshape(-1)
    extent = extent_of(flat)
    if extent.least > extent.greatest:
        return None
    edges = edges_between(extent.least, extent.greatest, bins)
    return edges.tolist(), counted(flat, edges).tolist()


def counted(flat: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many finite values lie in each bin: closed below, the last one above too."""
    starts = range(0, flat.size, PART)
    counts = np.zeros((len(starts), edges.size - 1), np.int64)
    is_wide = edges[-1] / 2.0 - edges[0] / 2.0 > NARROW

    def count(start: int) -> None:
        part, row = finite_part(flat, start), start // PART
        if is_wide:
            survey(part, 0.0, edges, counts[row])
        else:
            counts[row] = np.histogram(part, edges)[0]

    side_by_side(count, starts)
    total: NDArray[np.int64] = counts.sum(axis=0)
    return total


def sizes_counted(flat: NDArray[Any], first: int, bins: int) -> NDArray[np.int64]:
    """Return how many finite values other than 0 have a magnitude in each quarter of a decade from `first` on."""
    starts = range(0, flat.size, PART)
    counts = np.zeros((len(starts), bins), np.int64)

    def count(start: int) -> None:
        part = finite_part(flat, start)
        places = np.floor(np.log10(np.abs(part[part != 0.0])) * QUARTERS).astype(np.int64) - first
        counts[start // PART] = np.bincount(np.maximum(places, 0), minlength=bins)

    side_by_side(count, starts)
    total: NDArray[np.int64] = counts.sum(axis=0)
    return total


def finite_part(flat: NDArray[Any], start: int) -> NDArray[np.float64]:
    part = np.array(flat[start : start + PART], np.float64)
    finite = np.isfinite(part)
    return part if finite.all() else part[finite]


def extent_of(flat: NDArray[Any]) -> Extent:
    """Return how far values reach that are finite."""
    starts = range(0, flat.size, PART)
    found = np.tile([inf, -inf, inf, -inf], (len(starts), 1))

    def look(start: int) -> None:
        part = finite_part(flat, start)
        magnitudes = np.abs(part[part != 0.0])
        if part.size:
            found[start // PART, :2] = part.min(), part.max()
        if magnitudes.size:
            found[start // PART, 2:] = magnitudes.min(), magnitudes.max()

    side_by_side(look, starts)
    least, greatest, smallest, largest = (found[:, column] for column in range(4))
    return Extent(
        float(least.min(initial=inf)),
        float(greatest.max(initial=-inf)),
        float(smallest.min(initial=inf)),
        float(largest.max(initial=-inf)),
    )


def edges_between(least: float, greatest: float, bins: int) -> NDArray[np.float64]:
    """Return the edges of bins of equal width; about what is the same everywhere as well."""
    if least == greatest:
        room = max(0.5, abs(least) / 2.0)
        least, greatest = max(least - room, -LARGEST), min(greatest + room, LARGEST)
    if greatest - least < inf:
        return np.linspace(least, greatest, bins + 1)
    return 2.0 * np.linspace(least / 2.0, greatest / 2.0, bins + 1)


def quarters_of(extent: Extent) -> tuple[int, int]:
    """Return the number of the first quarter of a decade, and how many there are; the first takes what is smaller."""
    if extent.smallest > extent.largest:
        return 0, 0
    last, first = (floor(np.log10(size) * QUARTERS) for size in (extent.largest, extent.smallest))
    first = max(first, last + 1 - MOST_MAGNITUDES)
    return first, last + 1 - first
