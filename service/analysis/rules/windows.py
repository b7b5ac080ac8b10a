"""Which windows a layer moves over its places: as its shapes say (networks/graph/windows.py)."""

from collections.abc import Sequence
from typing import Any

from service.analysis.tape import Windows
from service.networks.graph.windows import borders_of, steps_of, transposed
from service.networks.layers.window import by_axis


def windows_over(layer: Any, field: Sequence[int], places: Sequence[int]) -> Windows:
    """Return a convolution's windows over an array of so many places."""
    axes, ring = len(field), layer.padding == "circular"
    dilation = by_axis(layer.dilation, axes)
    return Windows(tuple(field), steps_of(layer, axes), dilation, borders_of(layer, places), ring)


def spread_over(layer: Any, counts: Sequence[int]) -> tuple[Windows, tuple[int, ...]]:
    """Return the windows that a transposed convolution lays over its outputs, and how many places these have."""
    places = transposed(layer, counts)
    return windows_over(layer, layer.shape[:-2], places), places


def pool_windows(layer: Any, places: Sequence[int]) -> Windows:
    axes = len(places)
    return Windows(by_axis(layer.window, axes), steps_of(layer, axes), (1,) * axes, borders_of(layer, places))
