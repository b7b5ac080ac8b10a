"""NumPy's default generator, and what its uniform and normal draw: walked from first to last by several threads."""

import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service.replay.numpy.kernels import pcg64 as kernels
from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import Fill
from service.stream.dtypes import DtypeName, Values

Doubles = NDArray[np.float64]
CHUNK = 2**15  # normals passed over at a time
MOST_PLACES = 2**12  # remembered of a walk; beyond, every second one is forgotten
HALF = 2**64
PASSING = 64  # operations that passing over a normal takes
FAR = 2**31  # elements: longer arrays are charged for skipping


class Pcg64:
    """The words of default_rng(entropy): each has an address."""

    def __init__(self, entropy: int | list[int]) -> None:
        state = np.random.PCG64(np.random.SeedSequence(entropy)).state["state"]
        halves = (*divmod(state["state"], HALF), *divmod(state["inc"], HALF))
        self.state = np.array(halves, np.uint64)

    def words(self, first: int, out: NDArray[np.uint64]) -> None:
        kernels.fill_words(self.state, np.uint64(first), out)


def as_numpy_casts(dtype: DtypeName, values: Values, out: Values) -> None:
    """Put doubles, as `astype` rounds them to the dtype, into `out`: to bfloat16 by way of float32."""
    out[:] = values.astype(np.float16) if dtype == "float16" else values


Origin: TypeAlias = Callable[[], int]


class Scaled(NamedTuple):
    """mean + deviation x value, product and sum rounded each; what is not within `bounds` is passed over."""

    line: tuple[float, float]
    bounds: tuple[float, float] = (-np.inf, np.inf)


class Walk:
    """The normals of a generator from word `origin` on. What is remembered is where some of them begin."""

    def __init__(self, generator: Pcg64, origin: Origin, scaled: Scaled, most: int = MOST_PLACES) -> None:
        self._generator, self.origin, self._scaled = generator, origin, scaled
        self._most = most
        self._indices: list[int] = []
        self._words: list[int] = []
        self._lock = threading.Lock()

    def fill(self, dtype: DtypeName, first: int, out: Values) -> None:
        origin = self.origin()  # it may wait for other walks, which must not wait for this one
        drawn: Values = BUFFERS.take(out.size, np.float64) if dtype == "float16" else out
        with self._lock:
            word = self._go(origin, first)
            word = self._draw(word, drawn)
            self._remember(first + out.size, word)
        if drawn is not out:
            as_numpy_casts(dtype, drawn, out)

    def end(self, count: int) -> int:
        """Return the word that follows `count` normals."""
        origin = self.origin()
        with self._lock:
            return self._go(origin, count)

    def _go(self, origin: int, target: int) -> int:
        """Return the word that an element begins with."""
        if not self._indices:
            self._indices, self._words = [0], [origin]
        place = bisect_right(self._indices, target) - 1
        index, word = self._indices[place], self._words[place]
        passed = BUFFERS.take(min(CHUNK, target - index), np.float64)
        while index < target:
            part = passed[: target - index]
            word = self._draw(word, part)
            index += part.size
            self._remember(index, word)
        return word

    def _draw(self, word: int, out: Values) -> int:
        return int(kernels.fill_normal(self._generator.state, np.uint64(word), *self._scaled, out))

    def _remember(self, index: int, word: int) -> None:
        if index > self._indices[-1]:
            self._indices.append(index)
            self._words.append(word)
        if len(self._indices) > self._most:
            del self._indices[1::2], self._words[1::2]


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

    @property
    def operations(self) -> int:
        return self.passed

    def open(self) -> Fill:
        origin = np.uint64(self.origin())

        def fill(runs: Runs, out: Values) -> None:
            drawn: Doubles = BUFFERS.take(out.size, np.float64)
            line = (self.low, self.high - self.low)
            kernels.fill_uniform(self.generator.state, origin, runs.starts, runs.length, drawn, line)
            as_numpy_casts(self.dtype, drawn, out)

        return fill
