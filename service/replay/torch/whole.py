"""torch's initialisers that make a tensor as a whole: trunc_normal_, sparse_ and orthogonal_."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
from numpy.typing import NDArray

from service import stopping
from service.replay.torch.draws import BLOCK, Normal, State, Step, Tensor, Uniform, Whole
from service.replay.torch.kernels import values as kernels
from service.replay.torch.mersenne import MersenneTwister
from service.stream.addresses import Runs
from service.stream.distributions import PART, Fill, fill_in_parts
from service.stream.draws import KEPT
from service.stream.dtypes import Values
from service.stream.matrices import orthonormal, take
from service.stream.views import Shape

Places = NDArray[np.int64]
# In deviations: torch makes normals of 24 bits, few of them of 53, and so within sqrt(2 x 53 ln 2) = 8.6.
FARTHEST = 9.0
DRAWN_AGAIN = 0.3  # trunc_normal_ draws normals again and again where at least so much of them falls within the bounds
# Operations that an element takes in one pass, where normals are cut and where uniforms are kept by chance; and a pass.
WORK, WORK_OF_CHANCES, PASS = 64, 384, 2**21
WORDS = 2**18  # made at a time for permutations


def below(x: float) -> float:
    """Return the probability of a standard normal value below x, in torch's own arithmetic."""
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


@dataclass(frozen=True, slots=True)
class TruncNormal(Whole):
    """trunc_normal_(mean, deviation, low, high), as torch has it since 2.12."""

    mean: float
    deviation: float
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share of normal values that the bounds leave."""
        return below((self.high - self.mean) / self.deviation) - below((self.low - self.mean) / self.deviation)

    @property
    def from_normals(self) -> bool:
        return self.share > DRAWN_AGAIN

    @property
    def peak(self) -> float:
        """The logarithm of the density's greatest value within the bounds, but for a constant."""
        mode = max(self.low, min(self.mean, self.high))
        return float(-0.5 * ((mode - self.mean) / self.deviation) ** 2)

    @property
    def normal(self) -> Normal:
        return Normal(self.mean, self.deviation)

    @property
    def uncut(self) -> bool:
        """Whether no normal of torch's comes to the bounds."""
        reach = FARTHEST * self.deviation
        return self.low <= self.mean - reach and self.mean + reach <= self.high

    @property
    def whole(self) -> bool:  # type: ignore[override]
        return not self.uncut

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return (
            self.normal.after(state, tensor, generator) if self.uncut else Whole.after(self, state, tensor, generator)
        )

    def open(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Fill, State | None]:
        return self.normal.open(state, tensor, generator) if self.uncut else Whole.open(self, state, tensor, generator)

    def passes(self, elements: int) -> float:
        """Return how many times a tensor of this size is drawn, about."""
        accepted = self.share
        if not self.from_normals:
            density = self.share * math.sqrt(2 * math.pi) * self.deviation / (self.high - self.low)
            accepted = density / math.exp(self.peak)
        if accepted >= 1.0:
            return 1.0
        return 1.0 + math.log(max(2, elements)) / -math.log1p(-max(accepted, 1e-9))

    def operations(self, tensor: Tensor) -> int:
        if self.uncut:
            return 0
        work = WORK if self.from_normals else WORK_OF_CHANCES
        return int((work * tensor.elements + PASS) * self.passes(tensor.elements))

    def following(self, tensor: Tensor) -> int:
        return self.operations(tensor)

    def tied(self, state: State, tensor: Tensor, generator: MersenneTwister) -> bool:
        return not self.from_normals and self.from_uniforms(state, tensor, generator)[2]

    def draw(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State]:
        if self.from_normals:
            return self._from_normals(state, tensor, generator)
        values, after, _ = self.from_uniforms(state, tensor, generator)
        return values, after

    def _from_normals(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State]:
        """Draw the whole tensor; while a value is out of bounds, draw another and take what was out from there."""
        low, high = tensor.rounded(self.low), tensor.rounded(self.high)
        normal = self.normal
        values: Values = np.empty(tensor.elements, tensor.drawn)
        fill_in_parts(normal.open(state, tensor, generator)[0], values)
        out: list[Places] = []
        for part in parts_of(values):
            tensor.round(values[part])
            out.append(part.start + np.flatnonzero((values[part] < low) | (values[part] > high)))
        places: Places = np.concatenate(out)
        state = normal.after(state, tensor, generator)
        again: Values
        while places.size:
            stopping.check()
            if tensor.elements < BLOCK:
                again = normal.few(state, tensor, generator).astype(tensor.drawn)
                tensor.round(again)
                again = again[places]
            else:
                again = normal.at(generator, state.word, tensor, places)
            values[places] = again
            state = normal.after(state, tensor, generator)
            places = places[(again < low) | (again > high)]
        return values, state

    def from_uniforms(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State, bool]:
        """Draw uniforms within the bounds and keep each with its density's chance, until all are kept.

        Returns also whether a comparison was so near a tie that the last bit of a logarithm decides it.
        """
        every: Places = np.arange(tensor.elements)
        values, chances, word = self._candidates(state.word, tensor, generator, every)
        rejected, close = self._rejected(values, chances, tensor)
        places = every[rejected]
        while places.size:
            again, chances, word = self._candidates(word, tensor, generator, places)
            values[places] = again
            rejected, tie = self._rejected(again, chances, tensor)
            places, close = places[rejected], close or tie
        return values, State(word, state.spare), close

    def _candidates(
        self, word: int, tensor: Tensor, generator: MersenneTwister, places: Places
    ) -> tuple[Values, Values, int]:
        """Return candidates and the uniforms that decide over them, at some places of two whole tensors."""
        size = tensor.width * tensor.elements
        candidates = uniform_at(Uniform(self.low, self.high), generator, word, tensor, places)
        chances = uniform_at(Uniform(0.0, 1.0), generator, word + size, tensor, places)
        return candidates, chances, word + 2 * size

    def _rejected(self, candidates: Values, chances: Values, tensor: Tensor) -> tuple[NDArray[np.bool_], bool]:
        rejected, close = np.empty(candidates.size, np.bool_), False
        for part in parts_of(candidates):
            rejected[part], tie = self._rejected_of(candidates[part], chances[part], tensor)
            close = close or tie
        return rejected, close

    def _rejected_of(self, candidates: Values, chances: Values, tensor: Tensor) -> tuple[NDArray[np.bool_], bool]:
        kind = tensor.drawn
        # In half precision torch rounds what it subtracts to the dtype, and what it divides by to float32.
        density = candidates - kind(tensor.rounded(self.mean))
        tensor.round(density)
        density /= kind(self.deviation)
        tensor.round(density)
        density *= density
        tensor.round(density)
        density *= kind(-0.5)
        tensor.round(density)
        density -= kind(tensor.rounded(self.peak))
        tensor.round(density)
        some = chances > 0.0
        logs: Values = np.zeros(chances.size, kind)
        logs[some] = np.log(chances[some].astype(np.float64))
        tensor.round(logs)
        logs[~some] = -np.inf  # rejects nothing
        # Of half precision every logarithm was compared with torch's; beyond that its last bit is the library's.
        close = not (tensor.half and tensor.fused) and bool(
            (np.abs(logs - density) <= 4 * np.spacing(np.abs(density))).any()
        )
        return logs > density, close


def parts_of(values: Values) -> Iterator[slice]:
    """Yield the parts of an array, some milliseconds' work each; raises Stopped where nobody waits any more."""
    for start in range(0, values.size, PART):
        stopping.check()
        yield slice(start, min(start + PART, values.size))


def uniform_at(call: Uniform, generator: MersenneTwister, word: int, tensor: Tensor, places: Places) -> Values:
    """Return some elements, whose places ascend, of a tensor of uniforms whose words begin at `word`."""
    chunk = 2**16
    found: Values = np.empty(places.size, tensor.drawn)
    part: Values = np.empty(chunk, tensor.drawn)
    for start in range(0, tensor.elements, chunk):
        stopping.check()
        begin, end = np.searchsorted(places, (start, start + chunk))
        if begin < end:
            out = part[: min(chunk, tensor.elements - start)]
            call.run(generator, word, tensor, start, out)
            found[begin:end] = out[places[begin:end] - start]
    return found


@dataclass(frozen=True, slots=True)
class Sparse(Whole):
    """sparse_(sparsity, deviation): normals, and in each column a permutation's first rows at 0."""

    rows: int
    columns: int
    zeros: int
    deviation: float

    def operations(self, tensor: Tensor) -> int:
        return WORK * tensor.elements

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        state = Normal(0.0, self.deviation).after(state, tensor, generator)
        return State(state.word + (self.rows - 1) * self.columns, state.spare)

    def draw(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State]:
        normal = Normal(0.0, self.deviation)
        values: Values = np.empty(tensor.elements, tensor.drawn)
        fill_in_parts(normal.open(state, tensor, generator)[0], values)
        table = values.reshape(self.rows, self.columns)
        word, each = normal.after(state, tensor, generator).word, self.rows - 1
        order, chunk = np.empty(self.rows, np.int64), max(1, WORDS // max(1, each))
        for first in range(0, self.columns, chunk):
            stopping.check()
            part = table[:, first : first + chunk]
            raw = np.empty((part.shape[1], each), np.uint32)
            generator.raw(word + each * first, raw.reshape(-1))
            chosen = np.empty((part.shape[1], self.zeros), np.int64)
            kernels.first_of_permutations(raw, order, chosen)
            np.put_along_axis(part, chosen.T, 0.0, axis=0)
        return values, self.after(state, tensor, generator)


@dataclass(frozen=True, slots=True)
class ColumnLengths(Whole):
    """The lengths of the columns of a tensor that was drawn before, as weight_norm takes them; draws nothing."""

    of: Step

    def operations(self, tensor: Tensor) -> int:
        return WORK * self.of.elements

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return state

    def draw(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State]:
        fill, columns = self.of.open(), tensor.elements
        rows = self.of.elements // columns
        sums: Values = np.zeros((1, columns), tensor.drawn)
        for start in range(0, rows, chunk := max(1, PART // columns)):
            stopping.check()
            part: Values = np.empty((min(chunk, rows - start), columns), tensor.drawn)
            fill(Runs.one(start * columns, part.size), part.reshape(-1))
            # Row after row, as torch adds them up.
            sums = np.add.accumulate(np.concatenate([sums, part * part]), axis=0)[-1:]
        lengths = np.sqrt(sums.reshape(-1))
        tensor.round(lengths)
        return lengths, state


@dataclass(frozen=True, slots=True)
class Orthogonal(Whole):
    """orthogonal_(gain): torch's Gaussian, and the Q of it in float64, R's diagonal positive; torch's is LAPACK's."""

    rows: int
    columns: int
    gain: float

    def operations(self, tensor: Tensor) -> int:
        return 8 * tensor.elements * min(self.rows, self.columns)

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return Normal(0.0, 1.0).after(state, tensor, generator)

    def draw(self, state: State, tensor: Tensor, generator: MersenneTwister) -> tuple[Values, State]:
        values: Values = np.empty(tensor.elements, tensor.drawn)
        fill_in_parts(Normal(0.0, 1.0).open(state, tensor, generator)[0], values)
        tensor.round(values)
        matrix = orthonormal(values.astype(np.float64).reshape(self.rows, self.columns))
        made: Values = np.empty(tensor.elements, tensor.drawn)
        np.multiply(matrix.ravel(), self.gain, out=made, casting="same_kind")
        return made, self.after(state, tensor, generator)


@dataclass(frozen=True, slots=True)
class DiracTensor:
    """dirac_ on a tensor whose axes stand as torch's: (out, in, *field)."""

    shape: Shape
    groups: int
    gain: float

    whole = True
    in_order = False

    @property
    def elements(self) -> int:
        return prod(self.shape)

    @property
    def operations(self) -> int:
        return self.elements

    @property
    def standing(self) -> int:
        return KEPT * self.elements

    def passing(self, first: int) -> int:
        return 0

    def open(self) -> Fill:
        values = np.zeros(self.shape)
        each = self.shape[0] // self.groups
        centre = tuple(size // 2 for size in self.shape[2:])
        for group in range(self.groups):
            for channel in range(min(each, self.shape[1])):
                values[(group * each + channel, channel, *centre)] = self.gain
        return partial(take, values.ravel())
