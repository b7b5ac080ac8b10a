"""Values of which only drawing tells where the next one begins, PCG64's normals: a walk that threads share."""

import threading
from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.replay.numpy.kernels import pcg64 as kernels
from service.stream.buffers import BUFFERS
from service.stream.dtypes import Values

CHUNK = 2**15  # normals passed over at a time: a tenth of a millisecond
NEAR = 2**20  # normals that are passed over, some milliseconds, while other threads wait to go on from there
MOST_PLACES = 2**12  # remembered of a walk, evenly spread
RECENT = 16  # places where threads stopped last: they ask for blocks a little out of order
HALF = 2**64
# Operations that passing over a normal takes: 3.5 ns, where 2^33 take 0.2 s; 5.3 ns where some are out of bounds.
PASSING, PASSING_SOME = 144, 216

Origin: TypeAlias = Callable[[], int]


class Pcg64:
    """The words of default_rng(entropy): each has an address."""

    def __init__(self, entropy: int | list[int]) -> None:
        state = np.random.PCG64(np.random.SeedSequence(entropy)).state["state"]
        halves = (*divmod(state["state"], HALF), *divmod(state["inc"], HALF))
        self.state = np.array(halves, np.uint64)

    def words(self, first: int, out: NDArray[np.uint64]) -> None:
        kernels.fill_words(self.state, np.uint64(first), out)


class Scaled(NamedTuple):
    """mean + deviation x value, product and sum rounded each; what is not within `bounds` is passed over."""

    line: tuple[float, float]
    bounds: tuple[float, float] = (-np.inf, np.inf)

    @property
    def free(self) -> bool:
        return self.bounds == (-np.inf, np.inf)


class Place(NamedTuple):
    """An element of a walk, and the word that it begins with."""

    element: int
    word: int


class Places:
    """What is known of a walk: `most` places, as far apart from each other as it takes to cover all that was walked."""

    def __init__(self, origin: int, most: int) -> None:
        self._elements, self._words = array("Q", [0]), array("Q", [origin])
        self._most = most
        self._apart = CHUNK
        self._recent: deque[Place] = deque(maxlen=RECENT)

    def before(self, target: int) -> Place:
        """Return the last place known that is not behind an element."""
        at = bisect_right(self._elements, target) - 1
        known = [Place(self._elements[at], self._words[at]), *self._recent]
        return max((place for place in known if place.element <= target), key=lambda place: place.element)

    def add(self, place: Place) -> None:
        self._recent.append(place)
        if place.element >= self._elements[-1] + self._apart:
            self._elements.append(place.element)
            self._words.append(place.word)
        if len(self._elements) > self._most:
            del self._elements[1::2], self._words[1::2]
            self._apart *= 2


class Walking:
    """Values that are drawn from word `origin` on, for any number of threads."""

    drawn: type[np.generic] = np.float64

    def __init__(self, origin: Origin, most: int = MOST_PLACES) -> None:
        self.origin = origin
        self._most = most
        self._places: Places | None = None
        self._lock = threading.Lock()

    def passing(self, count: int) -> int:
        """Return the operations that passing over so many values takes."""
        raise NotImplementedError

    def _draw(self, word: int, out: Values) -> int:
        """Fill `out` with the values of the words from `word` on; return the word that follows them."""
        raise NotImplementedError

    def fill(self, first: int, out: Values) -> None:
        """Fill `out` with the values from element `first` on."""
        origin = self.origin()
        place = self._near(origin, first)
        with self._lock:
            place = self._pass(max(place, self._known(origin).before(first)), first)
            word = self._draw(place.word, out)
            self._known(origin).add(Place(first + out.size, word))

    def end(self, count: int) -> int:
        """Return the word that follows `count` normals."""
        origin = self.origin()
        place = self._near(origin, count)
        with self._lock:
            place = self._pass(max(place, self._known(origin).before(count)), count)
            self._known(origin).add(place)
            return place.word

    def _known(self, origin: int) -> Places:
        if self._places is None:
            self._places = Places(origin, self._most)
        return self._places

    def _near(self, origin: int, target: int) -> Place:
        """Return a place not far before an element; nobody waits for the lock meanwhile, whatever the distance."""
        with self._lock:
            place = self._known(origin).before(target)
        while target - place.element > NEAR:
            stopping.check()
            place = self._pass(place, place.element + CHUNK)
            with self._lock:
                self._known(origin).add(place)
                place = max(place, self._known(origin).before(target))
        return place

    def _pass(self, place: Place, target: int) -> Place:
        element, word = place
        passed = BUFFERS.take(min(CHUNK, target - element), self.drawn)
        while element < target:
            part = passed[: target - element]
            word = self._draw(word, part)
            element += part.size
        return Place(element, word)


class Walk(Walking):
    """The normals of PCG64's ziggurat."""

    def __init__(self, generator: Pcg64, origin: Origin, scaled: Scaled, most: int = MOST_PLACES) -> None:
        super().__init__(origin, most)
        self._generator, self._scaled = generator, scaled

    def passing(self, count: int) -> int:
        return (PASSING if self._scaled.free else PASSING_SOME) * count

    def _draw(self, word: int, out: Values) -> int:
        return int(kernels.fill_normal(self._generator.state, np.uint64(word), *self._scaled, out))
