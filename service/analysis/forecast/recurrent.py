"""Recurrent layers in mean field: simple cells (Chen et al. 2018), LSTM and GRU (Gilboa et al. 2019).

Weights are the same at every step, so that what a unit is at two steps is correlated: moments are followed for each two
steps. What is assumed: gates are independent of the memory that they act on, and a memory is normal.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from service.analysis.forecast.normal import TAIL, TERMS, Array, expand
from service.analysis.forecast.signal import Gradient, Signal
from service.analysis.forecast.step import Given, Sources, Step, squared
from service.analysis.functions import FUNCTIONS, Function, Map
from service.networks.layers.recurrent import Place, Recurrent
from service.stream.distributions import Distribution

SIGMOID = FUNCTIONS["sigmoid"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the variance that each kernel gives to a sum, beside what it sums over; means and variances of biases.

    `inner` are mean and variance of the biases that stand beside the recurrent kernel alone, gate by gate.
    """

    fed: float
    recalled: float
    inputs: int
    units: int
    shift: Array
    spread: Array
    inner: tuple[Array, Array]
    function: Function


class Followed:
    """A function of normal values, step by step: its moments at each two steps, of one example and of two."""

    def __init__(self, function: Function, steps: int) -> None:
        self.function = function
        self.pairs, self.slopes, self.mean = np.zeros((2, steps, steps)), np.zeros((steps, steps)), np.zeros(steps)
        self._deviation = np.zeros(steps)
        self._value, self._slope = Terms(steps), Terms(steps)

    def follow(self, step: int, mean: float, rows: Array) -> Array:
        """Take one step more: `rows` are covariances of the normal values with those up to this step, (2, step + 1)."""
        deviation = float(np.sqrt(max(rows[0, step], 0.0)))
        self._deviation[step] = deviation
        scale = deviation * self._deviation[: step + 1]
        c = np.clip(np.divide(rows, scale, out=np.ones_like(rows), where=scale > 0.0), -1.0, 1.0)
        values = self._value.follow(step, self.function.value, mean, deviation, c)
        slopes = self._slope.follow(step, self.function.slope, mean, deviation, c[:1])
        self.mean[step] = self._value.terms[step, 0]
        put(self.pairs, step, values)
        put(self.slopes[None], step, slopes)
        return values


class Terms:
    """Coefficients of a function at each step (see normal.py), and its moments at two steps by them."""

    def __init__(self, steps: int) -> None:
        self.terms, self._rest = np.zeros((steps, TERMS)), np.zeros(steps)

    def follow(self, step: int, function: Map, mean: float, deviation: float, c: Array) -> Array:
        made = expand(function, np.array([mean]), np.array([deviation]))
        self.terms[step] = made.terms[0]
        self._rest[step] = np.sqrt(max(float(made.second[0] - (made.terms**2).sum()), 0.0))
        products, total = self.terms[: step + 1] * self.terms[step], np.zeros_like(c)
        for k in reversed(range(TERMS)):
            total = total * c + products[:, k]
        total = total + self._rest[: step + 1] * self._rest[step] * np.abs(c) ** TAIL
        total[0, step] = made.second[0]
        row: Array = total
        return row


class Memory:
    """A memory m' = keep m + p, of which p is new at each step, and its moments at each two steps.

    `opposed` says how much less the product of keep at one step and what lets p in at another is than that of their
    means, where both are of one gate; 1 where they know nothing of each other.
    """

    def __init__(self, steps: int) -> None:
        self.pairs = np.zeros((2, steps, steps))
        self.mean = np.zeros(steps)
        self.with_new = np.zeros((2, steps, steps))  # of the memory at one step and what is new at another
        self._kept = np.zeros(steps)
        self.opposed = np.ones((2, steps, steps))

    def follow(self, step: int, keep: Array, entering: Array, kept: float, entered: float = 0.0) -> None:
        """Take one step more; `keep` and `entering` are moments with the steps up to this, (2, step + 1)."""
        opposed = self.opposed
        self._kept[step] = kept
        self.mean[step] = entered + (kept * self.mean[step - 1] if step else 0.0)
        for earlier in range(step + 1):
            before = self.with_new[:, earlier - 1, step] if earlier else 0.0
            kept_then = opposed[:, earlier, step] * self._kept[earlier]
            self.with_new[:, earlier, step] = kept_then * before + entering[:, earlier]
        if step:
            carried = opposed[:, step, :step] * kept * self.with_new[:, step - 1, :step]
            self.with_new[:, step, :step] = carried + entering[:, :step]
        row = keep * earlier_row(self.pairs, step) + entering
        if step:
            row = row + opposed[:, step, : step + 1] * kept * self.with_new[:, step - 1, : step + 1]
            row[:, 1:] += opposed[:, 1 : step + 1, step] * self._kept[1 : step + 1] * self.with_new[:, :step, step]
        put(self.pairs, step, row)


def put(pairs: Array, step: int, row: Array) -> None:
    pairs[:, step, : step + 1] = row
    pairs[:, : step + 1, step] = row


def earlier_row(pairs: Array, step: int) -> Array:
    """Return the moments of the step before with each step's before; 0 before the first."""
    row = np.zeros((2, step + 1))
    if step:
        row[:, 1:] = pairs[:, step - 1, :step]
    return row


Unrolled = tuple[Array, Array, Callable[[Array], Array]]  # moments of states, their means, the way back of a gradient
Unroll = Callable[[Cell, Array], Unrolled]


def simple(cell: Cell, fed: Array) -> Unrolled:
    steps = fed.shape[1]
    state = Followed(cell.function, steps)
    for t in range(steps):
        rows = fed[:, t, : t + 1] + cell.recalled * earlier_row(state.pairs, t) + cell.spread[0]
        state.follow(t, float(cell.shift[0]), rows)

    def back(gradient: Array) -> Array:
        found = np.zeros((steps + 1, steps + 1))
        for t in reversed(range(steps)):
            row = state.slopes[t, t:] * (gradient[t, t:] + cell.recalled * found[t + 1, t + 1 :])
            found[t, t:-1] = found[t:-1, t] = row
        return found[:-1, :-1]

    return state.pairs, state.mean, back


def lstm(cell: Cell, fed: Array) -> Unrolled:
    """Gates in Keras's order: input, forget, cell, output."""
    steps = fed.shape[1]
    gates = [Followed(cell.function if gate == 2 else SIGMOID, steps) for gate in range(4)]
    memory, shown, state = Memory(steps), Followed(cell.function, steps), np.zeros((2, steps, steps))
    mean = np.zeros(steps)
    for t in range(steps):
        rows = fed[:, t, : t + 1] + cell.recalled * earlier_row(state, t)
        enter, keep, new, leave = (
            each.follow(t, float(cell.shift[gate]), rows + cell.spread[gate]) for gate, each in enumerate(gates)
        )
        entered = float(gates[0].mean[t] * gates[2].mean[t])
        memory.follow(t, keep, enter * new, float(gates[1].mean[t]), entered)
        about = memory.pairs[:, t, : t + 1] - memory.mean[t] * memory.mean[: t + 1]
        put(state, t, leave * shown.follow(t, float(memory.mean[t]), about))
        mean[t] = gates[3].mean[t] * shown.mean[t]
    enter, keep, new, leave = (each.pairs[0] for each in gates)
    held = later(memory.pairs[0], -1)

    def back(gradient: Array) -> Array:
        to_sums = shown.pairs[0] * gates[3].slopes  # what a state's gradient comes to at the output gate
        of_memory = new * gates[0].slopes + enter * gates[2].slopes + held * gates[1].slopes
        to_memory, found = Memory(steps), np.zeros((steps + 1, steps + 1))
        kept, keeping = later(keep, 1), np.append(gates[1].mean[1:], 0.0)
        for t in reversed(range(steps)):
            to_state = gradient[t, t:] + cell.recalled * found[t + 1, t + 1 :]
            entering = to_state * leave[t, t:] * shown.slopes[t, t:]
            to_memory.follow(steps - 1 - t, doubled(kept[t, t:]), doubled(entering), keeping[t])
            row = to_state * to_sums[t, t:] + to_memory.pairs[0, steps - 1 - t, : steps - t][::-1] * of_memory[t, t:]
            found[t, t:-1] = found[t:-1, t] = row
        return found[:-1, :-1]

    return state, mean, back


def doubled(row: Array) -> Array:
    """Return a row of later steps as one of earlier ones, for a memory that runs backwards."""
    return np.stack([row[::-1]] * 2)


def later(pairs: Array, by: int) -> Array:
    """Return moments of so many steps later, 0 beyond the last and before the first."""
    found = np.zeros_like(pairs)
    if by > 0:
        found[:-by, :-by] = pairs[by:, by:]
    else:
        found[-by:, -by:] = pairs[:by, :by]
    return found


def gru(cell: Cell, fed: Array) -> Unrolled:
    """Gates in Keras's order: update, reset, candidate; the reset gate comes after the recurrent kernel."""
    steps = fed.shape[1]
    update, reset, candidate = Followed(SIGMOID, steps), Followed(SIGMOID, steps), Followed(cell.function, steps)
    memory, (shift, spread) = Memory(steps), cell.inner
    for t in range(steps):
        seen, recalled = fed[:, t, : t + 1], cell.recalled * earlier_row(memory.pairs, t)
        kept = update.follow(t, float(cell.shift[0] + shift[0]), seen + recalled + cell.spread[0] + spread[0])
        through = reset.follow(t, float(cell.shift[1] + shift[1]), seen + recalled + cell.spread[1] + spread[1])
        rows = seen + cell.spread[2] + through * (recalled + spread[2])
        new = candidate.follow(t, float(cell.shift[2] + reset.mean[t] * shift[2]), rows)
        entering = (1.0 - update.mean[t] - update.mean[: t + 1] + kept) * new
        for one, other in ((t, slice(t + 1)), (slice(t + 1), t)):
            apart = update.mean[one] * (1.0 - update.mean[other])
            memory.opposed[:, one, other] = (update.mean[one] - kept) / apart
        memory.follow(t, kept, entering, float(update.mean[t]), float((1.0 - update.mean[t]) * candidate.mean[t]))
    kept, through, new = (each.pairs[0] for each in (update, reset, candidate))
    held = later(memory.pairs[0], -1)
    recalls = cell.recalled * held + spread[2] + squared(shift[2])
    leaving = 1.0 - np.add.outer(update.mean, update.mean) + kept

    def back(gradient: Array) -> Array:
        # What the update gate turns from one into the other: the state before, and the candidate.
        shared = np.zeros_like(held)
        shared[1:] = memory.with_new[0, :-1] / (1.0 - update.mean)
        of_update, of_new = (held + new - shared - shared.T) * update.slopes, leaving * candidate.slopes
        of_reset = of_new * recalls * reset.slopes
        to_state = Memory(steps)
        found, recalled = np.zeros((steps, steps)), np.zeros((steps + 1, steps + 1))
        after, keeping = later(kept, 1), np.append(update.mean[1:], 0.0)
        for t in reversed(range(steps)):
            entering = gradient[t, t:] + cell.recalled * recalled[t + 1, t + 1 :]
            to_state.follow(steps - 1 - t, doubled(after[t, t:]), doubled(entering), keeping[t])
            row = to_state.pairs[0, steps - 1 - t, : steps - t][::-1]
            to_gates = row * (of_update[t, t:] + of_reset[t, t:])
            found[t, t:] = found[t:, t] = to_gates + row * of_new[t, t:]
            recalled[t, t:-1] = recalled[t:-1, t] = to_gates + row * of_new[t, t:] * through[t, t:]
        return found

    return memory.pairs, memory.mean, back


CELLS: dict[str, Unroll] = {"simple_rnn": simple, "lstm": lstm, "gru": gru}


def gates_of(drawn: Distribution | None, gates: int) -> tuple[Array, Array]:
    """Return mean and variance of a bias, gate by gate."""
    if drawn is None:
        return np.zeros(gates), np.zeros(gates)
    values = getattr(drawn, "values", None)  # a constant for each gate
    if values is not None:
        return np.array(values, np.float64), np.zeros(gates)
    return np.full(gates, drawn.mean), np.full(gates, squared(drawn.deviation))


def cell_of(layer: Recurrent, place: Place, sources: Sources) -> Cell | None:
    kernel, recur = (sources[f"{place.keras}{name}"].distribution for name in ("kernel", "recurrent_kernel"))
    if kernel.mean or recur.mean or layer.activation not in FUNCTIONS:
        return None
    found = [sources.get(f"{place.keras}{name}") for name in ("bias", "recurrent_bias")]
    gates = layer.gating.gates
    outer, inner = (gates_of(each.distribution if each else None, gates) for each in found)
    if layer.gating.two_biases:
        inner = outer
    return Cell(
        squared(kernel.deviation) * place.inputs,
        squared(recur.deviation) * layer.state,
        place.inputs,
        layer.shape[1],
        outer[0] if layer.gating.two_biases else outer[0] + inner[0],
        outer[1] if layer.gating.two_biases else outer[1] + inner[1],
        inner,
        FUNCTIONS[layer.activation],
    )


@dataclass(frozen=True, slots=True)
class Way:
    """A cell that has run: its states' moments, and how a gradient comes back to its sums.

    `factor` is what an input gets of the gradient at the sums of all units.
    """

    states: Array
    means: Array
    back: Callable[[Array], Array]
    factor: float


def run(layer: Recurrent, cell: Cell, moments: Array, backwards: bool) -> Way:
    turned = -1 if backwards else 1
    states, means, back = CELLS[layer.gating.name](cell, cell.fed * moments[:, ::turned, ::turned])

    def back_in_order(gradient: Array) -> Array:
        return back(gradient[::turned, ::turned])[::turned, ::turned]

    factor = cell.fed / cell.inputs * cell.units
    return Way(states[:, ::turned, ::turned], means[::turned], back_in_order, factor)


def recurrent(given: Given) -> Step | None:
    (x,), layer = given.inputs, given.layer
    assert isinstance(layer, Recurrent)
    if len(x.places) != 1 or len(x.mean) != prod(x.places):
        return None
    ways = 2 if layer.bidirectional else 1
    places = list(layer.places())
    moments, mean = np.stack([x.same, x.cross]), x.mean
    stages: list[list[Way]] = []
    for first in range(0, len(places), ways):
        cells = [cell_of(layer, places[first + way], given.sources) for way in range(ways)]
        stages.append([run(layer, cell, moments, bool(way)) for way, cell in enumerate(cells) if cell is not None])
        if len(stages[-1]) < ways:
            return None
        moments = np.mean([way.states for way in stages[-1]], axis=0)
        mean = np.mean([way.means for way in stages[-1]], axis=0)
    out = Signal(given.places, given.features, mean, moments[0], moments[1])

    def back_through(gradient: Gradient) -> list[Array]:
        """Return the gradient at each layer's sums, then at the inputs."""
        at, found = gradient.same, []
        for stage in reversed(stages):
            sums = [way.back(at) for way in stage]
            found.append(np.mean(sums, axis=0))
            at = np.sum([part * way.factor for part, way in zip(sums, stage, strict=True)], axis=0)
        return [*found, at]

    def back(gradient: Gradient) -> Sequence[Gradient]:
        return [Gradient(back_through(gradient)[-1])]

    chi = float(np.diag(back_through(Gradient(np.eye(len(mean))))[-1]).mean()) * x.features / given.features
    return Step(out, back, chi, lambda gradient: float(np.diag(back_through(gradient)[0]).mean()), x.apart)
