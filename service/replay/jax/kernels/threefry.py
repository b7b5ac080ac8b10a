"""JAX's random stream: Threefry-2x32 words (Salmon et al. 2011), and what jax.random makes of them.

Element i of an array has the counter (i >> 32, i mod 2^32), so that every element has an address. Words are made
1,024 at a time into a scratch block that stays in the first-level cache; one pass over the block then makes values
of them. A product and a sum are rounded once only where fma32 stands: there XLA fuses them too.

A value leaves as value x scale + shift, each rounded; a shift of -0.0 leaves every value as it is.
"""

import numpy as np
from numba import int32, int64, uint32, uint64

from service.replay.arithmetic import fma32
from service.replay.jax.kernels.xla import ONE, erf_inv
from service.stream.bits import float_of
from service.stream.targets import compiled, inlined

BLOCK = 1024  # elements; a scratch block of words is 4 KiB
PARITY = 0x1BD11BDA
# How far the rounds turn a word: four, and the next four, and so on in turns.
EVEN = (np.uint32(13), np.uint32(15), np.uint32(26), np.uint32(6))
ODD = (np.uint32(17), np.uint32(29), np.uint32(16), np.uint32(24))

f32 = np.float32
ROOT_TWO = f32(float.fromhex("0x1.6a09e6p+0"))
ONE_BITS = 0x3F800000


@inlined
def rotate(x, left):
    return uint32(uint32(x << left) | uint32(x >> uint32(uint32(32) - left)))


@inlined
def mix(x0, x1, turns):
    """Four rounds."""
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, turns[0]) ^ x0
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, turns[1]) ^ x0
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, turns[2]) ^ x0
    x0 = uint32(x0 + x1)
    x1 = rotate(x1, turns[3]) ^ x0
    return x0, x1


@inlined
def threefry(k0, k1, c0, c1):
    """Threefry-2x32 of 20 rounds: a key and a counter of two words each -> two random words."""
    k2 = uint32(k0 ^ k1 ^ uint32(PARITY))
    x0, x1 = mix(uint32(c0 + k0), uint32(c1 + k1), EVEN)
    x0, x1 = mix(uint32(x0 + k1), uint32(x1 + uint32(k2 + uint32(1))), ODD)
    x0, x1 = mix(uint32(x0 + k2), uint32(x1 + uint32(k0 + uint32(2))), EVEN)
    x0, x1 = mix(uint32(x0 + k0), uint32(x1 + uint32(k1 + uint32(3))), ODD)
    x0, x1 = mix(uint32(x0 + k1), uint32(x1 + uint32(k2 + uint32(4))), EVEN)
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
def by_halves(key, starts, length, done, wanted, scratch):
    """Return the runs' words as JAX made them before: element i of n shares its counter with i + ⌈n / 2⌉.

    The one has the first word of a pair, the other the second; an odd array's last has a 0 for a partner. n is key[2].
    """
    firsts, seconds, words = scratch
    count = min(wanted, BLOCK)
    size = int64(key[2])
    half = (size + 1) >> 1
    for i in range(count):
        run = (done + i) // length
        place = int64(starts[run]) + (done + i - run * length)
        first = place if place < half else place - half
        second = first + half
        firsts[i] = uint32(first)
        seconds[i] = uint32(second) if second < size else uint32(0)
        words[i] = uint32(place >= half)
    k0, k1 = key[0], key[1]
    for i in range(count):
        left, right = threefry(k0, k1, firsts[i], seconds[i])
        words[i] = right if words[i] else left
    return words[:count]


@inlined
def make_words(key, starts, length, done, wanted, scratch):
    """Return the words of the runs' elements done, done + 1, …, up to 1,024 of them; of a key of three, by halves."""
    if key.size == 3:
        return by_halves(key, starts, length, done, wanted, scratch)
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


# `line` is (width, low) of the interval, `scale` is (scale, shift).
@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 2), UniTuple(float32, 2))")
def fill_uniform(key, starts, length, out, line, scale):
    """Fill `out` with elements of jax.random.uniform, scaled and shifted."""
    width, low = line
    factor, shift = scale
    scratch = new_scratch()
    done = int64(0)
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            block[i] = max(low, fma32(fraction(words[i]), width, low)) * factor + shift
        done += words.size


# `line` has what the inverse error function is multiplied by, too. `bounds` are the least and the greatest value before
# it is scaled: infinite for a normal that is not cut.
@compiled(
    "void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 3), UniTuple(float32, 2), "
    "UniTuple(float32, 2))"
)
def fill_normal(key, starts, length, out, line, bounds, scale):
    """Fill `out` with elements of jax.random.normal or truncated_normal, scaled and shifted."""
    width, low, root = line
    least, greatest = bounds
    factor, shift = scale
    scratch = new_scratch()
    done = int64(0)
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            u = max(low, fma32(fraction(words[i]), width, low))
            value = min(max(erf_inv(u) * root, least), greatest)
            block[i] = value * factor + shift
        done += words.size


@compiled("void(uint32[::1], uint64[::1], int64, uint32[::1])")
def fill_words(key, starts, length, out):
    """Fill `out` with the random words themselves: jax.random.bits."""
    scratch = new_scratch()
    done = int64(0)
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            block[i] = words[i]
        done += words.size


@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], float32[::1], int64)")
def fill_looked_up(key, starts, length, out, table, unused):
    """Fill `out` with table[word's bits above the `unused` lowest]: half precision knows few values; 2^n of them."""
    scratch = new_scratch()
    mask, drop = uint32(table.size - 1), uint32(unused)
    done = int64(0)
    while done < out.size:
        words = make_words(key, starts, length, done, out.size - done, scratch)
        block = out[done : done + words.size]
        for i in range(words.size):
            block[i] = table[int64(uint32(words[i] >> drop) & mask)]
        done += words.size
