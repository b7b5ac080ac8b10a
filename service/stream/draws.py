"""What draws the elements of an array: in any order where each has an address, from first to last, or all at once."""

from dataclasses import dataclass
from functools import partial
from typing import Protocol

from service.stream.chance import Chance
from service.stream.distributions import Distribution, Fill
from service.stream.matrices import MadeAsWhole, take, with_zeros
from service.stream.streams import Stream

# Bytes an element takes while a matrix is made: normals, the matrix and its transpose, reflectors, columns and the
# values that come of them, each in float64, and something over.
WHOLE = 56
KEPT = 8  # bytes an element takes where the values alone are kept


class Draws(Protocol):
    """`operations` come before the first value, `standing` is how many bytes must stand in memory at once for it.

    Where `in_order` holds, elements are to be asked for from the first to the last, or nearly so: they come of a
    stream that is walked, not addressed. `operations` are those in an answer that makes the arrays before it too.
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

    def passing(self, first: int) -> int:
        """Return the operations, beside `operations`, that it takes to begin at element `first` where nothing is made.

        Operations as `operations` counts them. Not 0 where a stream is walked: its words, its values, or the calls
        that were made with it before.
        """
        ...

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

    def passing(self, first: int) -> int:
        return 0

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

    def passing(self, first: int) -> int:
        return 0

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

    def passing(self, first: int) -> int:
        return self.of.passing(first)


@dataclass(frozen=True, slots=True)
class ZeroRow(Wrapped):
    """An array of (rows, columns) but for one row that is 0: the padding token's."""

    row: int
    columns: int

    def open(self) -> Fill:
        return with_zeros(self.of.open(), self.row * self.columns, (self.row + 1) * self.columns)
