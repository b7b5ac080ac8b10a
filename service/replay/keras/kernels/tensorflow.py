"""TensorFlow's stateless random values on a processor: Philox4x32-10 words, made uniform, normal or truncated normal.

A counter gives four words, and they four elements, so that every element has an address. A stream is six words: the
key, the counter's two upper words, and two that are not used. Words of 256 counters are made at a time, then values of
them in one pass. A value leaves as value x scale + shift, each rounded.
"""

import math

import numpy as np
from numba import float32, float64, int32, int64, uint32, uint64

from service.replay import truncation
from service.replay.libm import log, sine_and_cosine
from service.stream.bits import bits_of, float_of
from service.stream.kernels import philox, put_pairs
from service.stream.targets import compiled, inlined

COUNTERS = 256
EACH = 4  # elements of a counter
RESERVED = 256  # counters that each four elements of a truncated normal have for themselves
ROOM = 8  # where a counter's truncated normals are put together: 4, and up to 3 too many

f32 = np.float32
ONE, MINUS_TWO = f32(1.0), f32(-2.0)
LEAST = f32(1e-7)
CUT = f32(truncation.CUT)
TURN = 2.0 * math.pi


@inlined
def find(starts, length, done, wanted, counters, places):
    """Find the counters of the runs' elements done, done + 1, …, and where each stands among theirs.

    Returns how many counters and elements they are, and whether the elements are all that the counters have, in order.
    """
    run = done // length
    within = done - run * length
    used = count = int64(0)
    in_order = True
    while count < wanted and used < COUNTERS:
        first = starts[run] + uint64(within)
        skip = int64(first & uint64(EACH - 1))
        part = min(min(length - within, wanted - count), EACH * (COUNTERS - used) - skip)
        more = (skip + part + EACH - 1) >> 2
        in_order = in_order and skip == 0 and part == EACH * more
        for i in range(more):
            counters[used + i] = (first >> uint64(2)) + uint64(i)
        for i in range(part):
            places[count + i] = int32(EACH * used + skip + i)
        used += more
        count += part
        run += 1
        within = int64(0)
    return used, count, in_order


@inlined
def make_pairs(stream, counters, used, pairs):
    """Put the words of the counters into `pairs`, two in each."""
    k0, k1, c2, c3 = stream[0], stream[1], stream[2], stream[3]
    for i in range(used):
        n = counters[i]
        put_pairs(pairs, i, philox(uint32(n), uint32(n >> uint64(32)), c2, c3, k0, k1))


@inlined
def unit(word):
    """Return the word's lower 23 bits as a number of [0, 1)."""
    return float_of(int32(uint32(word & uint32(0x7FFFFF)) | uint32(0x3F800000))) - ONE


@inlined
def make_normals(pairs, count, out):
    """Put two normals of each pair of words into `out`, which holds two float32 in each element (Box and Muller)."""
    for i in range(count):
        both = pairs[i]
        radius = math.sqrt(MINUS_TWO * log(max(unit(uint32(both)), LEAST)))
        angle = float32(TURN * float64(unit(uint32(both >> uint64(32)))))
        sine, cosine = sine_and_cosine(angle)
        first, second = bits_of(sine * radius), bits_of(cosine * radius)
        out[i] = uint64(uint32(first)) | (uint64(uint32(second)) << uint64(32))


@inlined
def new_scratch():
    """Return room for counters, their words by pairs, values by pairs, and the places of those that are wanted."""
    counters, pairs = np.empty(COUNTERS, np.uint64), np.empty(2 * COUNTERS, np.uint64)
    return counters, pairs, np.empty(2 * COUNTERS, np.uint64), np.empty(EACH * COUNTERS, np.int32)


@inlined
def put(values, places, in_order, scale, out):
    factor, shift = scale
    if in_order:
        for i in range(out.size):
            out[i] = values[i] * factor + shift
    else:
        for i in range(out.size):
            out[i] = values[places[i]] * factor + shift


@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 2))")
def fill_uniform(stream, starts, length, out, scale):
    counters, pairs, made, places = new_scratch()
    words, values = pairs.view(np.uint32), made.view(np.float32)
    done = int64(0)
    while done < out.size:
        used, count, in_order = find(starts, length, done, out.size - done, counters, places)
        make_pairs(stream, counters, used, pairs)
        for i in range(EACH * used):
            values[i] = unit(words[i])
        put(values, places, in_order, scale, out[done : done + count])
        done += count


@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 2))")
def fill_normal(stream, starts, length, out, scale):
    counters, pairs, made, places = new_scratch()
    values = made.view(np.float32)
    done = int64(0)
    while done < out.size:
        used, count, in_order = find(starts, length, done, out.size - done, counters, places)
        make_pairs(stream, counters, used, pairs)
        make_normals(pairs, 2 * used, made)
        put(values, places, in_order, scale, out[done : done + count])
        done += count


@inlined
def keep(values, active, count, rooms, have):
    """Append each active counter's values within the cut to what it has; return how many still have fewer than four."""
    left = int64(0)
    for j in range(count):
        counter = active[j]
        held = have[counter]
        for k in range(EACH):
            value = values[EACH * j + k]
            rooms[ROOM * counter + held] = value
            held += int64(abs(value) < CUT)
        have[counter] = held
        active[left] = counter
        left += int64(held < EACH)
    return left


@inlined
def make_truncated(stream, counters, used, scratch, rooms):
    """Put four truncated normals of each counter into its room: of as many counters of its own as it takes."""
    own, pairs, made, active, have = scratch
    for i in range(used):
        active[i] = i
        have[i] = 0
    left, block = used, uint64(0)
    while left > 0:
        for j in range(left):
            own[j] = counters[active[j]] * uint64(RESERVED) + block
        make_pairs(stream, own, left, pairs)
        make_normals(pairs, 2 * left, made)
        left = keep(made.view(np.float32), active, left, rooms, have)
        block += uint64(1)


@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], UniTuple(float32, 2))")
def fill_truncated(stream, starts, length, out, scale):
    counters, pairs, made, places = new_scratch()
    own, active, have = np.empty(COUNTERS, np.uint64), np.empty(COUNTERS, np.int64), np.empty(COUNTERS, np.int64)
    rooms = np.empty(ROOM * COUNTERS, np.float32)
    factor, shift = scale
    done = int64(0)
    while done < out.size:
        used, count, _ = find(starts, length, done, out.size - done, counters, places)
        make_truncated(stream, counters, used, (own, pairs, made, active, have), rooms)
        for i in range(count):
            place = places[i]
            out[done + i] = rooms[ROOM * (place >> 2) + (place & 3)] * factor + shift
        done += count


@compiled("void(uint32[::1], uint64[::1], int64, float32[::1], float32[::1])")
def fill_looked_up(stream, starts, length, out, table):
    """Fill `out` with the table's values at the words' lower bits; the table's size is a power of two."""
    counters, pairs, _, places = new_scratch()
    words = pairs.view(np.uint32)
    mask = uint32(table.size - 1)
    done = int64(0)
    while done < out.size:
        used, count, _ = find(starts, length, done, out.size - done, counters, places)
        make_pairs(stream, counters, used, pairs)
        for i in range(count):
            out[done + i] = table[words[places[i]] & mask]
        done += count
