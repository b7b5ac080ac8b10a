"""MT19937 (Matsumoto and Nishimura 1998): its words in order, and far ahead by a polynomial over GF(2).

The recurrence makes raw words; tempering, which makes random words of them, is left to whoever uses them, so that the
part that must be done in order stays small. A state is the last 624 raw words.
"""

import numpy as np
from numba import int64, uint32, uint64

from service.stream.targets import compiled, inlined

SIZE, MIDDLE = 624, 397
BEFORE = SIZE - MIDDLE  # a raw word depends on the one so many before it
UPPER, LOWER, TWIST = 0x80000000, 0x7FFFFFFF, 0x9908B0DF
DEGREE = 19937  # of the recurrence's characteristic polynomial
LIMBS = (DEGREE + 64) // 64  # 64-bit words that hold a polynomial of that degree


@compiled("void(uint32, uint32[::1])")
def seed_state(seed, state):
    """Put the state of a 32-bit seed into `state`."""
    state[0] = seed
    for i in range(1, SIZE):
        before = state[i - 1]
        state[i] = uint32(uint32(1812433253) * uint32(before ^ (before >> uint32(30)))) + uint32(i)


@inlined
def next_raw(oldest, next_oldest, before):
    both = uint32((oldest & uint32(UPPER)) | (next_oldest & uint32(LOWER)))
    odd = uint32(uint32(0) - (both & uint32(1)))
    return uint32(before ^ (both >> uint32(1)) ^ (odd & uint32(TWIST)))


@inlined
def raw_words(state, out):
    count = out.size
    head = min(SIZE, count)
    # Indices only grow from a range's, so that the compiler sees them not negative, and how far apart they are.
    for i in range(min(BEFORE, head)):
        out[i] = next_raw(state[i], state[i + 1], state[i + MIDDLE])
    for i in range(min(SIZE - 1, head) - BEFORE):
        out[i + BEFORE] = next_raw(state[i + BEFORE], state[i + BEFORE + 1], out[i])
    if head == SIZE:
        out[SIZE - 1] = next_raw(state[SIZE - 1], out[0], out[SIZE - 1 - BEFORE])
    for i in range(count - SIZE):
        out[i + SIZE] = next_raw(out[i], out[i + 1], out[i + MIDDLE])
    if head < SIZE:
        for i in range(SIZE - head):
            state[i] = state[i + head]
    for i in range(head):
        state[SIZE - head + i] = out[count - head + i]


@compiled("void(uint32[::1], uint32[::1])")
def make_raw(state, out):
    """Fill `out` with the raw words that follow the state, and move the state on behind them."""
    raw_words(state, out)


@inlined
def copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


@inlined
def tempered(raw):
    word = uint32(raw ^ (raw >> uint32(11)))
    word = uint32(word ^ (uint32(word << uint32(7)) & uint32(0x9D2C5680)))
    word = uint32(word ^ (uint32(word << uint32(15)) & uint32(0xEFC60000)))
    return uint32(word ^ (word >> uint32(18)))


@compiled("void(uint32[::1])")
def temper(words):
    """Turn raw words into random words, in place."""
    for i in range(words.size):
        words[i] = tempered(words[i])


@inlined
def add_shifted(target, source, shift):
    """Add source x^shift to target, as far as target reaches."""
    limbs, bits = shift >> 6, uint64(shift & 63)
    for i in range(target.size - 1, limbs - 1, -1):
        moved = source[i - limbs] << bits
        if bits and i > limbs:
            moved |= source[i - limbs - 1] >> (uint64(64) - bits)
        target[i] ^= moved


@compiled("int64(uint8[::1], uint64[::1])")
def characteristic_polynomial(bits, out):
    """Put the polynomial of the shortest recurrence that `bits` obey into `out`, and return its degree.

    Berlekamp and Massey (1969), over GF(2). Coefficients stand by power, least first, 64 to a word.
    """
    limbs = out.size
    current, previous, spare = np.zeros(limbs, np.uint64), np.zeros(limbs, np.uint64), np.zeros(limbs, np.uint64)
    window = np.zeros(limbs, np.uint64)  # the bits seen, latest first
    current[0] = previous[0] = uint64(1)
    length, gap = 0, 1
    for n in range(bits.size):
        for i in range(limbs - 1, 0, -1):
            window[i] = (window[i] << uint64(1)) | (window[i - 1] >> uint64(63))
        window[0] = (window[0] << uint64(1)) | uint64(bits[n])
        parity = uint64(0)
        for i in range(limbs):
            parity ^= current[i] & window[i]
        for shift in (32, 16, 8, 4, 2, 1):
            parity ^= parity >> uint64(shift)
        if parity & uint64(1) == uint64(0):
            gap += 1
            continue
        copy(current, spare)
        add_shifted(current, previous, gap)
        if 2 * length <= n:
            length = n + 1 - length
            copy(spare, previous)
            gap = 1
        else:
            gap += 1
    # The recurrence's own polynomial has its coefficients the other way round.
    out[:] = uint64(0)
    for power in range(length + 1):
        if (current[power >> 6] >> uint64(power & 63)) & uint64(1):
            place = length - power
            out[place >> 6] |= uint64(1) << uint64(place & 63)
    return length


@inlined
def spread(half):
    """Put a 0 between any two of 32 bits: the square of a polynomial over GF(2)."""
    bits = half
    bits = (bits | (bits << uint64(16))) & uint64(0x0000FFFF0000FFFF)
    bits = (bits | (bits << uint64(8))) & uint64(0x00FF00FF00FF00FF)
    bits = (bits | (bits << uint64(4))) & uint64(0x0F0F0F0F0F0F0F0F)
    bits = (bits | (bits << uint64(2))) & uint64(0x3333333333333333)
    return (bits | (bits << uint64(1))) & uint64(0x5555555555555555)


@inlined
def reduce(wide, terms):
    """Take multiples of the characteristic polynomial off until the degree is below its own.

    64 coefficients at a time: its second power is 227 below the first, so that none of them comes back.
    """
    for i in range(wide.size - 1, (DEGREE >> 6) - 1, -1):
        high = wide[i]
        first = 64 * i - DEGREE
        if first < 0:
            high = (high >> uint64(-first)) << uint64(-first)
        wide[i] ^= high
        for k in range(terms.size):
            place = first + terms[k]
            if place < 0:
                wide[0] ^= high >> uint64(-place)
                continue
            bits = uint64(place & 63)
            wide[place >> 6] ^= high << bits
            if bits:
                wide[(place >> 6) + 1] ^= high >> (uint64(64) - bits)


@compiled("void(int64[::1], int64, uint64[::1])")
def power_of_x(terms, exponent, out):
    """Put x^exponent, reduced by the characteristic polynomial, into `out`; `terms` are its lower terms' powers."""
    wide = np.zeros(2 * LIMBS + 2, np.uint64)
    out[:] = uint64(0)
    out[0] = uint64(1)
    for place in range(62, -1, -1):
        if exponent >> int64(place) == 0:
            continue
        wide[:] = uint64(0)
        for i in range(LIMBS):
            wide[2 * i], wide[2 * i + 1] = spread(out[i] & uint64(0xFFFFFFFF)), spread(out[i] >> uint64(32))
        if (exponent >> int64(place)) & int64(1):
            for i in range(wide.size - 1, 0, -1):
                wide[i] = (wide[i] << uint64(1)) | (wide[i - 1] >> uint64(63))
            wide[0] <<= uint64(1)
        reduce(wide, terms)
        for i in range(LIMBS):
            out[i] = wide[i]


@compiled("void(uint64[::1], uint32[::1])")
def jump(polynomial, state):
    """Move a state on by as many words as x has for an exponent in the polynomial (Haramoto et al. 2008)."""
    raw = np.empty(DEGREE + SIZE, np.uint32)
    following = np.empty(SIZE, np.uint32)
    copy(state, following)
    copy(state, raw)
    raw_words(following, raw[SIZE:])
    total = np.zeros(SIZE, np.uint32)
    for power in range(DEGREE):
        if (polynomial[power >> 6] >> uint64(power & 63)) & uint64(1):
            window = raw[power : power + SIZE]
            for i in range(SIZE):
                total[i] ^= window[i]
    copy(total, state)
