"""NumPy's older values of MT19937's words: doubles of 53 bits, and normals in pairs by the polar method.

Marsaglia and Bray (1964): a point within the unit circle, drawn again until it is, becomes two normals. Raw words are
tempered here.
"""

import math

from numba import float64, int64, uint32

from service.replay.torch.kernels.mersenne import tempered
from service.stream.targets import compiled, inlined

UNIT = 1.0 / 9007199254740992.0


@inlined
def unit(first, second):
    """Return the number on [0, 1) that two raw words make: the upper 27 and 26 bits of each."""
    high, low = tempered(first) >> uint32(5), tempered(second) >> uint32(6)
    return (float64(high) * 67108864.0 + float64(low)) * UNIT


# `line` is (low, width).
@compiled("void(uint32[::1], float64[::1], UniTuple(float64, 2))")
def fill_uniform(raw, out, line):
    """Fill `out` with uniforms of two raw words each."""
    low, width = line
    for i in range(out.size):
        out[i] = low + width * unit(raw[2 * i], raw[2 * i + 1])


@compiled("UniTuple(int64, 2)(uint32[::1], complex128[::1])")
def fill_pairs(raw, out):
    """Put pairs of normals into `out`, in the order in which they are given, until it or the words end.

    Returns how many pairs are made, and how many words they took.
    """
    made, at = int64(0), int64(0)
    while made < out.size and at + 4 <= raw.size:
        x = 2.0 * unit(raw[at], raw[at + 1]) - 1.0
        y = 2.0 * unit(raw[at + 2], raw[at + 3]) - 1.0
        at += 4
        square = x * x + y * y
        if square >= 1.0 or square == 0.0:
            continue
        factor = math.sqrt(-2.0 * math.log(square) / square)
        out[made] = complex(factor * y, factor * x)
        made += 1
    return made, at
