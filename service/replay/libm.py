"""glibc's logf, sinf and cosf (2.28 and newer), which compute in float64 and round once at the end.

The method, tables and polynomials are those published in ARM's optimized routines. Products and sums are rounded one
by one here. On processors with FMA glibc fuses some of them; over all the arguments that streams give these functions
(`UNITS` and `ANGLES` in the tests) no float32 result differs for it.
"""

import numpy as np
from numba import float32, float64, int32
from numpy.typing import NDArray

from service.stream.bits import bits_of, float_of
from service.stream.targets import inlined


def hexadecimal(text: str) -> NDArray[np.float64]:
    return np.array([float.fromhex(word) for word in text.split()])


# log: 1 / c and log c for the 16 parts of an octave, the mantissa z being near c.
INVERSES = hexadecimal(
    "0x1.661ec79f8f3bep+0 0x1.571ed4aaf883dp+0 0x1.49539f0f010bp+0 0x1.3c995b0b80385p+0 0x1.30d190c8864a5p+0 "
    "0x1.25e227b0b8eap+0 0x1.1bb4a4a1a343fp+0 0x1.12358f08ae5bap+0 0x1.0953f419900a7p+0 0x1p+0 0x1.e608cfd9a47acp-1 "
    "0x1.ca4b31f026aap-1 0x1.b2036576afce6p-1 0x1.9c2d163a1aa2dp-1 0x1.886e6037841edp-1 0x1.767dcf5534862p-1"
)
LOGARITHMS = hexadecimal(
    "-0x1.57bf7808caadep-2 -0x1.2bef0a7c06ddbp-2 -0x1.01eae7f513a67p-2 -0x1.b31d8a68224e9p-3 -0x1.6574f0ac07758p-3 "
    "-0x1.1aa2bc79c81p-3 -0x1.a4e76ce8c0e5ep-4 -0x1.1973c5a611cccp-4 -0x1.252f438e10c1ep-5 0x0p+0 0x1.aa5aa5df25984p-5 "
    "0x1.c5e53aa362eb4p-4 0x1.526e57720db08p-3 0x1.bc2860d22477p-3 0x1.1058bc8a07ee1p-2 0x1.4043057b6ee09p-2"
)
L0, L1, L2 = hexadecimal("-0x1.00ea348b88334p-2 0x1.5575b0be00b6ap-2 -0x1.ffffef20a4123p-2")
LN2 = float.fromhex("0x1.62e42fefa39efp-1")
OFFSET = 0x3F330000  # the bits of the number that an octave of z begins with
# sin and cos between -pi/4 and pi/4, after whole quarters of a turn are taken off.
PER_QUARTER, QUARTER = hexadecimal("0x1.45f306dc9c883p+23 0x1.921fb54442d18p+0")  # 2^24 x 2 / pi, pi / 2
C1, C2, C3, C4 = hexadecimal("-0x1.ffffffd0c621cp-2 0x1.55553e1068f19p-5 -0x1.6c087e89a359dp-10 0x1.99343027bf8c3p-16")
S1, S2, S3 = hexadecimal("-0x1.555545995a603p-3 0x1.1107605230bc4p-7 -0x1.994eb3774cf24p-13")
SMALL = np.float32(2.0**-12)  # below, sin x is x and cos x is 1


@inlined
def log(x):
    """Return logf(x) of a normal x > 0."""
    bits = bits_of(x)
    shifted = int32(bits - int32(OFFSET))
    part = int32(shifted >> int32(19)) & int32(15)
    octave = float64(int32(shifted >> int32(23)))
    z = float64(float_of(int32(bits - int32(int32(shifted >> int32(23)) << int32(23)))))
    r = z * INVERSES[part] - 1.0
    square = r * r
    y = (L0 * square + (L1 * r + L2)) * square + ((LOGARITHMS[part] + octave * LN2) + r)
    return float32(y)


@inlined
def sine_and_cosine(x):
    """Return sinf(x) and cosf(x) of 0 <= x < 120."""
    wide = float64(x)
    quarters = int32(int32(int32(wide * PER_QUARTER) + int32(0x800000)) >> int32(24))
    t = wide - float64(quarters) * QUARTER
    square = t * t
    cube = t * square
    fourth = square * square
    sine = (t + cube * S1) + (cube * square) * (S2 + square * S3)
    cosine = ((1.0 + square * C1) + fourth * C2) + (fourth * square) * (C3 + square * C4)
    swapped = (quarters & int32(1)) != int32(0)
    first = cosine if swapped else sine
    second = sine if swapped else cosine
    first = -first if (quarters & int32(2)) != int32(0) else first
    second = -second if (int32(quarters + int32(1)) & int32(2)) != int32(0) else second
    small = x < SMALL
    return (x if small else float32(first)), (np.float32(1.0) if small else float32(second))
