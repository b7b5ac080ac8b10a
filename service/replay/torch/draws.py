"""What torch's CPU generator draws: uniform_, normal_, trunc_normal_, sparse_, one call after the other.

A call begins where the one before ended: at a word of the generator, with or without a normal value that an earlier
call kept. Most calls take a number of words that their size tells; those that draw again until all fits must be made
to know where the next begins.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import prod
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.replay.torch.kernels import values as kernels
from service.replay.torch.mersenne import FARTHEST, MersenneTwister, passing
from service.stream.addresses import Runs
from service.stream.buffers import BUFFERS
from service.stream.distributions import Fill
from service.stream.draws import KEPT
from service.stream.dtypes import DTYPES, DtypeName, Values
from service.stream.matrices import take
from service.stream.views import Shape

Words = NDArray[np.uint32]
BLOCK = 16  # normals are made so many at a time; fewer of them are made one by one
PAIR = 4  # words of a pair of normals that are made one by one
CHUNK = 2**16  # elements looked through at a time for those to be drawn again


class State(NamedTuple):
    """Where a generator stands. `spare` is the word where the pair began whose second value is still to be used."""

    word: int = 0
    spare: int | None = None


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a call fills: so many elements of a dtype, on a processor with FMA (and AVX2) or without."""

    elements: int
    dtype: DtypeName
    fused: bool = True

    @property
    def wide(self) -> bool:
        return self.dtype == "float64"

    @property
    def half(self) -> bool:
        return self.dtype in ("float16", "bfloat16")

    @property
    def by_library(self) -> bool:
        """Whether its normals are made with the C library's functions in float64."""
        return self.wide or self.elements < BLOCK

    @property
    def width(self) -> int:
        """Words of an element."""
        return 2 if self.wide else 1

    @property
    def drawn(self) -> type[np.float32] | type[np.float64]:
        return DTYPES[self.dtype].drawn

    def round(self, values: Values) -> None:
        """Round float32 values to the dtype, in place."""
        if self.half:
            stored = np.empty(values.size, DTYPES[self.dtype].stored)
            DTYPES[self.dtype].round(values, stored)
            values[:] = DTYPES[self.dtype].read(stored)

    def rounded(self, value: float) -> float:
        """Return a double as the dtype has it."""
        one: Values = np.array([value], self.drawn)
        self.round(one)
        return float(one[0])


class Call(Protocol):
    """A call that fills a tensor. `whole` calls must be made as a whole; `operations` is what that takes.

    `following` is what it takes to know where the next call begins.
    """

    @property
    def whole(self) -> bool: ...

    def operations(self, tensor: Tensor) -> int: ...

    def following(self, tensor: Tensor) -> int: ...

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        """Return where the generator stands afterwards."""
        ...

    def open(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Fill, State | None]:
        """Return what fills the tensor, and where the generator stands afterwards if making it has told."""
        ...

    def tied(self, state: State, tensor: Tensor, generator: MersenneTwister) -> bool:
        """Whether a comparison is so near a tie that a logarithm's last bit decides it."""
        ...


def one_by_one(state: State, count: int, generator: MersenneTwister) -> tuple[NDArray[np.float64], State]:
    """Return `count` standard normals as torch makes few of them: in pairs, the second value kept for the next call."""
    kept = [] if state.spare is None else [pair_at(generator, state.spare, 1)[0, 1:]]
    fresh = max(0, count - len(kept))
    pairs = -(-fresh // 2)
    made = pair_at(generator, state.word, pairs).ravel()
    spare = state.spare if not count else (state.word + PAIR * (pairs - 1) if fresh % 2 else None)
    values = np.concatenate([*kept, made])[:count]
    return values, State(state.word + PAIR * pairs, spare)


def pair_at(generator: MersenneTwister, word: int, count: int) -> NDArray[np.float64]:
    raw, out = np.empty(PAIR * count, np.uint32), np.empty((count, 2))
    generator.raw(word, raw)
    kernels.pairs(raw, out)
    return out


class Walked:
    """A call whose values are made as they are asked for, and whose words its size tells."""

    whole = False

    def operations(self, tensor: Tensor) -> int:
        return 0

    def following(self, tensor: Tensor) -> int:
        return 0

    def tied(self, state: State, tensor: Tensor, generator: MersenneTwister) -> bool:
        return False

    def run(self, generator: MersenneTwister, word: int, tensor: Tensor, first: int, out: Values) -> None:
        """Fill `out` with the elements from `first` on of a tensor whose words begin at `word`."""
        raise NotImplementedError

    def open(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Fill, None]:
        walk = generator.fork()

        def fill(runs: Runs, out: Values) -> None:
            for start, part in zip(runs.starts, out.reshape(-1, runs.length), strict=True):
                stopping.check()
                self.run(walk, state.word, tensor, int(start), part)

        return fill, None


@dataclass(frozen=True, slots=True)
class Uniform(Walked):
    """uniform_(low, high). Where it is `closed`, what rounds to `high` stays: torch's before 2.12."""

    low: float
    high: float
    closed: bool = False

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return State(state.word + tensor.width * tensor.elements, state.spare)

    def run(self, generator: MersenneTwister, word: int, tensor: Tensor, first: int, out: Values) -> None:
        raw = out.view(np.uint32)
        generator.raw(word + tensor.width * first, raw)
        if tensor.wide:
            wide = kernels.uniform64 if tensor.fused else kernels.uniform64_apart
            wide(raw, out, self.low, self.high)
        else:
            narrow = kernels.uniform if tensor.fused else kernels.uniform_apart
            narrow(raw, out, np.float32(self.low), np.float32(self.high))
            tensor.round(out)
        if not self.closed:
            kernels.end_becomes_start(out, *(tensor.drawn(tensor.rounded(end)) for end in (self.low, self.high)))


@dataclass(frozen=True, slots=True)
class Normal(Walked):
    """normal_(mean, deviation)."""

    mean: float
    deviation: float

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        if tensor.elements < BLOCK:
            pairs_before = 0 if state.spare is None else 1
            fresh = max(0, tensor.elements - pairs_before)
            pairs = -(-fresh // 2)
            spare = state.word + PAIR * (pairs - 1) if fresh % 2 else None
            return State(state.word + PAIR * pairs, spare if tensor.elements else state.spare)
        again = BLOCK if tensor.elements % BLOCK else 0
        return State(state.word + tensor.width * (self._first(tensor) + again), state.spare)

    def _first(self, tensor: Tensor) -> int:
        """Return for how many elements words are drawn before the last 16 are drawn again."""
        return tensor.elements // BLOCK * BLOCK if tensor.half else tensor.elements

    def open(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Fill, None]:
        if tensor.elements < BLOCK:
            return partial(take, self.few(state, tensor, generator)), None
        return super(Normal, self).open(state, tensor, generator)

    def few(self, state: State, tensor: Tensor, generator: MersenneTwister) -> NDArray[np.float64]:
        """Return a tensor of less than 16 elements, before it is rounded to its dtype."""
        values, _ = one_by_one(state, tensor.elements, generator)
        if tensor.fused:
            kernels.scale(values, self.mean, self.deviation)
            return values
        return values * self.deviation + self.mean

    def run(self, generator: MersenneTwister, word: int, tensor: Tensor, first: int, out: Values) -> None:
        stop = first + out.size
        start, end = first // BLOCK * BLOCK, min(-(-stop // BLOCK), tensor.elements // BLOCK) * BLOCK
        if (start, end) == (first, stop):
            self._blocks(generator, word + tensor.width * start, tensor, out)
        elif end > start:
            blocks = BUFFERS.take(end - start, tensor.drawn)
            self._blocks(generator, word + tensor.width * start, tensor, blocks)
            out[: end - first] = blocks[first - start : stop - start]
        last = tensor.elements - BLOCK
        if tensor.elements % BLOCK and stop > last:
            again = self.last(generator, word, tensor)
            out[max(0, last - first) :] = again[max(0, first - last) : stop - last]

    def last(self, generator: MersenneTwister, word: int, tensor: Tensor) -> Values:
        """Return the last 16 elements of a tensor whose size is no multiple of 16: they are drawn again."""
        again: Values = np.empty(BLOCK, tensor.drawn)
        self._blocks(generator, word + tensor.width * self._first(tensor), tensor, again)
        return again

    def _blocks(self, generator: MersenneTwister, word: int, tensor: Tensor, out: Values) -> None:
        raw = out.view(np.uint32)
        generator.raw(word, raw)
        if tensor.wide:
            kernels.normal64(raw, out, self.mean, self.deviation)
        else:
            narrow = kernels.normal if tensor.fused else kernels.normal_by_libm
            narrow(raw, out, np.float32(self.mean), np.float32(self.deviation))

    def at(self, generator: MersenneTwister, word: int, tensor: Tensor, places: NDArray[np.int64]) -> Values:
        """Return some elements, whose places ascend, of a tensor whose words begin at `word`; rounded."""
        found: Values = np.empty(places.size, tensor.drawn)
        raw = np.empty(tensor.width * CHUNK, np.uint32)
        blocks = tensor.elements // BLOCK * BLOCK
        for start in range(0, blocks, CHUNK):
            stopping.check()
            begin, end = np.searchsorted(places, (start, min(start + CHUNK, blocks)))
            if begin < end:
                part = raw[: tensor.width * (min(start + CHUNK, blocks) - start)]
                generator.raw(word + tensor.width * start, part)
                if tensor.wide:
                    kernels.normal64_at(part, places[begin:end] - start, found[begin:end], self.mean, self.deviation)
                else:
                    mean, deviation = np.float32(self.mean), np.float32(self.deviation)
                    narrow = kernels.normal_at if tensor.fused else kernels.normal_by_libm_at
                    narrow(part, places[begin:end] - start, found[begin:end], mean, deviation)
        if tensor.elements % BLOCK:
            late = places >= tensor.elements - BLOCK
            if late.any():
                found[late] = self.last(generator, word, tensor)[places[late] - (tensor.elements - BLOCK)]
        tensor.round(found)
        return found


@dataclass(frozen=True, slots=True)
class Whole:
    """A call whose values must all be made before the first is known."""

    whole = True

    def draw(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State]:
        raise NotImplementedError

    def operations(self, tensor: Tensor) -> int:
        raise NotImplementedError

    def following(self, tensor: Tensor) -> int:
        """Return nothing: most calls' words are known from their size."""
        return 0

    def tied(self, state: State, tensor: Tensor, generator: MersenneTwister) -> bool:
        return False

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return self.draw(state, tensor, generator.fork())[1]

    def open(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Fill, State | None]:
        values, after = self.draw(state, tensor, generator.fork())
        return partial(take, values), after


@dataclass(eq=False)
class Walk:
    """The calls made with one generator, one after the other; `older` says what another torch has in a call's place."""

    seed: int
    fused: bool = True
    older: Callable[[Call], Call] | None = None
    generator: MersenneTwister = field(init=False)

    def __post_init__(self) -> None:
        self.generator = MersenneTwister.of(self.seed)
        self._calls: list[tuple[Call, Tensor]] = []
        self._work = [0]  # operations that it takes to know where each call begins
        self._words = [0]  # that calls before each take, or a few times as many where they draw again
        self._marks: list[int] = []  # of each call, what tells it and all before it from others
        self._states = [State()]
        self._lock = threading.Lock()

    def add(self, call: Call, shape: Shape, dtype: DtypeName) -> "Step":
        """Make another call; nothing is drawn yet."""
        call = call if self.older is None else self.older(call)
        tensor = Tensor(prod(shape), dtype, self.fused)
        self._calls.append((call, tensor))
        self._marks.append(hash((self._marks[-1] if self._marks else self.seed & 0xFFFFFFFF, call, tensor)))
        self._work.append(self._work[-1] + call.following(tensor))
        self._words.append(self._words[-1] + tensor.width * tensor.elements)
        return Step(self, len(self._calls) - 1, call, tensor)

    def open(self, index: int) -> Fill:
        call, tensor = self._calls[index]
        state = self._state(index)
        if not call.whole:
            return call.open(state, tensor, self.generator)[0]
        fill, after = call.open(state, tensor, self.generator)
        if after is not None:
            self._know(index + 1, after)
        return fill

    def certain(self, index: int, most: int) -> bool:
        """Whether no tie decides in a call that may know of one; not known where that takes more operations."""
        call, tensor = self._calls[index]
        if self._work[index] + call.operations(tensor) > most or self._state(index).word > FARTHEST:
            return False
        return not call.tied(self._state(index), tensor, self.generator)

    def mark(self, index: int) -> int:
        """Return the same number for calls that give the same values: by the same seed, after the same calls."""
        return self._marks[index]

    def passing(self, index: int, words: int) -> int:
        """Return the operations that it takes to come to a word of a call, once it is known where that begins."""
        return passing(self._words[index] + words)

    def work_between(self, first: int, last: int) -> int:
        """Return the operations that finding where call `last` begins takes, once it is known of call `first`."""
        return max(0, self._work[last] - self._work[first])

    def _state(self, index: int) -> State:
        """Return where a call begins. Finding it may take seconds: nobody waits for the lock meanwhile."""
        while True:
            with self._lock:
                known = len(self._states)
                if known > index:
                    return self._states[index]
                state = self._states[-1]
            call, tensor = self._calls[known - 1]
            self._know(known, call.after(state, tensor, self.generator))

    def _know(self, index: int, state: State) -> None:
        with self._lock:
            if len(self._states) == index:
                self._states.append(state)


@dataclass(frozen=True, eq=False)
class Step:
    """A call's tensor, as the core draws it. `passed` is what making calls before it takes, where nothing else has."""

    walk: Walk
    index: int
    call: Call
    tensor: Tensor
    passed: int = 0

    @property
    def elements(self) -> int:
        return self.tensor.elements

    @property
    def whole(self) -> bool:
        return self.call.whole

    @property
    def in_order(self) -> bool:
        return not self.call.whole

    @property
    def operations(self) -> int:
        return self.passed + self.call.operations(self.tensor)

    @property
    def standing(self) -> int:
        return 3 * KEPT * self.elements if self.whole else 0

    def passing(self, first: int) -> int:
        calls = self.walk.work_between(0, self.index) - self.passed
        return calls + self.walk.passing(self.index, 0 if self.whole else self.tensor.width * first)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self.walk.mark(self.index) == other.walk.mark(other.index)

    def __hash__(self) -> int:
        return self.walk.mark(self.index)

    def open(self) -> Fill:
        return self.walk.open(self.index)
