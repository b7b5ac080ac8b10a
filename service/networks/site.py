"""Where a scheme is applied: a parameter's shape, its fans, and how it is read as a matrix."""

from dataclasses import dataclass
from math import prod

from service.networks.fans import Fans
from service.stream.views import Shape


@dataclass(frozen=True, slots=True)
class Site:
    """Canonical `shape`: `batch` leading axes of independent matrices, then rows up to axis `split`, then columns.

    The last axis holds `gates` equal parts, each a matrix of its own; `groups` divide the outputs (the last axis).
    """

    shape: Shape
    fans: Fans
    batch: int = 0
    split: int | None = None  # None: all axes but the last are rows, as in Keras and JAX
    gates: int = 1
    groups: int = 1

    @property
    def _split(self) -> int:
        return len(self.shape) - 1 if self.split is None else self.split

    @property
    def matrices(self) -> int:
        """How many matrices of independent inputs there are (experts), not counting gates."""
        return prod(self.shape[: self.batch])

    @property
    def rows(self) -> int:
        return prod(self.shape[self.batch : self._split])

    @property
    def columns(self) -> int:
        """Columns of one gate's matrix."""
        return prod(self.shape[self._split :]) // self.gates

    @property
    def elements(self) -> int:
        return prod(self.shape)
