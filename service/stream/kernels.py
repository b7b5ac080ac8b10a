"""The compiled loops: a stream's random words -> values, into a buffer, GIL released.

tests/reference.py is the same arithmetic in plain NumPy, written to be read; docs/stream.md is its text. All three
agree bit for bit: float32, one rounding an operation, in the order written, no fused multiply-add.

Elements are given as runs of neighbours (addresses.py): the address of each run and the runs' one length. Words are
made 1,024 at a time into a scratch block that stays in the first-level cache; one pass over the block then makes
values of them. Both branches of the inverse normal are computed and one is chosen, since a
real branch would keep the loop from being vectorised.
"""

import math

import numpy as np
from numba import float32, int32, int64, uint32, uint64

from service.stream.bits import bits_of, float_of
from service.stream.targets import compiled, inlined

COUNTERS = 256  # a scratch block: 1,024 words, 4 KiB

f32 = np.float32
HALF, ONE, TWO = f32(0.5), f32(1.0), f32(2.0)
CENTRE = f32(0.425)  # |q| up to here: the centre's rational function (the split of Wichura's AS 241, 1988)
SHIFT = f32(0.180625)  # CENTRE squared
# Minimax rational functions of degree 3 over 3 (relative error 2^-24.4 and 2^-23.3) and the logarithm's polynomial
# (absolute error 3e-7), fitted for this stream and rounded to float32.
A0, A1, A2, A3 = f32(3.3871328830718994), f32(-50.43442916870117), f32(159.29232788085938), f32(-59.11014175415039)
B1, B2, B3 = f32(-17.89521598815918), f32(78.75824737548828), f32(-67.18829345703125)
C0, C1, C2, C3 = f32(1.5341204404830933), f32(2.3590471744537354), f32(0.9281631708145142), f32(0.10291703790426254)
D1, D2, D3 = f32(0.6192665100097656), f32(0.08719789236783981), f32(5.225444056122797e-06)
L1, L2, L3, L4 = f32(1.442699670791626), f32(-0.7213758826255798), f32(0.48046502470970154), f32(-0.358961820602417)
L5, L6, L7 = f32(0.29726284742355347), f32(-0.2726981043815613), f32(0.17063382267951965)
ROOT_HALF = 0x3F3504F3  # the bit pattern of sqrt(1/2) in float32
MANTISSA = 0x007FFFFF


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four words of a counter and two of a key -> four random words (Salmon et al. 2011)."""
    for _ in range(10):
        product0 = uint64(0xD2511F53) * uint64(c0)
        product1 = uint64(0xCD9E8D57) * uint64(c2)
        c0 = uint32(product1 >> uint64(32)) ^ c1 ^ k0
        c2 = uint32(product0 >> uint64(32)) ^ c3 ^ k1
        c1, c3 = uint32(product1), uint32(product0)
        k0 = uint32(k0 + uint32(0x9E3779B9))
        k1 = uint32(k1 + uint32(0xBB67AE85))
    return c0, c1, c2, c3


@inlined
def put_pairs(pairs, i, words):
    """Put a counter's four words in order, in two stores of 64 bits: four of 32 take the compiler twice the time."""
    w0, w1, w2, w3 = words
    pairs[2 * i] = uint64(w0) | (uint64(w1) << uint64(32))
    pairs[2 * i + 1] = uint64(w2) | (uint64(w3) << uint64(32))


@inlined
def neighbours(stream, first, wanted, pairs):
    """Return the words of elements first, first + 1, …: as many as are wanted, or 256 counters give."""
    k0, k1, c2, c3 = stream[0], stream[1], stream[2], stream[3]
    counter = first >> uint64(2)
    skip = int64(first & uint64(3))
    count = min(wanted, 4 * COUNTERS - skip)
    for i in range((skip + count + 3) >> 2):
        n = counter + uint64(i)
        put_pairs(pairs, i, philox(uint32(n), uint32(n >> uint64(32)), c2, c3, k0, k1))
    return pairs.view(np.uint32)[skip : skip + count]


@inlined
def put_places(starts, length, done, count, places):
    """Put the place of each element's word among the words of its runs' counters, every run's one after the other."""
    run = done // length
    within = done - run * length
    before = put = int64(0)
    while put < count:
        skip = int64((starts[run] + uint64(within)) & uint64(3))
        part = min(length - within, count - put)
        for i in range(part):
            places[put + i] = int32(before + skip + i)
        before += (skip + part + 3) & ~int64(3)
        put += part
        run += 1
        within = int64(0)


@inlined
def from_several_runs(stream, starts, length, done, wanted, scratch):
    """Return the words of the runs' elements done, done + 1, …: as many as are wanted, or 256 counters give."""
    counters, pairs, gathered, places = scratch
    k0, k1, c2, c3 = stream[0], stream[1], stream[2], stream[3]
    run = done // length
    within = done - run * length
    used = count = int64(0)
    in_order = True  # all words of every counter are wanted
    while count < wanted and used < COUNTERS:
        first = starts[run] + uint64(within)
        skip = int64(first & uint64(3))
        part = min(min(length - within, wanted - count), 4 * (COUNTERS - used) - skip)
        more = (skip + part + 3) >> 2
        in_order = in_order and skip == 0 and part == 4 * more
        for i in range(more):
            counters[used + i] = (first >> uint64(2)) + uint64(i)
        used += more
        count += part
        run += 1
        within = int64(0)
    for i in range(used):
        n = counters[i]
        put_pairs(pairs, i, philox(uint32(n), uint32(n >> uint64(32)), c2, c3, k0, k1))
    words = pairs.view(np.uint32)
    if in_order:
        return words[:count]
    put_places(starts, length, done, count, places)
    for i in range(count):
        gathered[i] = words[places[i]]
    return gathered[:count]


@inlined
def make_words(stream, starts, length, done, wanted, scratch):
    """Return the words of the runs' elements done, done + 1, …, up to 1,024 of them."""
    run = done // length
    within = done - run * length
    if length - within >= min(wanted, 4 * COUNTERS):
        return neighbours(stream, starts[run] + uint64(within), min(length - within, wanted), scratch[1])
    return from_several_runs(stream, starts, length, done, wanted, scratch)


@inlined
def new_scratch():
    """Return room for a block's counters, for their words by pairs, for words put together and for their places."""
    counters, pairs = np.empty(COUNTERS, np.uint64), np.empty(2 * COUNTERS, np.uint64)
    return counters, pairs, np.empty(4 * COUNTERS, np.uint32), np.empty(4 * COUNTERS, np.int32)


@inlined
def offset(word, high, low, fraction):
    """Return word + 1/2 - zero in float32, rounded once; zero = 65536 high + low + 1/2 - fraction."""
    # Numba widens a difference to 64 bits, whose conversion takes twice as long; it fits 32.
    upper = int32(int32(word >> uint32(16)) - high)
    lower = int32(int32(word & uint32(0xFFFF)) - low)
    return float32(upper) * f32(65536.0) + (float32(lower) + fraction)


@inlined
def log2(p):
    bits = int32(bits_of(p) - int32(ROOT_HALF))
    exponent = int32(bits >> int32(23))
    t = float_of(int32(int32(bits & int32(MANTISSA)) + int32(ROOT_HALF))) - ONE
    return float32(exponent) + t * (L1 + t * (L2 + t * (L3 + t * (L4 + t * (L5 + t * (L6 + t * L7))))))


@inlined
def quantile(q, p):
    """Return the standard normal quantile of probability 1/2 + q, given also p, that of the nearer tail."""
    x = q * q - SHIFT
    y = math.sqrt(-log2(p)) - TWO
    central = abs(q) <= CENTRE
    # The quotient that is wanted is chosen before the division, which takes as long as ten of the other operations.
    above = (A0 + x * (A1 + x * (A2 + x * A3))) if central else (C0 + y * (C1 + y * (C2 + y * C3)))
    below = (ONE + x * (B1 + x * (B2 + x * B3))) if central else (ONE + y * (D1 + y * (D2 + y * D3)))
    quotient = above / below
    return q * quotient if central else math.copysign(quotient, q)


# `zero` is (high, low) of `offset`; `interval` is (fraction, step, anchor): the value at a word is
# anchor + offset x step.
# `bounds` are the least and the greatest value that may leave the kernel.
@compiled(
    "void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(int32, 2), UniTuple(float32, 3), "
    "UniTuple(float32, 2))",
)
def fill_uniform(stream, starts, length, out, zero, interval, bounds):
    """Fill `out` with elements of a uniform parameter."""
    high, low = zero
    fraction, step, anchor = interval
    least, greatest = bounds
    scratch = new_scratch()
    done = int64(0)
    while done < out.size:
        words = make_words(stream, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            value = anchor + offset(words[i], high, low, fraction) * step
            block[i] = min(max(value, least), greatest)
        done += words.size


# `tails` are the probabilities cut off below and above; `scale` is (standard deviation, mean).
@compiled(
    "void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(int32, 2), UniTuple(float32, 3), "
    "UniTuple(float32, 2), UniTuple(float32, 2), UniTuple(float32, 2))",
)
def fill_normal(stream, starts, length, out, zero, interval, tails, scale, bounds):
    """Fill `out` with elements of a normal or truncated normal parameter."""
    high, low = zero
    fraction, step, anchor = interval
    below, above = tails
    deviation, mean = scale
    least, greatest = bounds
    scratch = new_scratch()
    done = int64(0)
    while done < out.size:
        words = make_words(stream, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            word = words[i]
            q = anchor + offset(word, high, low, fraction) * step
            left = q < f32(0.0)
            distance = float32(word if left else ~word) + HALF
            value = mean + quantile(q, distance * step + (below if left else above)) * deviation
            block[i] = min(max(value, least), greatest)
        done += words.size


@compiled("void(uint32[::1], uint64[::1], int64, uint32[::1])")
def fill_words(stream, starts, length, out):
    """Fill `out` with the random words themselves."""
    scratch = new_scratch()
    done = int64(0)
    while done < out.size:
        words = make_words(stream, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            block[i] = words[i]
        done += words.size
