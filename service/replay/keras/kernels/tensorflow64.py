"""TensorFlow's stateless random values in float64: two elements a counter, with the platform's log, sin and cos."""

import math

from numba import float64, int64, uint32, uint64

from service.replay.truncation import CUT
from service.stream.kernels import philox
from service.stream.targets import compiled, inlined

EACH = 2  # elements of a counter
RESERVED = 128  # counters that each two elements of a truncated normal have for themselves
LEAST = 1e-7
UNIT = 2.0**-52


@inlined
def words_at(stream, counter):
    k0, k1, c2, c3 = stream[0], stream[1], stream[2], stream[3]
    return philox(uint32(counter), uint32(counter >> uint64(32)), c2, c3, k0, k1)


@inlined
def unit(high, low):
    """Return the upper word's lower 20 bits and the lower word as a number of [0, 1)."""
    whole = (uint64(high & uint32(0xFFFFF)) << uint64(32)) | uint64(low)
    return float64(int64(whole)) * UNIT


@inlined
def two_normals(stream, counter):
    w0, w1, w2, w3 = words_at(stream, counter)
    radius = math.sqrt(-2.0 * math.log(max(unit(w0, w1), LEAST)))
    angle = 2.0 * math.pi * unit(w2, w3)
    return math.sin(angle) * radius, math.cos(angle) * radius


@compiled("void(uint32[::1], uint64[::1], int64, float64[::1], UniTuple(float64, 2))")
def fill_uniform(stream, starts, length, out, scale):
    factor, shift = scale
    for i in range(out.size):
        place = starts[i // length] + uint64(i % length)
        w0, w1, w2, w3 = words_at(stream, place >> uint64(1))
        value = unit(w2, w3) if place & uint64(1) else unit(w0, w1)
        out[i] = value * factor + shift


@compiled("void(uint32[::1], uint64[::1], int64, float64[::1], UniTuple(float64, 2))")
def fill_normal(stream, starts, length, out, scale):
    factor, shift = scale
    counter, first, second = uint64(0xFFFFFFFFFFFFFFFF), 0.0, 0.0
    for i in range(out.size):
        place = starts[i // length] + uint64(i % length)
        if place >> uint64(1) != counter:
            counter = place >> uint64(1)
            first, second = two_normals(stream, counter)
        out[i] = (second if place & uint64(1) else first) * factor + shift


@inlined
def two_truncated(stream, counter):
    """Return the first two normals within the cut of as many counters as it takes."""
    first, second, held, block = 0.0, 0.0, 0, uint64(0)
    while True:
        one, other = two_normals(stream, counter * uint64(RESERVED) + block)
        block += uint64(1)
        if abs(one) < CUT:
            if held:
                return first, one
            first, held = one, 1
        if abs(other) < CUT:
            if held:
                return first, other
            first, held = other, 1
    return first, second


@compiled("void(uint32[::1], uint64[::1], int64, float64[::1], UniTuple(float64, 2))")
def fill_truncated(stream, starts, length, out, scale):
    factor, shift = scale
    counter, first, second = uint64(0xFFFFFFFFFFFFFFFF), 0.0, 0.0
    for i in range(out.size):
        place = starts[i // length] + uint64(i % length)
        if place >> uint64(1) != counter:
            counter = place >> uint64(1)
            first, second = two_truncated(stream, counter)
        out[i] = (second if place & uint64(1) else first) * factor + shift
