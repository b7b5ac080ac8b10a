"""NumPy's generators, the new one and the older, as what is drawn with them, one call after the other."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, Protocol, TypeVar

from service.replay.numpy import mt19937
from service.replay.numpy.mt19937 import Pairs, PolarDraws, State
from service.replay.numpy.pcg64 import NormalDraws, UniformDraws
from service.replay.numpy.walk import PASSING, Pcg64, Scaled, Walk
from service.replay.torch.mersenne import MersenneTwister, passing
from service.stream.draws import Draws
from service.stream.dtypes import DtypeName

FARTHEST = 2**62  # words
Place = TypeVar("Place")


class Generator(Protocol):
    """Makes arrays of normal and uniform values, each call where the one before ended."""

    def normal(self, mean: float, deviation: float, elements: int, dtype: DtypeName) -> Draws: ...

    def uniform(self, low: float, high: float, elements: int, dtype: DtypeName) -> Draws: ...


class Calls(Generic[Place]):
    """Calls one after the other. Where one begins is found when it is asked for."""

    def __init__(self, start: Place) -> None:
        self._ends: list[Callable[[], Place]] = []
        self._starts = [start]
        self._lock = threading.Lock()
        self._normals = self._elements = 0  # made by all calls

    def next(self) -> Callable[[], Place]:
        """Return what finds where the next call begins."""
        return partial(self.start, len(self._ends))

    def add(self, end: Callable[[], Place], elements: int, normals: int) -> None:
        self._ends.append(end)
        self._elements += elements
        self._normals += normals

    def start(self, call: int) -> Place:
        while True:
            with self._lock:
                known = len(self._starts)
                if known > call:
                    return self._starts[call]
            start = self._ends[known - 1]()  # a walk of seconds, maybe: nobody waits for the lock meanwhile
            with self._lock:
                if len(self._starts) == known:
                    self._starts.append(start)


class DefaultRng(Calls[int]):
    """numpy.random.default_rng(seed)."""

    def __init__(self, seed: int) -> None:
        super().__init__(0)
        self._words = Pcg64(seed)

    def _coming(self) -> int:
        """Return the operations that it takes to come to the next call: more than any limit if 64 bits cannot count."""
        return max(PASSING * self._normals, 0 if self._elements < FARTHEST else self._elements)

    def normal(self, mean: float, deviation: float, elements: int, dtype: DtypeName) -> Draws:
        walk = Walk(self._words, self.next(), Scaled((mean, deviation)))
        draws = NormalDraws(walk, elements, dtype, self._coming())
        self.add(partial(walk.end, elements), elements, elements)
        return draws

    def uniform(self, low: float, high: float, elements: int, dtype: DtypeName) -> Draws:
        origin = self.next()
        draws = UniformDraws(self._words, origin, low, high, elements, dtype, self._coming())
        self.add(lambda: origin() + elements, elements, 0)
        return draws


class RandomState(Calls[State]):
    """numpy.random.RandomState(seed), which numpy.random.seed(seed) starts, too."""

    def __init__(self, seed: int) -> None:
        super().__init__(State())
        self._words = MersenneTwister.of(seed)

    def _coming(self) -> int:
        walked = mt19937.PASSING * self._normals // 2
        return max(walked, passing(2 * self._elements), 0 if self._elements < FARTHEST else self._elements)

    def normal(self, mean: float, deviation: float, elements: int, dtype: DtypeName) -> Draws:
        start = self.next()
        pairs = Pairs(self._words.fork(), lambda: start().word)
        draws = PolarDraws(pairs, start, (mean, deviation), elements, dtype, self._coming())
        self.add(draws.after, elements, elements)
        return draws

    def uniform(self, low: float, high: float, elements: int, dtype: DtypeName) -> Draws:
        draws = mt19937.UniformDraws(self._words, self.next(), (low, high), elements, dtype, self._coming())
        self.add(draws.after, elements, 0)
        return draws
