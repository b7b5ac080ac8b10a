"""nnx's GRU: one matrix for the inputs of all gates and one for their states, of which linen's layout has columns."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from service.replay.flax.layers import NNX
from service.replay.framework import NO_STREAM, ArrayDraws, Module
from service.replay.jax.call import Call
from service.replay.jax.initialisers import initialise
from service.replay.jax.random import Key
from service.stream.addresses import Runs
from service.stream.distributions import Constant, Fill
from service.stream.draws import Addressed, Wrapped
from service.stream.dtypes import Values

GATES = ("r", "z", "n")  # as nnx has them side by side


@dataclass(frozen=True, slots=True)
class Columns(Wrapped):
    """`width` columns, from `first` on, of a matrix with `pitch` of them."""

    first: int
    width: int
    pitch: int

    @property
    def elements(self) -> int:
        return self.of.elements // self.pitch * self.width

    def open(self) -> Fill:
        inner = self.of.open()

        def fill(runs: Runs, out: Values) -> None:
            inner(self._within(runs), out)

        return fill

    def _within(self, runs: Runs) -> Runs:
        """Return where the elements stand in the matrix: row by row where the runs are whole rows."""
        length = 1
        places = runs.starts.astype(np.int64)
        if runs.length % self.width == 0 and not np.any(places % self.width):
            length = self.width
            places = (places[:, None] + np.arange(0, runs.length, self.width)).ravel()
        else:
            places = runs.addresses()
        rows, columns = np.divmod(places, self.width)
        return Runs((rows * self.pitch + self.first + columns).astype(np.uint64), length)


def give_gru(module: Module, following: Callable[[], Key]) -> dict[str, ArrayDraws]:
    """Return how a GRU's arrays come about, cell by cell: inputs' matrix and bias, then the states' matrix."""
    made: dict[str, ArrayDraws] = {}
    for name, array in module.arrays.items():
        if not name.endswith("ir/kernel"):
            continue
        cell = name.removesuffix("ir/kernel")
        for side, kind in (("i", "kernel"), ("i", "bias"), ("h", "kernel")):
            array = module.arrays[f"{cell}{side}r/{kind}"]
            *rows, width = array.shape
            call = Call(NNX, array, following(), array.dtype, (*rows, len(GATES) * width))
            whole = initialise(call, array.scheme_in("flax"))
            for place, gate in enumerate(GATES):
                draws = whole.draws and Columns(whole.draws, place * width, width, len(GATES) * width)
                made[f"{cell}{side}{gate}/{kind}"] = replace(whole, draws=draws)
        bias = made[f"{cell}in/bias"]
        nothing = Addressed(Constant(0.0), NO_STREAM, width)
        made[f"{cell}hn/bias"] = replace(bias, distribution=Constant(0.0), draws=bias.draws and nothing)
    return {name: made[name] for name in module.arrays}
