"""JAX's random stream: Threefry-2x32 words (Salmon et al. 2011), and what jax.random makes of them.

Element i of an array has the counter (i >> 32, i mod 2^32), so that every element has an address. Words are made
1,024 at a time into a scratch block that stays in the first-level cache; one pass over the block then makes values
of them. A product and a sum are rounded once only where fma32 stands: there XLA fuses them too.

A value leaves as value x scale + shift, each rounded; a shift of -0.0 leaves every value as it is.
"""

import math

import numpy as np
from numba import float32, int32, int64, uint32, uint64

from service.weights.bits import bits_of, float_of
from service.weights.replay.kernels.arithmetic import fma32
from service.weights.targets import compiled, inlined

BLOCK = 1024  # elements; a scratch block of words is 4 KiB
PARITY = 0x1BD11BDA

f32 = np.float32
ZERO, HALF, ONE, INFINITY = f32(0.0), f32(0.5), f32(1.0), f32(np.inf)
ROOT_TWO = f32(float.fromhex("0x1.6a09e6p+0"))
MANTISSA = 0x007FFFFF
ROOT_HALF = 0x3F3504F3  # the bit pattern of sqrt(1/2) in float32
ONE_BITS = 0x3F800000


def hexadecimal(text):
    return tuple(f32(float.fromhex(word)) for word in text.split())


# Constants of XLA's float32 functions. log: Cephes's polynomial, highest power first.
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


@inlined
def rotate(x, left):
    return uint32(uint32(x << uint32(left)) | uint32(x >> uint32(32 - left)))


@inlined
def mix(x0, x1, r0, r1, r2, r3):
    """Four rounds."""
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, r0) ^ x0
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, r1) ^ x0
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, r2) ^ x0
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, r3) ^ x0
    return x0, x1


@inlined
def threefry(k0, k1, c0, c1):
    """Threefry-2x32 of 20 rounds: a key and a counter of two words each -> two random words."""
    k2 = uint32(k0 ^ k1 ^ uint32(PARITY))
    x0, x1 = mix(uint32(c0 + k0), uint32(c1 + k1), 13, 15, 26, 6)
    x0, x1 = mix(uint32(x0 + k1), uint32(x1 + uint32(k2 + uint32(1))), 17, 29, 16, 24)
    x0, x1 = mix(uint32(x0 + k2), uint32(x1 + uint32(k0 + uint32(2))), 13, 15, 26, 6)
    x0, x1 = mix(uint32(x0 + k0), uint32(x1 + uint32(k1 + uint32(3))), 17, 29, 16, 24)
    x0, x1 = mix(uint32(x0 + k1), uint32(x1 + uint32(k2 + uint32(4))), 13, 15, 26, 6)
    return uint32(x0 + k2), uint32(x1 + uint32(k0 + uint32(5)))


@inlined
def neighbours(key, first, wanted, words):
    """Return the words of element `first` and those after it: as many as are wanted, or 1,024, or up to 2^32 n."""
    low = uint32(first)
    high = uint32(first >> uint64(32))
    count = min(min(wanted, BLOCK), int64(uint64(1 << 32) - uint64(low)))
    k0, k1 = key[0], key[1]
    for i in range(count):
        left, right = threefry(k0, k1, high, uint32(low + uint32(i)))
        words[i] = left ^ right
    return words[:count]


@inlined
def from_several_runs(key, starts, length, done, wanted, scratch):
    """Return the words of the runs' elements done, done + 1, …: as many as are wanted, or 1,024."""
    highs, lows, words = scratch
    count = min(wanted, BLOCK)
    run = done // length
    within = done - run * length
    filled = int64(0)
    while filled < count:
        first = starts[run] + uint64(within)
        part = min(length - within, count - filled)
        for i in range(part):
            place = first + uint64(i)
            highs[filled + i] = uint32(place >> uint64(32))
            lows[filled + i] = uint32(place)
        filled += part
        run += 1
        within = int64(0)
    k0, k1 = key[0], key[1]
    for i in range(count):
        left, right = threefry(k0, k1, highs[i], lows[i])
        words[i] = left ^ right
    return words[:count]


@inlined
def make_words(key, starts, length, done, wanted, scratch):
    """Return the words of the runs' elements done, done + 1, …, up to 1,024 of them."""
    run = done // length
    within = done - run * length
    if length - within >= min(wanted, BLOCK):
        return neighbours(key, starts[run] + uint64(within), min(length - within, wanted), scratch[2])
    return from_several_runs(key, starts, length, done, wanted, scratch)


@inlined
def new_scratch():
    """Return room for a block's counters and for its words."""
    return np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32), np.empty(BLOCK, np.uint32)


@inlined
def fraction(word):
    """Return the word's upper 23 bits as a number of [0, 1)."""
    return float_of(int32(uint32(word >> uint32(9)) | uint32(ONE_BITS))) - ONE


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


# `line` is (width, low) of the interval, `scale` is (scale, shift).
@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 2), UniTuple(float32, 2))")
def fill_uniform(key, starts, length, out, line, scale):
    """Fill `out` with elements of jax.random.uniform, scaled and shifted."""
    width, low = line
    factor, shift = scale
    scratch = new_scratch()
    done = 0
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            block[i] = max(low, fma32(fraction(words[i]), width, low)) * factor + shift
        done += words.size


# `bounds` are the least and the greatest value before it is scaled: infinite for a normal that is not cut.
@compiled(
    "void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 2), UniTuple(float32, 2), "
    "UniTuple(float32, 2))"
)
def fill_normal(key, starts, length, out, line, bounds, scale):
    """Fill `out` with elements of jax.random.normal or truncated_normal, scaled and shifted."""
    width, low = line
    least, greatest = bounds
    factor, shift = scale
    scratch = new_scratch()
    done = 0
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            u = max(low, fma32(fraction(words[i]), width, low))
            value = min(max(erf_inv(u) * ROOT_TWO, least), greatest)
            block[i] = value * factor + shift
        done += words.size


@compiled("void(uint32[::1], uint64[::1], int64, uint32[::1])")
def fill_words(key, starts, length, out):
    """Fill `out` with the random words themselves: jax.random.bits."""
    scratch = new_scratch()
    done = 0
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        block[:] = words
        done += words.size
