"""Truncated normals by the inverse error function: torch's own trunc_normal_ before 2.12, and timm's two."""

import math
from dataclasses import dataclass, replace

import numpy as np

from service.replay.torch.draws import Call, State, Tensor, Uniform, Walked
from service.replay.torch.kernels.erfinv import erfinv, erfinv64
from service.replay.torch.mersenne import MersenneTwister
from service.replay.torch.ties import rounded_away
from service.replay.torch.whole import TruncNormal, below
from service.stream.dtypes import Values


@dataclass(frozen=True, slots=True)
class ByInverse(Walked):
    """trunc_normal_(mean, deviation, low, high) as uniforms between two probabilities, and the quantiles of these.

    `scaled` is (factor, summand) of what is done with the values at last: timm's trunc_normal_tf_. `closed` is of its
    uniforms.
    """

    mean: float
    deviation: float
    low: float
    high: float
    scaled: tuple[float, float] | None = None
    closed: bool = False

    @property
    def uniform(self) -> Uniform:
        """The uniforms: twice the probabilities of the bounds, less 1."""
        lower, upper = (below((bound - self.mean) / self.deviation) for bound in (self.low, self.high))
        return Uniform(2 * lower - 1, 2 * upper - 1, self.closed)

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return self.uniform.after(state, tensor, generator)

    def run(self, generator: MersenneTwister, word: int, tensor: Tensor, first: int, out: Values) -> None:
        self.uniform.run(generator, word, tensor, first, out)
        if tensor.wide:
            erfinv64(out)
        else:
            erfinv(out, rounded_away())
            tensor.round(out)
        line(out, tensor, self.deviation * math.sqrt(2.0), self.mean)
        np.clip(out, tensor.rounded(self.low), tensor.rounded(self.high), out=out)
        if self.scaled is not None:
            line(out, tensor, *self.scaled)


def line(out: Values, tensor: Tensor, factor: float, summand: float) -> None:
    """Multiply and add in place, each rounded to the dtype; torch takes a summand, but no factor, in the dtype."""
    with np.errstate(over="ignore", under="ignore"):
        out *= tensor.drawn(factor)
        tensor.round(out)
        out += tensor.drawn(tensor.rounded(summand))
        tensor.round(out)


def before_2_12(call: Call) -> Call:
    """Return what a call of torch.nn.init was before torch 2.12."""
    match call:
        case TruncNormal():
            return ByInverse(call.mean, call.deviation, call.low, call.high, closed=True)
        case Uniform() | ByInverse():
            return replace(call, closed=True)
    return call
