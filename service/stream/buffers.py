"""Memory that is used again: fresh pages cost a tenth of the time that filling them with values takes."""

import weakref
from collections import deque
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

Buffer: TypeAlias = NDArray[Any]
ALIGNMENT = 64  # bytes: a cache line, and the widest vector there is
LEAST = 2**15  # bytes; the system's own allocator keeps what is smaller at hand
MOST_KEPT = (
    2**26
)  # bytes of all sizes: what some sixty answers under way hand back; beyond it, one of the commonest goes


class Buffers:
    """A pool of buffers; each comes back when the last that holds it, a socket's queue too, has let go of it.

    Nobody has to say so: a consumer that keeps a chunk for longer than expected keeps it whole.
    """

    def __init__(self) -> None:
        self._free: dict[int, deque[bytearray]] = {}

    def take(self, count: int, dtype: DTypeLike) -> Buffer:
        """Return a one-dimensional array of `count` elements, aligned to 64 bytes; what stands in it is anything."""
        wanted = np.dtype(dtype)
        size = count * wanted.itemsize
        if size < LEAST:
            return np.empty(count, wanted)
        capacity = 1 << (size - 1).bit_length()
        free = self._free.setdefault(capacity, deque())
        try:
            memory = free.pop()
        except IndexError:
            memory = bytearray(capacity + ALIGNMENT)
        # Views of an array keep the array itself alive only where its memory belongs to something else: a bytearray.
        skip = -np.frombuffer(memory, np.uint8).ctypes.data % ALIGNMENT
        array: Buffer = np.frombuffer(memory, wanted, count, skip)
        weakref.finalize(array, self._give_back, free, memory).atexit = False
        return array

    def _give_back(self, free: deque[bytearray], memory: bytearray) -> None:
        free.append(memory)
        while sum((kept := self._kept()).values()) > MOST_KEPT:
            with suppress(IndexError):  # another thread took it
                self._free[max(kept, key=kept.__getitem__)].popleft()

    def _kept(self) -> dict[int, int]:
        """Return the bytes that are kept, by the size of a buffer."""
        return {size: size * len(each) for size, each in list(self._free.items())}


BUFFERS = Buffers()
