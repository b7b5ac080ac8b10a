"""How a stream of residuals grows with depth: not at all, by as much with every block, or by a factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Literal, TypeAlias

import numpy as np

from service.analysis.losses import Array

Kind: TypeAlias = Literal["steady", "linear", "exponential", "shrinking", "overflows"]
STEADY = 2.0  # factor of the mean square, from first to last, within which a stream counts as steady


@dataclass(frozen=True, slots=True)
class Growth:
    """How the mean square of a stream goes from the place before its first block to the one after its last.

    `added` is what a block adds to it, in parts of what came into the first (pre-norm at the start: 1 for each branch
    whose output is of variance 1); `factor` by how much one multiplies it (2 in a residual network without norms).
    """

    blocks: int
    kind: Kind
    begins: float
    ends: float
    added: float | None
    factor: float | None

    def told(self) -> str:
        """Return it in words."""
        goes = f"over {self.blocks} blocks the stream goes from rms {self.begins:.3g} to {self.ends:.3g}"
        if self.kind == "overflows":
            return f"over {self.blocks} blocks the stream, of rms {self.begins:.3g} at first, overflows"
        if self.kind == "linear":
            return f"{goes}: each adds {self.added:.2g} times the mean square of what came in"
        if self.kind == "exponential":
            return f"{goes}: each multiplies its mean square by {self.factor:.2g}"
        return f"{goes}: it is {self.kind}"


def growth_of(sizes: Sequence[float]) -> Growth | None:
    """Return how a stream grows, given its rms before the first block and after each; None where there is no block."""
    blocks = len(sizes) - 1
    if blocks < 1:
        return None
    squares = np.square(np.array(sizes, dtype=np.float64))
    if not np.isfinite(squares).all():
        return Growth(blocks, "overflows", sizes[0], sizes[-1], None, None)
    if not squares.all():
        return Growth(blocks, "shrinking" if squares[0] else "steady", sizes[0], sizes[-1], None, None)
    ratio = float(squares[-1] / squares[0])
    added, factor = (ratio - 1.0) / blocks, ratio ** (1.0 / blocks)
    return Growth(blocks, kind_of(squares / squares[0]), sizes[0], sizes[-1], added, factor)


def kind_of(squares: Array) -> Kind:
    """Say how mean squares grow that begin at 1: by which of two straight lines they lie nearer to, in logarithms."""
    ratio = float(squares[-1])
    if 1.0 / STEADY <= ratio <= STEADY:
        return "steady"
    if ratio < 1.0:
        return "shrinking"
    depth = np.arange(len(squares)) / (len(squares) - 1)
    measured = np.log(squares)
    off_line = np.abs(measured - np.log1p((ratio - 1.0) * depth)).mean()
    off_power = np.abs(measured - log(ratio) * depth).mean()
    return "exponential" if off_power < off_line else "linear"
