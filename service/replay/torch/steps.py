"""Mamba's biases of steps as the transformers library draws them: uniform values on a scale of logarithms.

torch.rand, exp, clamp, expm1 and log are each rounded to float32, whatever the model's dtype.
"""

import math
from dataclasses import dataclass

import numpy as np

from service.replay.torch.draws import State, Tensor, Uniform, Walked
from service.replay.torch.mersenne import MersenneTwister
from service.stream.dtypes import Values
from service.stream.elementary import exp, log


@dataclass(frozen=True, slots=True)
class StepBiases(Walked):
    """softplus⁻¹(max(floor, exp(rand · (ln longest − ln shortest) + ln shortest)))."""

    shortest: float
    longest: float
    floor: float

    def after(self, state: State, tensor: Tensor, generator: MersenneTwister) -> State:
        return State(state.word + tensor.elements, state.spare)

    def run(self, generator: MersenneTwister, word: int, tensor: Tensor, first: int, out: Values) -> None:
        narrow = Tensor(tensor.elements, "float32", tensor.fused)
        drawn = np.empty(out.size, np.float32)
        Uniform(0.0, 1.0).run(generator, word, narrow, first, drawn)
        low, high = math.log(self.shortest), math.log(self.longest)
        steps = rounded(exp((drawn * np.float32(high - low) + np.float32(low)).astype(np.float64)))
        steps = np.maximum(steps, np.float32(self.floor))
        less = rounded(1.0 - exp(-steps.astype(np.float64)))
        out[:] = steps + rounded(log(less.astype(np.float64)))
        tensor.round(out)


def rounded(values: Values) -> Values:
    return values.astype(np.float32)
