"""The numbers whose inverse error function torch (MKL's, 2024.2) rounds to the farther one of two numbers of float32.

Of all float32 numbers from 2^-24 to 1 they are 60,000, all near the middle between two; below there are none.
tests/golden/erfinv.py writes them.
"""

import zlib
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("erfinv.bin")


def packed(bits: NDArray[np.int32]) -> bytes:
    """Return ascending bit patterns as their distances, each byte of these by itself, deflated."""
    distances = np.diff(bits, prepend=np.int32(0)).astype("<u4")
    return zlib.compress(distances.view(np.uint8).reshape(-1, 4).T.tobytes(), 9)


@lru_cache(maxsize=1)
def rounded_away() -> NDArray[np.int32]:
    """Return their bit patterns, ascending."""
    planes = np.frombuffer(zlib.decompress(FILE.read_bytes()), np.uint8).reshape(4, -1)
    return np.cumsum(np.ascontiguousarray(planes.T).view("<u4").ravel(), dtype=np.int32)
