"""What draws the elements of an array: in any order where each has an address, from first to last, or all at once."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from service.stream.chance import Chance
from service.stream.distributions import Distribution, Fill, fill_in_parts
from service.stream.matrices import MadeAsWhole, take, with_zeros
from service.stream.streams import Stream

# Bytes an element takes while a matrix is made: normals, the matrix and its transpose, reflectors, columns and the
# values that come of them, each in float64, and something over.
WHOLE = 56
KEPT = 8  # bytes an element takes where the values alone are kept


class Draws(Protocol):
    """`operations` come before the first value, `standing` is how many bytes must stand in memory at once for it.

    Where `in_order` holds, elements are to be asked for from the first to the last, or nearly so: they come of a
    stream that is walked, not addressed.
    """

    @property
    def elements(self) -> int: ...
    @property
    def whole(self) -> bool: ...
    @property
    def operations(self) -> int: ...
    @property
    def standing(self) -> int: ...
    @property
    def in_order(self) -> bool: ...

    def open(self) -> Fill:
        """Return what fills buffers of the spec's dtype as it is drawn; several threads may call it at once."""
        ...


@dataclass(frozen=True, slots=True)
class Addressed:
    """A distribution in a stream of initserve's own: each element has an address."""

    distribution: Distribution
    stream: Stream
    elements: int

    in_order = False

    @property
    def whole(self) -> bool:
        return self.distribution.whole

    @property
    def operations(self) -> int:
        return self.distribution.operations

    @property
    def standing(self) -> int:
        return WHOLE * self.elements if self.whole else 0

    def open(self) -> Fill:
        return self.distribution.open(self.stream)


@dataclass(frozen=True, slots=True)
class MadeOf:
    """An array that is made as a whole, of the chance of several parameters or of one in another order."""

    distribution: MadeAsWhole
    chance: Chance
    elements: int

    in_order = False
    whole = True

    @property
    def operations(self) -> int:
        return self.distribution.operations

    @property
    def standing(self) -> int:
        return WHOLE * self.elements

    def open(self) -> Fill:
        return partial(take, self.distribution.make(self.chance).ravel())


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Another array whose values are changed as they are drawn: in `open`, which a subclass adds."""

    of: Draws

    @property
    def elements(self) -> int:
        return self.of.elements

    @property
    def whole(self) -> bool:
        return self.of.whole

    @property
    def operations(self) -> int:
        return self.of.operations

    @property
    def standing(self) -> int:
        return self.of.standing

    @property
    def in_order(self) -> bool:
        return self.of.in_order


@dataclass(frozen=True, slots=True)
class AtOnce(Wrapped):
    """An array that is walked from the first element to the last, kept so that any may be asked for in any order."""

    drawn: type[np.float32] | type[np.float64]

    in_order = False
    whole = True

    @property
    def operations(self) -> int:
        return self.of.operations + 16 * self.elements

    @property
    def standing(self) -> int:
        return self.of.standing + KEPT * self.elements

    def open(self) -> Fill:
        values = np.empty(self.elements, self.drawn)
        fill_in_parts(self.of.open(), values)
        return partial(take, values)


@dataclass(frozen=True, slots=True)
class ZeroRow(Wrapped):
    """An array of (rows, columns) but for one row that is 0: the padding token's."""

    row: int
    columns: int

    def open(self) -> Fill:
        return with_zeros(self.of.open(), self.row * self.columns, (self.row + 1) * self.columns)
