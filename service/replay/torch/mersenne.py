"""A walk over MT19937's words that several threads share: words in order cost least, others are jumped to."""

import threading
from collections import deque
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.replay.torch.kernels import mersenne
from service.stream.buffers import BUFFERS

Words = NDArray[np.uint32]
KEPT = 16  # states of places that were left: threads ask for blocks a little out of order
STEP = 2**17  # raw words made at a time where they are only passed over
FAR = 2**23  # words: beyond, a jump (1.5 ms) takes less time than to make them all
FARTHEST = 2**60  # words: a jump goes no farther
PASSING, JUMP = 8, 2**26  # operations that passing over a word takes, and a jump


def passing(count: int) -> int:
    """Return the operations that it takes to come to the word after so many."""
    return min(PASSING * count, JUMP) if count <= FARTHEST else PASSING * count


@lru_cache(maxsize=1)
def lower_terms() -> NDArray[np.int64]:
    """Return the powers, but for the first, in the characteristic polynomial of MT19937."""
    state, raw = np.empty(mersenne.SIZE, np.uint32), np.empty(2 * mersenne.DEGREE + 2, np.uint32)
    mersenne.seed_state(np.uint32(1), state)
    mersenne.make_raw(state, raw)
    polynomial = np.zeros(mersenne.LIMBS, np.uint64)
    mersenne.characteristic_polynomial((raw & 1).astype(np.uint8), polynomial)
    bits = np.unpackbits(polynomial.view(np.uint8), bitorder="little")
    return np.flatnonzero(bits)[:-1]


class MersenneTwister:
    """The words of one seed, of which the low 32 bits count. Any number of threads may ask at once.

    `start` is the state before word 0. A fork is another walk over the same words, which begins where it is first
    asked for some: at a place that the one before knows, or not far from it.
    """

    def __init__(self, start: Words, before: "MersenneTwister | None" = None) -> None:
        self._start = start
        self._before = before
        self._position, self._state = 0, start.copy()
        self._left: deque[tuple[int, Words]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    @classmethod
    def of(cls, seed: int) -> "MersenneTwister":
        state = np.empty(mersenne.SIZE, np.uint32)
        mersenne.seed_state(np.uint32(seed & 0xFFFFFFFF), state)
        return cls(state)

    def fork(self) -> "MersenneTwister":
        before = self._before  # one that has not begun knows no place: what it is a fork of may
        return MersenneTwister(self._start, self if before is None else before)

    def raw(self, first: int, out: Words) -> None:
        """Fill `out` with the raw words from word `first` on: to be tempered."""
        with self._lock:
            if first != self._position:
                self._go(first)
            if out.size:
                self._left.append((self._position, self._state.copy()))
                mersenne.make_raw(self._state, out)
                self._position += out.size

    def _go(self, target: int) -> None:
        known = [self._nearest(target)]
        if self._before is not None:
            with self._before._lock:
                known.append(self._before._nearest(target))
        position, state = max(known, key=lambda each: each[0])
        self._left.append((self._position, self._state))
        self._position, self._state = target, advanced(state, target - position)
        if self._before is not None:  # of a fork that has begun, what is near is its own
            with self._before._lock:
                self._before._left.append((target, self._state.copy()))
            self._before = None

    def _nearest(self, target: int) -> tuple[int, Words]:
        """Return the last place known that is not behind a word, and its state."""
        known = [(0, self._start), *self._left, (self._position, self._state.copy())]
        return max((each for each in known if each[0] <= target), key=lambda each: each[0])


def advanced(state: Words, count: int) -> Words:
    """Return the state after `count` words."""
    state = state.copy()
    if count > FAR:
        polynomial = np.empty(mersenne.LIMBS, np.uint64)
        mersenne.power_of_x(lower_terms(), np.int64(count), polynomial)
        mersenne.jump(polynomial, state)
        return state
    passed = BUFFERS.take(min(STEP, count), np.uint32)
    while count:
        part = passed[:count]
        mersenne.make_raw(state, part)
        count -= part.size
    return state
