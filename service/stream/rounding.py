"""The compiled loops that round float32 to half precision: to nearest, ties to even. No value is NaN."""

import numpy as np
from numba import float32, int32, uint16

from service.stream.bits import bits_of, float_of
from service.stream.targets import compiled

SIGN = -(2**31)
BEYOND = 0x477FF000  # float32's bits of 65,520, from which on float16 has infinity alone
LEAST_NORMAL = (127 - 14) << 23  # float32's bits of 2^-14, float16's least normal number
# 1/2: its last bit, 2^-24, is float16's least number, so that adding it rounds a value to a multiple of that.
ALIGNER = (127 - 1) << 23


@compiled("void(float32[::1], uint16[::1])")
def to_bfloat16(values, out):
    """Put the upper half of each float32, rounded, into `out`."""
    for i in range(values.size):
        bits = np.uint32(bits_of(values[i]))
        odd = (bits >> np.uint32(16)) & np.uint32(1)
        out[i] = uint16(np.uint32(bits + np.uint32(0x7FFF) + odd) >> np.uint32(16))


@compiled("void(float32[::1], uint16[::1])")
def to_float16(values, out):
    """Put each float32, rounded, into `out` as float16's bits; none is NaN."""
    for i in range(values.size):
        bits = bits_of(values[i])
        sign = bits & int32(SIGN)
        size = int32(bits ^ sign)
        odd = (size >> int32(13)) & int32(1)
        normal = int32(size - int32((127 - 15) << 23) + int32(0xFFF) + odd) >> int32(13)
        small = int32(bits_of(float32(float_of(size) + float_of(int32(ALIGNER)))) - int32(ALIGNER))
        half = small if size < int32(LEAST_NORMAL) else normal
        half = int32(0x7C00) if size >= int32(BEYOND) else half
        out[i] = uint16(half | ((sign >> int32(16)) & int32(0x8000)))
