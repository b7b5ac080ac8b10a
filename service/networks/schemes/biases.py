"""Schemes for biases that should not start at 0: gates of recurrent layers, steps of state spaces, rare classes."""

import math
from decimal import Context, Decimal
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from service.networks.description import Number, Positive, Size
from service.networks.schemes.plain import in_order
from service.networks.schemes.scheme import Scheme
from service.networks.site import Site
from service.stream.chance import Chance
from service.stream.distributions import Constant, Distribution
from service.stream.elementary import exp, log
from service.stream.matrices import Computed, GateConstants

Doubles = NDArray[np.float64]
PRECISE = Context(prec=40)
LSTM_GATES = 4  # input, forget, cell, output
FORGET = 1


class UnitForgetBias(Scheme):
    """0, but for an LSTM's forget gate, which begins open."""

    family = "unit_forget_bias"
    formula = "value for the forget gate, 0 for the others"
    references = ("Jozefowicz et al. 2015",)
    value: Number = Field(1.0, description="Bias of the forget gate.")

    def realise(self, site: Site) -> Distribution:
        if site.gates != LSTM_GATES:
            raise self.refuse("the bias of an lstm layer", site)
        values = tuple(self.value if gate == FORGET else 0.0 for gate in range(LSTM_GATES))
        return GateConstants(values, site.shape[-1] // LSTM_GATES)


class Chrono(Scheme):
    """An LSTM's biases for memories of up to `longest` steps: forget gates near open, input gates near closed."""

    family = "chrono"
    formula = "forget: ln U[1, longest − 1]; input: minus the same; 0 for the others"
    references = ("Tallec and Ollivier 2018",)
    longest: Annotated[Size, Field(ge=3)] = Field(100, description="Longest dependency, in steps.")

    def realise(self, site: Site) -> Distribution:
        if site.gates != LSTM_GATES or len(site.shape) != 1:
            raise self.refuse("the bias of an lstm layer", site)
        units = site.shape[0] // LSTM_GATES

        def make(chance: Chance) -> Doubles:
            drawn = chance.uniforms(site.elements).reshape(LSTM_GATES, units)
            forget = log(1.0 + drawn[FORGET] * (self.longest - 2))
            out = np.zeros((LSTM_GATES, units))
            out[0], out[FORGET] = -forget, forget
            return out.ravel()

        top = float(self.longest - 1)
        # E ln²U over [1, top], twice in four gates; the mean is 0 by symmetry.
        square = (top * math.log(top) ** 2 - 2 * top * math.log(top) + 2 * top - 2) / (top - 1.0)
        bound = math.log(top) * (1 + 2.0**-50)
        return Computed((0.0, math.sqrt(square / 2), -bound, bound), ("chrono",), 1500 * site.elements, make, True)


class StepBias(Scheme):
    """Mamba's dt bias: after softplus, steps between `shortest` and `longest`, uniform in their logarithm.

    Those below `floor` are put there.
    """

    family = "step_bias"
    formula = "softplus⁻¹(max(floor, exp U[ln shortest, ln longest]))"
    references = ("Gu and Dao 2023 (Mamba)",)
    shortest: Annotated[Positive, Field(ge=1e-9, le=100.0)] = Field(0.001, description="Shortest step.")
    longest: Annotated[Positive, Field(ge=1e-9, le=100.0)] = Field(0.1, description="Longest step; more than shortest.")
    # Left out where it does nothing: so what was said before there was one is said as it was.
    floor: Annotated[Number, Field(ge=0.0, le=100.0)] = Field(
        0.0, exclude_if=lambda floor: floor == 0.0, description="Shorter steps are put here."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        in_order(self.shortest, self.longest, "shortest and longest")
        return self

    def realise(self, site: Site) -> Distribution:
        ends = log(np.array([self.shortest, self.longest]))

        def bias(u: Doubles) -> Doubles:
            step = np.maximum(exp(ends[0] + u * (ends[1] - ends[0])), self.floor)
            return step + log(1.0 - exp(-step))  # the inverse of softplus

        grid = bias((np.arange(512) + 0.5) / 512)  # moments by the midpoint rule
        low, high = (float(end) for end in bias(np.array([0.0, 1.0])))
        moments = float(grid.mean()), float(grid.std()), low, high
        work = 5000 * site.elements  # two exponentials and a logarithm each
        return Computed(moments, ("step_bias",), work, lambda chance: bias(chance.uniforms(site.elements)), True)


class PriorBias(Scheme):
    """The bias at which a sigmoid answers with a given probability: for rare classes, at the output."""

    family = "prior_bias"
    formula = "−ln((1 − prior) / prior)"
    references = ("Lin et al. 2017",)
    prior: Annotated[float, Field(gt=0.0, lt=1.0)] = Field(0.01, description="Probability before anything is learnt.")

    def realise(self, site: Site) -> Distribution:
        odds = PRECISE.divide(Decimal(1) - Decimal(self.prior), Decimal(self.prior))
        return Constant(float(-PRECISE.ln(odds)))
