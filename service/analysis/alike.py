"""How many units of a layer differ from each other: in what they compute, in their gradients, in their weights."""

from math import isfinite

import numpy as np

from service.analysis.moments import moments_of
from service.analysis.tape import Array

# Relative differences up to which two units count as the same, in float64 and in float32.
ALIKE = {8: 1e-9, 4: 2e-6}
ROUNDING = {8: 1e-12, 4: 1e-6}  # of what was added up: below it a sum is 0 but for rounding


def rounding_of(values: Array) -> float:
    """Return the share of what was added up that rounding may leave of a sum that is 0."""
    return ROUNDING.get(values.dtype.itemsize, 0.0)


def distinct_units(*arrays: Array) -> int:
    """Count the units (columns) that differ from each other in any of the arrays, whatever the size of each array.

    Along one direction that has nothing to do with them, different columns lie at different places; in float32, where
    two of thousands may do so by chance, along two.
    """
    units: int = arrays[0].shape[1]
    exactness: int = min(each.dtype.itemsize for each in arrays)
    places = np.zeros((1 if exactness == 8 else 2, units))
    begun = 0
    for array in arrays:
        _, _, rms, largest = moments_of(array)
        if not isfinite(rms) and not np.isfinite(array).all():
            return units
        angles = np.arange(1.0 + begun, 1.0 + begun + len(array))
        directions = np.stack([np.cos(angles), np.sin(1.7 * angles)])[: len(places)].astype(array.dtype)
        if largest > 0.0:
            places += (directions / array.dtype.type(largest)) @ array
        begun += len(array)
    ordered = places[:, np.argsort(places[0])]
    least = ALIKE.get(exactness, 0.0) * np.abs(ordered).max(axis=1, initial=0.0)
    apart = np.abs(np.diff(ordered, axis=1)) > least[:, None]
    return 1 + int(apart.any(axis=0).sum())
