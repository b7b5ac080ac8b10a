"""NumPy's default stream: PCG64's words (O'Neill 2014), and uniform and normal values made of them.

A state is four words: the high and the low half of a 128-bit state, and of its increment. A uniform takes one word. A
normal takes one word in 99 of 100 cases and more in the others, so that only drawing tells where the next one begins.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba import float64, int8, int64, types, uint64
from numba.extending import intrinsic

from service.replay.numpy.kernels.ziggurat import tables
from service.stream.targets import called, compiled, inlined

WIDTHS, DENSITIES, WITHIN = tables()
FACTOR_HIGH, FACTOR_LOW = 0x2360ED051FC65DA4, 0x4385DF649FCCF645
EDGE = 3.6541528853610088  # where the tail begins
ONE_OVER_EDGE = 0.27366123732975828
MANTISSA = 0x000FFFFFFFFFFFFF
UNIT = 2.0**-53
SCRATCH = 2048  # words made at a time: 16 KiB
AFTER = 64  # words kept in reserve for a value that takes many


@intrinsic
def multiply_add(
    typing_context: Any, high: Any, low: Any, by_high: Any, by_low: Any, add_high: Any, add_low: Any
) -> Any:
    """Return the two halves of a product and a sum of 128 bits."""
    pair = types.UniTuple(types.uint64, 2)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)

        def joined(upper: Any, lower: Any) -> Any:
            shifted = builder.shl(builder.zext(upper, wide), ir.Constant(wide, 64))
            return builder.or_(shifted, builder.zext(lower, wide))

        a, b, c = (joined(args[i], args[i + 1]) for i in (0, 2, 4))
        total = builder.add(builder.mul(a, b), c)
        upper = builder.trunc(builder.lshr(total, ir.Constant(wide, 64)), ir.IntType(64))
        lower = builder.trunc(total, ir.IntType(64))
        return context.make_tuple(builder, pair, (upper, lower))

    return pair(*(types.uint64,) * 6), generate


@inlined
def output(high, low):
    turn = high >> uint64(58)
    mixed = high ^ low
    return (mixed >> turn) | (mixed << ((uint64(64) - turn) & uint64(63)))


@inlined
def leap(increment_high, increment_low, steps):
    """Return factor and summand (two halves each) of `steps` steps at once (Brown 1994)."""
    factor = (uint64(0), uint64(1))
    summand = (uint64(0), uint64(0))
    base = (uint64(FACTOR_HIGH), uint64(FACTOR_LOW))
    plus = (increment_high, increment_low)
    while steps > uint64(0):
        if steps & uint64(1):
            factor = multiply_add(factor[0], factor[1], base[0], base[1], uint64(0), uint64(0))
            summand = multiply_add(summand[0], summand[1], base[0], base[1], plus[0], plus[1])
        more = multiply_add(base[0], base[1], uint64(0), uint64(1), uint64(0), uint64(1))
        plus = multiply_add(more[0], more[1], plus[0], plus[1], uint64(0), uint64(0))
        base = multiply_add(base[0], base[1], base[0], base[1], uint64(0), uint64(0))
        steps >>= uint64(1)
    return factor, summand


@inlined
def advanced(state, steps):
    """Return the halves of the state after so many steps."""
    factor, summand = leap(state[2], state[3], steps)
    return multiply_add(state[0], state[1], factor[0], factor[1], summand[0], summand[1])


LANES = 4  # walks a quarter of a step apart, so that none waits for its product


@called
def make_words(state, first, out):
    """Fill `out` with words first, first + 1, … of the stream."""
    factor, summand = leap(state[2], state[3], uint64(LANES))
    a = advanced(state, first + uint64(1))
    b = multiply_add(a[0], a[1], uint64(FACTOR_HIGH), uint64(FACTOR_LOW), state[2], state[3])
    c = multiply_add(b[0], b[1], uint64(FACTOR_HIGH), uint64(FACTOR_LOW), state[2], state[3])
    d = multiply_add(c[0], c[1], uint64(FACTOR_HIGH), uint64(FACTOR_LOW), state[2], state[3])
    whole = out.size // LANES
    for i in range(whole):
        out[LANES * i] = output(a[0], a[1])
        out[LANES * i + 1] = output(b[0], b[1])
        out[LANES * i + 2] = output(c[0], c[1])
        out[LANES * i + 3] = output(d[0], d[1])
        a = multiply_add(a[0], a[1], factor[0], factor[1], summand[0], summand[1])
        b = multiply_add(b[0], b[1], factor[0], factor[1], summand[0], summand[1])
        c = multiply_add(c[0], c[1], factor[0], factor[1], summand[0], summand[1])
        d = multiply_add(d[0], d[1], factor[0], factor[1], summand[0], summand[1])
    for i in range(LANES * whole, out.size):
        out[i] = output(a[0], a[1])
        a = multiply_add(a[0], a[1], uint64(FACTOR_HIGH), uint64(FACTOR_LOW), state[2], state[3])


@compiled("void(uint64[::1], uint64, uint64[::1])")
def fill_words(state, first, out):
    """Fill `out` with words first, first + 1, … of the stream of `state`."""
    make_words(state, first, out)


@inlined
def unit(word):
    """Return the word's upper 53 bits as a number of [0, 1)."""
    return float64(int64(word >> uint64(11))) * UNIT


# `line` is (low, width): as NumPy has it, low + width x unit, each operation rounded.
@compiled("void(uint64[::1], uint64, uint64[::1], int64, float64[::1], UniTuple(float64, 2))")
def fill_uniform(state, origin, starts, length, out, line):
    """Fill `out` with runs of uniform elements; element 0 is of word `origin`."""
    low, width = line
    words = np.empty(SCRATCH, np.uint64)
    for run in range(starts.size):
        done = int64(0)
        while done < length:
            part = words[: min(length - done, SCRATCH)]
            make_words(state, origin + starts[run] + uint64(done), part)
            values = out[run * length + done : run * length + done + part.size]
            for i in range(part.size):
                values[i] = low + width * unit(part[i])
            done += part.size


@inlined
def propose(words, values, misses):
    """Put the value that each word proposes into `values`, and whether its place is outside the layer's safe part."""
    for i in range(words.size):
        word = words[i]
        layer = int64(word & uint64(0xFF))
        place = int64((word >> uint64(9)) & uint64(MANTISSA))
        value = float64(place) * WIDTHS[layer]
        values[i] = -value if (word & uint64(0x100)) != uint64(0) else value
        misses[i] = int8(place >= WITHIN[layer])


@called
def from_tail(words, at, negative):
    """Return a value from beyond the edge, and where its last word stands."""
    while True:
        across = -ONE_OVER_EDGE * math.log1p(-unit(words[at + 1]))
        up = -math.log1p(-unit(words[at + 2]))
        at += 2
        if up + up > across * across:
            value = EDGE + across
            return (-value if negative else value), at


@called
def settle(words, at, value):
    """Return the value of a word outside its layer's safe part, whether it is kept, and where its last word stands."""
    layer = int64(words[at] & uint64(0xFF))
    if layer == 0:
        value, at = from_tail(words, at, (words[at] >> uint64(17)) & uint64(1) != uint64(0))
        return value, True, at
    at += 1
    height = (DENSITIES[layer - 1] - DENSITIES[layer]) * unit(words[at]) + DENSITIES[layer]
    return value, height < math.exp(-0.5 * value * value), at


@inlined
def take(words, values, misses, line, bounds, out, made):
    """Put mean + deviation x normal, where within the bounds, into `out` from `made` on, until the words or `out` end.

    Returns how many of the words were taken, and how many values are made.
    """
    mean, deviation = line
    low, high = bounds
    free = low == -math.inf and high == math.inf
    eights = misses.view(np.int64)
    at, last = int64(0), words.size - AFTER
    while made < out.size and at < last:
        if free and at & int64(7) == int64(0) and eights[at >> int64(3)] == int64(0) and made + 8 <= out.size:
            for i in range(8):
                out[made + i] = mean + deviation * values[at + i]
            at += 8
            made += 8
            continue
        kept, value = True, values[at]
        if misses[at]:
            value, kept, at = settle(words, at, value)
        value = mean + deviation * value
        out[made] = value
        made += int64(kept and low <= value <= high)
        at += 1
    return at, made


# `line` is (mean, deviation), `bounds` are the least and the greatest value that is kept.
SIGNATURE = "uint64(uint64[::1], uint64, UniTuple(float64, 2), UniTuple(float64, 2), {}[::1])"


@compiled(SIGNATURE.format("float32"), SIGNATURE.format("float64"))
def fill_normal(state, word, line, bounds, out):
    """Fill `out` with normals of the words from `word` on; return the word that follows them."""
    words = np.empty(SCRATCH + AFTER, np.uint64)
    values, misses = np.empty(words.size, np.float64), np.empty(words.size, np.int8)
    made = int64(0)
    while made < out.size:
        make_words(state, word, words)
        propose(words, values, misses)
        taken, made = take(words, values, misses, line, bounds, out, made)
        word += uint64(taken)
    return word
