"""XLA's float32 functions on processors, operation by operation: log, log1p, the error function and its inverse.

Each operation is rounded once; a product and a sum are one operation only where fma32 stands. Both sides of every
choice are computed and one is chosen, since a real branch would keep loops from being vectorised.
"""

import math

import numpy as np
from numba import float32, int32

from service.replay.arithmetic import fma32
from service.stream.bits import bits_of, float_of
from service.stream.targets import compiled, inlined

f32 = np.float32
HALF, ONE, INFINITY = f32(0.5), f32(1.0), f32(np.inf)
MANTISSA = 0x007FFFFF
ROOT_HALF = 0x3F3504F3  # the bit pattern of sqrt(1/2) in float32


def hexadecimal(text: str) -> tuple[np.float32, ...]:
    return tuple(f32(float.fromhex(word)) for word in text.split())


# Polynomials stand highest power first. log: Cephes's.
L0, L1, L2, L3, L4, L5, L6, L7, L8 = hexadecimal(
    "0x1.204376p-4 -0x1.d7a370p-4 0x1.de4a34p-4 -0x1.fcba9ep-4 0x1.23d37ep-3 -0x1.555ca0p-3 0x1.999d58p-3 "
    "-0x1.fffff8p-3 0x1.555554p-2"
)
LN2_LOW, LN2_HIGH = hexadecimal("-0x1.bd0106p-13 0x1.63p-1")
# log1p near 0: a rational function, the denominator's highest coefficient is 1.
NEAR_ZERO = f32(float.fromhex("0x1.a8279ap-2"))
N0, N1, N2, N3, N4, N5, N6 = hexadecimal(
    "0x1.7bc096p-15 0x1.fe818ap-2 0x1.a509f4p+2 0x1.de9738p+4 0x1.e798ecp+5 0x1.c8e75ap+5 0x1.40a202p+4"
)
D1, D2, D3, D4, D5, D6 = hexadecimal(
    "0x1.e2035ap+3 0x1.4c30b6p+6 0x1.bb865ap+7 0x1.351946p+8 0x1.b0db14p+7 0x1.e0f304p+5"
)
# The inverse error function (Giles 2010): its centre and its tails.
A0, A1, A2, A3, A4, A5, A6, A7, A8 = hexadecimal(
    "0x1.e2cb1p-26 0x1.70966cp-22 -0x1.d8e6aep-19 -0x1.26b582p-18 0x1.ca65b6p-13 -0x1.48a81p-10 -0x1.11c9dep-8 "
    "0x1.f91ec6p-3 0x1.805c5ep+0"
)
B0, B1, B2, B3, B4, B5, B6, B7, B8 = hexadecimal(
    "-0x1.a3e136p-13 0x1.a76ad6p-14 0x1.61b8e4p-10 -0x1.e17bcep-9 0x1.7824f6p-8 -0x1.f38baep-8 0x1.354afcp-7 "
    "0x1.006db6p+0 0x1.6a9efcp+1"
)
# The error function: x times a rational function of x squared, and 1 from where it is that to half a bit.
FARTHEST = f32(float.fromhex("0x1.df38dp+1"))
E0, E1, E2, E3, E4 = hexadecimal("0x1.e05aa2p-13 0x1.bebb44p-9 0x1.a16dd6p-5 0x1.7b4e8p-3 0x1.20dd74p+0")
F0, F1, F2, F3, F4, F5 = hexadecimal(
    "-0x1.fa720cp-24 0x1.8b11bep-16 0x1.0ada5p-10 0x1.cd0fa8p-7 0x1.c69842p-4 0x1.fd6894p-2"
)


@inlined
def log(y):
    bits = int32(bits_of(y) - int32(ROOT_HALF))
    exponent = float32(int32(bits >> int32(23)))
    x = float_of(int32(int32(bits & int32(MANTISSA)) + int32(ROOT_HALF))) - ONE
    square = x * x
    cube = square * x
    p = fma32(fma32(x, L0, L1), x, L2)
    q = fma32(fma32(x, L3, L4), x, L5)
    r = fma32(fma32(x, L6, L7), x, L8)
    rest = fma32(fma32(fma32(p, cube, q), cube, r), cube, exponent * LN2_LOW)
    return fma32(exponent, LN2_HIGH, (x - square * HALF) + rest)


@inlined
def log1p(x):
    square = x * x
    above = fma32(fma32(fma32(fma32(fma32(fma32(N0, x, N1), x, N2), x, N3), x, N4), x, N5), x, N6)
    below = fma32(fma32(fma32(fma32(fma32(x + D1, x, D2), x, D3), x, D4), x, D5), x, D6)
    near = x + fma32(square, -HALF, (x * square) * (above / below))
    return near if abs(x) < NEAR_ZERO else log(x + ONE)


@inlined
def erf_inv(u):
    bent = log1p(u * -u)
    central = bent > f32(-5.0)
    t = (f32(-2.5) - bent) if central else (math.sqrt(-bent) - f32(3.0))
    p = fma32(A0 if central else B0, t, A1 if central else B1)
    p = fma32(p, t, A2 if central else B2)
    p = fma32(p, t, A3 if central else B3)
    p = fma32(p, t, A4 if central else B4)
    p = fma32(p, t, A5 if central else B5)
    p = fma32(p, t, A6 if central else B6)
    p = fma32(p, t, A7 if central else B7)
    p = fma32(p, t, A8 if central else B8)
    return u * (p if abs(u) != ONE else INFINITY)


@compiled("void(float32[::1], float32[::1])")
def fill_erf_inv(values, out):
    """Fill `out` with the inverse error function of values: what a table of half-precision numbers is made of."""
    for i in range(values.size):
        out[i] = erf_inv(values[i])


@compiled("void(float32[::1], float32[::1])")
def fill_erf(values, out):
    """Fill `out` with XLA's error function of single numbers, the bounds of a truncated normal.

    Of arrays, which are computed in vectors, XLA's goes on a little farther.
    """
    for i in range(values.size):
        x = values[i]
        t = x * x
        above = fma32(fma32(fma32(fma32(E0, t, E1), t, E2), t, E3), t, E4)
        below = fma32(fma32(fma32(fma32(fma32(fma32(F0, t, F1), t, F2), t, F3), t, F4), t, F5), t, ONE)
        out[i] = (x * above) / below if abs(x) < FARTHEST else math.copysign(ONE, x)
