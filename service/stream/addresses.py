"""Which elements of a parameter are wanted: runs of neighbours, since a moved axis tears a parameter into such."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Runs(NamedTuple):
    """Runs of `length` neighbouring elements, one run after the other, from each of the addresses in `starts`."""

    starts: NDArray[np.uint64]
    length: int

    @classmethod
    def one(cls, first: int, count: int) -> "Runs":
        """Return elements first, first + 1, … first + count - 1."""
        return cls(np.array([first], np.uint64), count)

    @property
    def first(self) -> int:
        """The least address."""
        return int(self.starts.min())

    @property
    def end(self) -> int:
        """One past the greatest address."""
        return int(self.starts.max()) + self.length

    def addresses(self) -> NDArray[np.int64]:
        """Return the address of every element."""
        return (self.starts.astype(np.int64)[:, None] + np.arange(self.length)).ravel()
