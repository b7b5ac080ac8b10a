"""Compares a parameter's values with those that a file has of it: block after block, on any thread, by their bits."""

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.formats.payload import Chunk, Finish
from service.networks.plan import PlannedParameter
from service.stream.drawing import Drawing
from service.stream.dtypes import DTYPES, Stored
from service.stream.views import Shape
from service.verification.arrays import Array

Places: TypeAlias = NDArray[np.int64]
UNSIGNED = {2: "<u2", 4: "<u4", 8: "<u8"}


@dataclass(frozen=True, slots=True)
class Difference:
    """An element that is not as expected; `place` is its number in C order, the values are as they are stored."""

    place: int
    expected: Stored
    found: Stored


@dataclass
class Comparison:
    """What is known so far of a parameter: nothing, while no file has it."""

    parameter: PlannedParameter
    array: Array | None = None
    first: Difference | None = None
    differing: int = 0
    largest: float = 0.0

    @property
    def alike(self) -> bool:
        """Whether the file's array is of the parameter's dtype and shape."""
        return self.array is not None and self.fits(self.array)

    @property
    def equal(self) -> bool:
        return self.alike and not self.differing

    def fits(self, array: Array) -> bool:
        return (array.dtype, array.shape) == (self.parameter.dtype, self.parameter.shape)

    def compare(self, drawing: Drawing, array: Array, first: int, raw: bytes) -> Finish:
        """Draw as many elements as are in `raw`, from `first` on in the file's order; return what tells of them."""
        dtype = DTYPES[self.parameter.dtype]
        found = np.frombuffer(raw, dtype.stored)
        if array.swapped:
            found = found.byteswap()
        expected = drawing.draw(first, found.size)
        unsigned = UNSIGNED[dtype.size]
        if np.array_equal(expected.view(unsigned), found.view(unsigned)):
            return nothing
        where = np.flatnonzero(expected.view(unsigned) != found.view(unsigned))
        expected, found = expected[where], found[where]
        places = where + first
        if array.backwards:
            places = in_c_order(places, array.shape)
        earliest = int(places.argmin())
        difference = Difference(
            int(places[earliest]), expected[earliest : earliest + 1].copy(), found[earliest : earliest + 1].copy()
        )
        with np.errstate(all="ignore"):  # infinities, and what is no number
            apart = dtype.read(expected).astype(np.float64) - dtype.read(found).astype(np.float64)
            largest = float(np.abs(apart).max())

        def finish() -> Chunk:
            self._add(difference, where.size, largest)
            return b""

        return finish

    def _add(self, difference: Difference, count: int, largest: float) -> None:
        if self.first is None or difference.place < self.first.place:
            self.first = difference
        self.differing += count
        # What is no number stays: no larger difference would say more.
        self.largest = largest if math.isnan(largest) or largest > self.largest else self.largest

    def answer(self) -> dict[str, Any]:
        """Return what there is to say, in JSON's terms."""
        parameter = self.parameter
        told = {"name": parameter.key, "equal": self.equal, "dtype": parameter.dtype, "shape": list(parameter.shape)}
        if self.array is not None and not self.alike:
            told |= {"found_dtype": self.array.dtype, "found_shape": list(self.array.shape)}
            return told | dict.fromkeys(("differing", "first_difference", "max_abs_difference"))
        return told | {
            "differing": self.differing,
            "first_difference": None if self.first is None else self._told(self.first),
            "max_abs_difference": number(self.largest),
        }

    def told(self) -> str:
        """Return in words what is different first."""
        name, parameter, array = self.parameter.key, self.parameter, self.array
        if array is not None and not self.alike:
            wanted = f"{parameter.dtype} of shape {list(parameter.shape)}"
            return f"{name}: {array.dtype} of shape {list(array.shape)}, not {wanted}"
        assert self.first is not None
        first = self._told(self.first)
        found, expected = first["found"], first["expected"]
        if found == expected or "NaN" in (found, expected):  # which only their bits tell apart
            found, expected = f"{found} ({first['found_bits']})", f"{expected} ({first['expected_bits']})"
        return f"{name} at {first['index']}: {found}, not {expected}"

    def _told(self, difference: Difference) -> dict[str, Any]:
        values = {"expected": difference.expected, "found": difference.found}
        read = DTYPES[self.parameter.dtype].read
        with np.errstate(all="ignore"):  # of a NaN that signals
            return {
                "index": index(difference.place, self.parameter.shape),
                **{name: number(float(read(value)[0])) for name, value in values.items()},
                **{f"{name}_bits": f"0x{value.tobytes()[::-1].hex()}" for name, value in values.items()},
            }


def nothing() -> Chunk:
    return b""


def in_c_order(places: Places, shape: Shape) -> Places:
    """Return the numbers in C order of elements that are numbered in Fortran's."""
    found: Places = np.zeros_like(places)
    strides = np.cumprod((1, *shape[:0:-1]))[::-1]
    for size, stride in zip(shape, strides, strict=True):
        places, at = np.divmod(places, size)
        found += at * stride
    return found


def index(place: int, shape: Shape) -> list[int]:
    """Return the index of the element with this number in C order."""
    found: list[int] = []
    for size in reversed(shape):
        place, at = divmod(place, size)
        found.append(at)
    return found[::-1]


def number(value: float) -> float | str:
    """Return a number as JSON can hold it: the others by name."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
