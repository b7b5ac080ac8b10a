"""(seed, path) -> Stream: where each element of a parameter has its own random word.

The stream `initserve/1` is fixed for ever; docs/stream.md states it so that any language can follow it.
"""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALGORITHM = "initserve/1"
WORDS = struct.Struct("<4I")


@dataclass(frozen=True, slots=True)
class Stream:
    """A Philox4x32-10 key and the upper half of its counter (Salmon et al., SC 2011).

    Element i of the parameter uses output word i mod 4 of the block whose counter words 0 and 1 hold i div 4.
    """

    key: tuple[int, int]
    counter: tuple[int, int]

    def address(self) -> NDArray[np.uint32]:
        """Return key words 0, 1 and counter words 2, 3, as the kernels take them."""
        return np.array([*self.key, *self.counter], dtype=np.uint32)


def stream_of(seed: int, path: str) -> Stream:
    """Return the stream of the parameter `path` ("layer/parameter", canonical names) under `seed` (0 to 2^64 - 1).

    A negative seed, which only frameworks' streams have, is taken modulo 2^64 for what is drawn beside them.
    """
    eight = (seed % 2**64).to_bytes(8, "little")
    digest = hashlib.sha256(ALGORITHM.encode() + b"\0" + eight + path.encode()).digest()
    key0, key1, counter2, counter3 = WORDS.unpack_from(digest)
    return Stream(key=(key0, key1), counter=(counter2, counter3))


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a layer's parameters under a seed."""

    layer: str
    seed: int

    def of(self, name: str, seed: int | None = None) -> Stream:
        """Return a parameter's stream; one may have a seed of its own."""
        return stream_of(self.seed if seed is None else seed, f"{self.layer}/{name}")
