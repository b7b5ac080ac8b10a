"""How an array is read as a stack of matrices: groups, gates, experts and heads of a layer stand in one array."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from service.stream.views import Shape, strides_of

Doubles = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stack:
    """`split` is the array's shape, where axes may be cut in equal parts (an axis of 4 gates: 4, units).

    Each axis of it is in one of three tuples: matrices that stand apart, their rows, their columns. Several axes count
    as one, the last running fastest.
    """

    split: Shape
    apart: tuple[int, ...]
    row_axes: tuple[int, ...]
    column_axes: tuple[int, ...]

    @classmethod
    def one(cls, rows: int, columns: int) -> Stack:
        """Return an array that is a matrix as it stands."""
        return cls((rows, columns), (), (0,), (1,))

    def _size(self, axes: tuple[int, ...]) -> int:
        return prod(self.split[axis] for axis in axes)

    @property
    def count(self) -> int:
        return self._size(self.apart)

    @property
    def rows(self) -> int:
        return self._size(self.row_axes)

    @property
    def columns(self) -> int:
        return self._size(self.column_axes)

    @property
    def elements(self) -> int:
        return prod(self.split)

    @property
    def as_it_stands(self) -> bool:
        """Whether the array is one matrix, row after row."""
        order = (*self.row_axes, *self.column_axes)
        return self.count == 1 and tuple(axis for axis in order if self.split[axis] > 1) == tuple(
            axis for axis, size in enumerate(self.split) if size > 1
        )

    @property
    def turned(self) -> Stack:
        """The same matrices, transposed."""
        return Stack(self.split, self.apart, self.column_axes, self.row_axes)

    def matrices(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return (count, rows, columns) of an array's elements, given in C order."""
        order = (*self.apart, *self.row_axes, *self.column_axes)
        return array.reshape(self.split).transpose(order).reshape(self.count, self.rows, self.columns)

    def array(self, matrices: Doubles) -> Doubles:
        """Return an array's elements, in C order, of its (count, rows, columns)."""
        order = (*self.apart, *self.row_axes, *self.column_axes)
        back = sorted(range(len(order)), key=order.__getitem__)
        return matrices.reshape([self.split[axis] for axis in order]).transpose(back).ravel()

    def row_and_column(self, addresses: Indices) -> tuple[Indices, Indices]:
        """Return row and column, each in its own matrix, of the elements at these addresses."""
        strides = strides_of(self.split)

        def along(axes: tuple[int, ...]) -> Indices:
            place = np.zeros_like(addresses)
            for axis in axes:
                place = place * self.split[axis] + addresses // strides[axis] % self.split[axis]
            return place

        return along(self.row_axes), along(self.column_axes)
