"""How large values are, and by how much they differ from example to example."""

import numpy as np

from service.analysis.alike import rounding_of
from service.analysis.moments import moments_of
from service.analysis.tape import Array, Node


def rms_of(values: Array) -> float:
    return moments_of(values).rms


def variation_of(values: Array) -> float:
    """Return by how much examples (and places) differ, feature by feature: the rms about their mean."""
    with np.errstate(over="ignore", invalid="ignore"):
        rows = values.reshape(-1, values.shape[-1])
        found, size = rms_of(rows - rows.mean(axis=0)), rms_of(rows)
    return 0.0 if found <= rounding_of(values) * size else found


def gradient_of(node: Node) -> Array:
    return np.zeros_like(node.value) if node.gradient is None else node.gradient
