"""Arrays that are not here yet: each index fetches what it takes, and no more."""

import operator
from collections.abc import Callable, Mapping
from math import prod
from types import EllipsisType
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from initserve.files import STORED, Shape, read_as

BASIC = "a lazy array takes integers, slices, ... and None; for more, index np.asarray of it"
# What a part is fetched by: its index as an address has it (None: all of it), and the shape that it has.
Fetch: TypeAlias = Callable[[str | None, Shape], NDArray[Any]]
Put: TypeAlias = Callable[[str | None, NDArray[Any]], None]
Item: TypeAlias = int | slice | EllipsisType | None
Key: TypeAlias = Item | tuple[Item, ...]


V = TypeVar("V")


class Arrays(dict[str, V]):
    """Arrays by name, and the plan that they come of: schemes, fans, reasons, links (the service's /plan)."""

    def __init__(self, arrays: Mapping[str, V], plan: Mapping[str, Any]) -> None:
        super().__init__(arrays)
        self.plan = dict(plan)

    @property
    def seed(self) -> int:
        """The seed that was used, also where the spec left it out."""
        return int(self.plan["seed"])


class Described:
    """What is known of an array before any of it is fetched."""

    def __init__(self, name: str, shape: Shape, dtype: DTypeLike) -> None:
        self.name, self.shape, self.dtype = name, shape, np.dtype(dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("an array without axes has no length")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.dtype}, shape {self.shape}>"


class LazyArray(Described):
    """An array of which `array[key]` fetches just that part, by NumPy's basic indexing, and `np.asarray` all."""

    def __init__(self, name: str, shape: Shape, kind: str, fetch: Fetch, put: Put) -> None:
        """`kind` is a safetensors file's name for its dtype."""
        super().__init__(name, shape, read_as(kind))
        self.stored = np.dtype(STORED[kind])
        self._fetch, self._put = fetch, put

    def __getitem__(self, key: Key) -> Any:
        part = Part(key, self.shape)
        return part.of(np.empty(part.shape, self.dtype) if part.empty else self._fetch(part.text, part.shape))

    def read_into(self, out: NDArray[Any], key: Key = ...) -> None:
        """Put `array[key]` into memory that is there, without any other of its size.

        `out` has the part's shape, in C order, and the dtype `stored`: this array's own, uint16 for bfloat16's bits.
        Raises ValueError for another.
        """
        part = Part(key, self.shape)
        fits = (out.shape, out.dtype) == (part.shape, self.stored)
        if not (fits and out.flags.c_contiguous and out.flags.writeable):
            raise ValueError(f"what this is read into is {self.stored} of shape {part.shape}, writeable and in C order")
        if not part.empty:
            self._put(None if part.shape == self.shape and key is ... else part.text, out)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a lazy array has no memory that could be shared")
        return np.asarray(self._fetch(None, self.shape), dtype)


class Part:
    """What NumPy's `array[key]` takes of an array of a shape; raises IndexError as NumPy does."""

    def __init__(self, key: Key, shape: Shape) -> None:
        items = key if isinstance(key, tuple) else (key,)
        if not all(map(is_basic, items)):
            raise IndexError(BASIC)
        taken = np.broadcast_to(np.zeros((), np.int8), shape)[key]
        self.shape: Shape = np.shape(taken)
        self.text = ",".join(written(items, shape)) or "..."
        self._one = not isinstance(taken, np.ndarray)

    @property
    def empty(self) -> bool:
        return 0 in self.shape

    def of(self, found: NDArray[Any]) -> Any:
        """Return what was fetched: a scalar where NumPy gives one."""
        return found[()] if self._one else found


def is_basic(item: object) -> bool:
    if item is None or item is Ellipsis or isinstance(item, slice):
        return True
    return isinstance(item, int | np.integer) and not isinstance(item, bool)


def written(items: tuple[Item, ...], shape: Shape) -> list[str]:
    """Return each item as an address has it; numbers beyond the array are brought to its ends."""
    found = []
    axis, axes = 0, sum(item is not None and item is not Ellipsis for item in items)
    for item in items:
        if item is None:
            found.append("None")
        elif item is Ellipsis:
            found.append("...")
            axis += len(shape) - axes
        else:
            found.append(of_range(range(shape[axis])[item]) if isinstance(item, slice) else str(operator.index(item)))
            axis += 1
    return found


def of_range(places: range) -> str:
    """Return a slice that takes these places of an axis."""
    if not places:
        return "0:0"
    stop = "" if places.step < 0 and places[-1] == 0 else str(places[-1] + (1 if places.step > 0 else -1))
    return f"{places[0]}:{stop}:{places.step}"
