"""NumPy's default generator, and what its uniform and normal draw: walked from first to last by several threads."""

import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.weights.addresses import Runs
from service.weights.buffers import BUFFERS
from service.weights.distributions import Fill
from service.weights.dtypes import DtypeName, Values
from service.weights.replay.kernels import pcg64 as kernels

Doubles = NDArray[np.float64]
CHUNK = 2**13  # words made at a time
MOST_PLACES = 2**12  # remembered of a walk; beyond, every second one is forgotten
HALF = 2**64
PASSING = 64  # operations that passing over a normal takes
FAR = 2**31  # elements: walking over more of them for a late slice is counted


class Pcg64:
    """The words of default_rng(entropy): each has an address."""

    def __init__(self, entropy: int | list[int]) -> None:
        state = np.random.PCG64(np.random.SeedSequence(entropy)).state["state"]
        halves = (*divmod(state["state"], HALF), *divmod(state["inc"], HALF))
        self.state = np.array(halves, np.uint64)

    def words(self, first: int, out: NDArray[np.uint64]) -> None:
        kernels.fill_words(self.state, np.uint64(first), out)


def as_numpy_casts(dtype: DtypeName, values: Doubles, out: Values) -> None:
    """Put doubles, as `astype` rounds them to the dtype, into `out`: to bfloat16 by way of float32."""
    out[:] = values.astype(np.float16) if dtype == "float16" else values


@dataclass(frozen=True, slots=True)
class Scaled:
    """mean + deviation x value, product and sum rounded each, and which of them are kept."""

    mean: float
    deviation: float
    low: float = -np.inf
    high: float = np.inf

    def of(self, values: Doubles) -> Doubles:
        kept = BUFFERS.take(values.size, np.float64)
        count = kernels.scale(values, (self.mean, self.deviation), (self.low, self.high), kept)
        return kept[:count]


Origin: TypeAlias = Callable[[], int]


class Walk:
    """The normals of a generator from word `origin` on. What is remembered is where some of them begin."""

    def __init__(self, generator: Pcg64, origin: Origin, scaled: Scaled, most: int = MOST_PLACES) -> None:
        self._generator, self.origin, self._scaled = generator, origin, scaled
        self._most = most
        self._indices: list[int] = []
        self._words: list[int] = []
        self._lock = threading.Lock()

    def _start(self, origin: int, first: int) -> tuple[int, int]:
        """Return the last remembered element up to `first`, and its word."""
        if not self._indices:
            self._indices, self._words = [0], [origin]
        place = bisect_right(self._indices, first) - 1
        return self._indices[place], self._words[place]

    def _remember(self, index: int, word: int) -> None:
        if index > self._indices[-1]:
            self._indices.append(index)
            self._words.append(word)
        if len(self._indices) > self._most:
            del self._indices[1::2], self._words[1::2]

    def _normals(self, word: int, most: int) -> tuple[Doubles, int]:
        """Return standard normals made of the words from `word` on, and the word that follows them."""
        words = BUFFERS.take(CHUNK, np.uint64)
        self._generator.words(word, words)
        values = BUFFERS.take(min(most, CHUNK), np.float64)
        taken, made = kernels.normals(words, values)
        return values[:made], word + taken

    def fill(self, dtype: DtypeName, first: int, out: Values) -> None:
        origin = self.origin()  # it may wait for other walks, which must not wait for this one
        with self._lock:
            index, word = self._start(origin, first)
            stop = first + out.size
            while index < stop:
                values, following = self._normals(word, CHUNK)
                kept = self._scaled.of(values)
                begin, end = max(first, index), min(stop, index + kept.size)
                if begin < end:
                    as_numpy_casts(dtype, kept[begin - index : end - index], out[begin - first : end - first])
                if index + kept.size <= stop:
                    index, word = index + kept.size, following
                else:
                    break
            self._remember(index, word)

    def end(self, count: int) -> int:
        """Return the word that follows `count` normals, all kept."""
        origin = self.origin()
        with self._lock:
            index, word = self._start(origin, count)
            while index < count:
                values, word = self._normals(word, count - index)
                index += values.size
                self._remember(index, word)
            return word


@dataclass(frozen=True, eq=False, slots=True)
class NormalDraws:
    """Elements of a walk."""

    walk: Walk
    elements: int
    dtype: DtypeName
    passed: int = 0

    in_order = True
    whole = False
    standing = 0

    @property
    def operations(self) -> int:
        return self.passed + (PASSING * self.elements if self.elements > FAR else 0)

    def open(self) -> Fill:
        self.walk.origin()
        return self._fill

    def _fill(self, runs: Runs, out: Values) -> None:
        for start, part in zip(runs.starts, out.reshape(-1, runs.length), strict=True):
            self.walk.fill(self.dtype, int(start), part)


@dataclass(frozen=True, eq=False, slots=True)
class UniformDraws:
    """Uniform elements of the words from `origin` on, one each: any of them at once."""

    generator: Pcg64
    origin: Origin
    low: float
    high: float
    elements: int
    dtype: DtypeName
    passed: int = 0

    in_order = False
    whole = False
    standing = 0
    operations = property(lambda self: self.passed)

    def open(self) -> Fill:
        origin = np.uint64(self.origin())

        def fill(runs: Runs, out: Values) -> None:
            drawn: Doubles = BUFFERS.take(out.size, np.float64)
            line = (self.low, self.high - self.low)
            kernels.fill_uniform(self.generator.state, origin, runs.starts, runs.length, drawn, line)
            as_numpy_casts(self.dtype, drawn, out)

        return fill
