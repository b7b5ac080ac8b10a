"""How a head attends, apart from what it attends to."""

from dataclasses import dataclass

import numpy as np

from service.analysis.forecast.normal import expand
from service.analysis.functions import FUNCTIONS


@dataclass(frozen=True, slots=True)
class Heads:
    """How a head attends: its features, the factor on logits, the mask, the variance of what is added to them.

    Logits stay within `cap` by a tanh, where there is one: as much less steep as it is on average.
    """

    size: int
    scale: float
    causal: bool
    added: float = 0.0
    cap: float | None = None

    def less(self, variance: float) -> float:
        """Return the mean square of the slope of the cap, for logits of this variance."""
        if self.cap is None:
            return 1.0
        slope = expand(FUNCTIONS["tanh"].slope, np.zeros(1), np.array([variance**0.5 / self.cap]))
        return float(slope.second[0])
