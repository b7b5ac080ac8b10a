"""torch's arithmetic on its CPU generator's words: uniform and normal values, as on processors with AVX2 and FMA.

Raw words stand in the buffer that becomes the values, in place. Normals are made in blocks of 16: 8 radii of the
first 8 uniforms, 8 angles of the others (Box and Muller 1958), with the logarithm, sine and cosine of Cephes (Moshier
1992) in float32, eight lanes wide in torch, any number here. `fma32` stands where torch rounds a product and a sum
once, and nowhere else.
"""

import math

import numpy as np
from numba import float32, int32, int64, uint32, uint64

from service.replay import libm
from service.replay.arithmetic import fma32, fma64
from service.replay.torch.kernels.mersenne import tempered
from service.stream.bits import bits_of, float_of
from service.stream.targets import compiled, inlined

f32 = np.float32
SCRATCH = 512  # pairs made at a time: 2 KiB an array
UNIT = f32(2.0**-24)
HALF, ONE, TWO, MINUS_TWO = f32(0.5), f32(1.0), f32(2.0), f32(-2.0)
TURN = f32(2.0 * math.pi)
LEAST = f32(2.0**-126)
ROOT_HALF = f32(float.fromhex("0x1.6a09e6p-1"))
P0, P1, P2 = (f32(float.fromhex(x)) for x in ("0x1.204376p-4", "-0x1.d7a370p-4", "0x1.de4a34p-4"))
P3, P4, P5 = (f32(float.fromhex(x)) for x in ("-0x1.fcba9ep-4", "0x1.23d37ep-3", "-0x1.555ca0p-3"))
P6, P7, P8 = (f32(float.fromhex(x)) for x in ("0x1.999d58p-3", "-0x1.fffff8p-3", "0x1.555554p-2"))
LN2_LOW, LN2_HIGH = f32(float.fromhex("-0x1.bd0106p-13")), f32(float.fromhex("0x1.63p-1"))
PER_QUARTER = f32(float.fromhex("0x1.45f306p+0"))  # 4 / pi
Q1, Q2, Q3 = (f32(float.fromhex(x)) for x in ("-0x1.92p-1", "-0x1.fb4p-13", "-0x1.4442d2p-25"))
C0, C1, C2 = (f32(float.fromhex(x)) for x in ("0x1.99eb9cp-16", "-0x1.6c0c34p-10", "0x1.55554ap-5"))
S0, S1, S2 = (f32(float.fromhex(x)) for x in ("-0x1.9943f2p-13", "0x1.11073cp-7", "-0x1.555546p-3"))


@inlined
def unit(raw):
    """Return a raw word's uniform on [0, 1): its low 24 bits, tempered."""
    return float32(int32(tempered(raw) & uint32(0xFFFFFF))) * UNIT


@inlined
def unit64(high, low):
    """Return two raw words' uniform on [0, 1): the low 53 bits of both, the first word above."""
    both = (uint64(tempered(high)) << uint64(32)) | uint64(tempered(low))
    return float(int64(both & uint64(0x1FFFFFFFFFFFFF))) * 2.0**-53


@inlined
def log_of(value):
    value = max(value, LEAST)
    bits = bits_of(value)
    exponent = float32(int32(bits >> int32(23)) - int32(126))
    mantissa = float_of(int32((bits & int32(0x007FFFFF)) | int32(0x3F000000)))
    small = mantissa < ROOT_HALF
    exponent = exponent - ONE if small else exponent
    x = (mantissa - ONE) + (mantissa if small else f32(0.0))
    z = x * x
    y = fma32(fma32(fma32(fma32(P0, x, P1), x, P2), x, P3), x, P4)
    y = fma32(fma32(fma32(fma32(y, x, P5), x, P6), x, P7), x, P8)
    y = fma32(y * x, z, exponent * LN2_LOW)
    y = y - z * HALF
    return fma32(exponent, LN2_HIGH, x + y)


@inlined
def sine_and_cosine(x):
    j = int32(int32(int32(x * PER_QUARTER) + int32(1)) & int32(~1))
    turns = float32(j)
    x = fma32(turns, Q3, fma32(turns, Q2, fma32(turns, Q1, x)))
    z = x * x
    c = fma32(fma32(C0, z, C1), z, C2) * z
    c = fma32(c, z, -(z * HALF)) + ONE
    s = fma32(fma32(S0, z, S1), z, S2) * z
    s = fma32(s, x, x)
    swapped = (j & int32(2)) != int32(0)
    sine, cosine = (c if swapped else s), (s if swapped else c)
    sine = -sine if (j & int32(4)) != int32(0) else sine
    cosine = -cosine if (int32(~(j - int32(2))) & int32(4)) != int32(0) else cosine
    return sine, cosine


@compiled("void(uint32[::1], float32[::1], float32, float32)")
def uniform(raw, out, low, high):
    """Put low + u (high - low) into `out`, before it is rounded to a dtype; `raw` may be the same memory."""
    width = high - low
    units = np.empty(2 * SCRATCH, np.float32)  # apart from `raw` and `out`, for the compiler to see
    for start in range(0, raw.size, units.size):
        count = min(units.size, raw.size - start)
        words, values = raw[start : start + count], out[start : start + count]
        for i in range(count):
            units[i] = unit(words[i])
        for i in range(count):
            values[i] = fma32(units[i], width, low)


@compiled("void(uint32[::1], float64[::1], float64, float64)")
def uniform64(raw, out, low, high):
    """As `uniform`, in float64: two words an element."""
    width = high - low
    for i in range(out.size):
        out[i] = fma64(unit64(raw[2 * i], raw[2 * i + 1]), width, low)


@compiled("void(uint32[::1], float32[::1], float32, float32)")
def uniform_apart(raw, out, low, high):
    """As `uniform`, on processors without FMA: product and sum rounded one after the other."""
    width = high - low
    for i in range(raw.size):
        out[i] = unit(raw[i]) * width + low


@compiled("void(uint32[::1], float64[::1], float64, float64)")
def uniform64_apart(raw, out, low, high):
    """As `uniform64`, on processors without FMA."""
    width = high - low
    for i in range(out.size):
        out[i] = unit64(raw[2 * i], raw[2 * i + 1]) * width + low


@compiled("void(float32[::1], float32, float32)", "void(float64[::1], float64, float64)")
def end_becomes_start(values, low, high):
    """Set values that were rounded to `high` to `low`."""
    for i in range(values.size):
        values[i] = low if values[i] == high else values[i]


@compiled("void(uint32[::1], float32[::1], float32, float32)")
def normal(raw, out, mean, deviation):
    """Put normal values into `out`, whose size is a multiple of 16; `raw` may be the same memory."""
    first, second = np.empty(SCRATCH, np.float32), np.empty(SCRATCH, np.float32)
    for start in range(0, raw.size, 2 * SCRATCH):
        blocks = min(2 * SCRATCH, raw.size - start) // 16
        words, values = raw[start : start + 16 * blocks], out[start : start + 16 * blocks]
        for block in range(blocks):
            for lane in range(8):
                first[8 * block + lane] = ONE - unit(words[16 * block + lane])
            for lane in range(8):
                second[8 * block + lane] = unit(words[16 * block + 8 + lane])
        for i in range(8 * blocks):
            radius = math.sqrt(MINUS_TWO * log_of(first[i]))
            sine, cosine = sine_and_cosine(TURN * second[i])
            first[i] = fma32(radius * cosine, deviation, mean)
            second[i] = fma32(radius * sine, deviation, mean)
        for block in range(blocks):
            for lane in range(8):
                values[16 * block + lane] = first[8 * block + lane]
            for lane in range(8):
                values[16 * block + 8 + lane] = second[8 * block + lane]


@compiled("void(uint32[::1], float32[::1], float32, float32)")
def normal_by_libm(raw, out, mean, deviation):
    """As `normal`, on processors without AVX2: by glibc's logarithm, sine and cosine."""
    for block in range(raw.size // 16):
        for lane in range(16 * block, 16 * block + 8):
            radius = math.sqrt(MINUS_TWO * libm.log(ONE - unit(raw[lane])))
            sine, cosine = libm.sine_and_cosine(float32(2.0 * math.pi * float(unit(raw[lane + 8]))))
            out[lane] = fma32(radius * cosine, deviation, mean)
            out[lane + 8] = fma32(radius * sine, deviation, mean)


@compiled("void(uint32[::1], int64[::1], float32[::1], float32, float32)")
def normal_by_libm_at(raw, places, out, mean, deviation):
    """Put the values that `normal_by_libm` makes at some places into `out`."""
    for i in range(places.size):
        at = (places[i] // 16) * 16 + places[i] % 8
        radius = math.sqrt(MINUS_TWO * libm.log(ONE - unit(raw[at])))
        sine, cosine = libm.sine_and_cosine(float32(2.0 * math.pi * float(unit(raw[at + 8]))))
        out[i] = fma32(radius * (sine if places[i] & 8 else cosine), deviation, mean)


@compiled("void(uint32[::1], float64[::1], float64, float64)")
def normal64(raw, out, mean, deviation):
    """As `normal`, in float64, with the platform's logarithm, sine and cosine; two words an element."""
    for block in range(out.size // 16):
        at = 16 * block
        for lane in range(at, at + 8):
            one = 1.0 - unit64(raw[2 * lane], raw[2 * lane + 1])
            two = unit64(raw[2 * lane + 16], raw[2 * lane + 17])
            radius, angle = math.sqrt(-2.0 * math.log(one)), 2.0 * math.pi * two
            out[lane] = fma64(radius * math.cos(angle), deviation, mean)
            out[lane + 8] = fma64(radius * math.sin(angle), deviation, mean)


@compiled("void(uint32[::1], int64[::1], float32[::1], float32, float32)")
def normal_at(raw, places, out, mean, deviation):
    """Put the values that `normal` makes at some places into `out`."""
    for i in range(places.size):
        radius_at = (places[i] // 16) * 16 + places[i] % 8
        radius = math.sqrt(MINUS_TWO * log_of(ONE - unit(raw[radius_at])))
        sine, cosine = sine_and_cosine(TURN * unit(raw[radius_at + 8]))
        out[i] = fma32(radius * (sine if places[i] & 8 else cosine), deviation, mean)


@compiled("void(uint32[::1], int64[::1], float64[::1], float64, float64)")
def normal64_at(raw, places, out, mean, deviation):
    """Put the values that `normal64` makes at some places into `out`."""
    for i in range(places.size):
        at = 2 * ((places[i] // 16) * 16 + places[i] % 8)
        radius = math.sqrt(-2.0 * math.log(1.0 - unit64(raw[at], raw[at + 1])))
        angle = 2.0 * math.pi * unit64(raw[at + 16], raw[at + 17])
        out[i] = fma64(radius * (math.sin(angle) if places[i] & 8 else math.cos(angle)), deviation, mean)


@compiled("void(uint32[::1], float64[:, ::1])")
def pairs(raw, out):
    """Put pairs of standard normals into `out`, each of four words: what torch draws one after the other."""
    for i in range(out.shape[0]):
        one = unit64(raw[4 * i], raw[4 * i + 1])
        two = unit64(raw[4 * i + 2], raw[4 * i + 3])
        radius, angle = math.sqrt(-2.0 * math.log1p(-two)), 2.0 * math.pi * one
        out[i, 0], out[i, 1] = radius * math.cos(angle), radius * math.sin(angle)


@compiled("void(float64[::1], float64, float64)")
def scale(values, mean, deviation):
    """Turn standard normals into normals in place, product and sum rounded once."""
    for i in range(values.size):
        values[i] = fma64(values[i], deviation, mean)


@inlined
def permute(raw, out):
    """Put a permutation of 0, 1, … into `out`; one word for each place but the last."""
    size = out.size
    for i in range(size):
        out[i] = i
    for i in range(size - 1):
        other = i + int64(tempered(raw[i]) % uint32(size - i))
        out[i], out[other] = out[other], out[i]


@compiled("void(uint32[:, ::1], int64[::1], int64[:, ::1])")
def first_of_permutations(raw, order, out):
    """Put the first places of a permutation into each row of `out`, by the words in that row of `raw`."""
    for row in range(out.shape[0]):
        permute(raw[row], order)
        for place in range(out.shape[1]):
            out[row, place] = order[place]
