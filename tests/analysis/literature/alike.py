"""Whether units are still one and the same after a training."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

HARMLESS = 1e-6  # of the largest weight: how far rounding may take equal units apart in a training


def is_alike(weights: dict[str, NDArray[Any]]) -> bool:
    """Whether at most half of a layer's units have weights of their own: columns of its largest array."""
    kernel = max(weights.values(), key=np.size)
    columns = kernel.reshape(-1, kernel.shape[-1]) / (HARMLESS * abs(kernel).max(initial=HARMLESS))
    if not np.isfinite(columns).all():
        return True
    return bool(2 * np.unique(np.round(columns), axis=1).shape[1] <= kernel.shape[-1])
