"""Arrays of NumPy's older generator, RandomState: normals in pairs, of which a call may leave one to the next."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

import numpy as np

from service import stopping
from service.replay.numpy.kernels import polar
from service.replay.numpy.pcg64 import Doubles, as_numpy_casts
from service.replay.numpy.walk import Walking
from service.replay.torch.mersenne import MersenneTwister, passing
from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import Fill
from service.stream.dtypes import DtypeName, Values

WORDS = 2**13  # made at a time for pairs, four an attempt
ACCEPTED = 0.75  # at least so many attempts make a pair: pi / 4 of them do
PASSING = 400  # operations that passing over a pair takes, 10 ns


class Spare(NamedTuple):
    """The second value of a pair, which the next call that asks for normals gives first."""

    pairs: "Pairs"
    number: int

    def value(self) -> float:
        pair: Values = np.empty(1, np.complex128)
        self.pairs.fill(self.number, pair)
        return float(pair[0].imag)


class State(NamedTuple):
    """Where a generator stands: at a word, with or without a normal that is left."""

    word: int = 0
    spare: Spare | None = None


StateAt: TypeAlias = Callable[[], State]


class Pairs(Walking):
    """The pairs of normals of MT19937's words."""

    drawn = np.complex128

    def __init__(self, words: MersenneTwister, origin: Callable[[], int]) -> None:
        super().__init__(origin)
        self._words = words

    def passing(self, count: int) -> int:
        return PASSING * count

    def _draw(self, word: int, out: Values) -> int:
        made = 0
        while made < out.size:
            raw = np.empty(min(WORDS, 4 * int((out.size - made) / ACCEPTED) + 16), np.uint32)
            self._words.raw(word, raw)
            more, taken = polar.fill_pairs(raw, out[made:])
            made, word = made + more, word + taken
        return word


@dataclass(frozen=True, eq=False, slots=True)
class PolarDraws:
    """mean + deviation x normal: the one that is left, if one is, and then pairs."""

    pairs: Pairs
    start: StateAt
    line: tuple[float, float]
    elements: int
    dtype: DtypeName
    coming: int = 0

    in_order = True
    whole = False
    operations = 0
    standing = 0

    def passing(self, first: int) -> int:
        return self.coming + self.pairs.passing(first // 2)

    def open(self) -> Fill:
        return partial(self._fill, self.start().spare)

    def _fill(self, spare: Spare | None, runs: Runs, out: Values) -> None:
        drawn: Doubles = BUFFERS.take(out.size, np.float64)
        mean, deviation = self.line
        for start, part in zip(runs.starts, drawn.reshape(-1, runs.length), strict=True):
            stopping.check()
            self._standard(int(start), spare, part)
            part *= deviation
            part += mean
        as_numpy_casts(self.dtype, drawn, out)

    def _standard(self, first: int, spare: Spare | None, out: Doubles) -> None:
        if spare is not None and first == 0:
            out[0] = spare.value()
            out, first = out[1:], 1
        first -= spare is not None
        if not out.size:
            return
        begin = first // 2
        pairs = BUFFERS.take((first + out.size + 1) // 2 - begin, np.complex128)
        self.pairs.fill(begin, pairs)
        out[:] = pairs.view(np.float64)[first - 2 * begin :][: out.size]

    def after(self) -> State:
        """Return where the generator stands behind these."""
        state = self.start()
        fresh = self.elements - (state.spare is not None)
        count = (fresh + 1) // 2
        left = Spare(self.pairs, count - 1) if fresh % 2 else None
        return State(self.pairs.end(count), left)


@dataclass(frozen=True, eq=False, slots=True)
class UniformDraws:
    """Uniform elements of two words each: any of them at once."""

    words: MersenneTwister
    start: StateAt
    line: tuple[float, float]
    elements: int
    dtype: DtypeName
    coming: int = 0

    in_order = True
    whole = False
    operations = 0
    standing = 0

    def passing(self, first: int) -> int:
        return self.coming + passing(2 * first)

    def open(self) -> Fill:
        return partial(self._fill, self.words.fork(), self.start().word)

    def _fill(self, words: MersenneTwister, origin: int, runs: Runs, out: Values) -> None:
        drawn: Doubles = BUFFERS.take(out.size, np.float64)
        low, high = self.line
        for start, part in zip(runs.starts, drawn.reshape(-1, runs.length), strict=True):
            stopping.check()
            raw = BUFFERS.take(2 * part.size, np.uint32)
            words.raw(origin + 2 * int(start), raw)
            polar.fill_uniform(raw, part, (low, high - low))
        as_numpy_casts(self.dtype, drawn, out)

    def after(self) -> State:
        state = self.start()
        return State(state.word + 2 * self.elements, state.spare)
