"""A stack studied: forward and back, the first steps, and what theory expects; a verdict for every layer."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from service.analysis.diagnosable import Batch, standard_normal
from service.analysis.first_step import is_settled, look, take_steps
from service.analysis.forecast import STANDARD, Forecast, forecast, like
from service.analysis.layers import NORMS, last_norm_of, sources_of
from service.analysis.matrices import Matrix
from service.analysis.network import Network, Stage
from service.analysis.outputs import correlation_of
from service.analysis.propagation import Backward, Forward, measure
from service.analysis.verdicts import (
    Factors,
    Judgement,
    Verdict,
    judge_all,
    judge_forecasts,
    prospects_of,
    sizes_of,
    worst,
)
from service.networks.layers.embedding import Embedding
from service.networks.plan import PlannedLayer
from service.specs.spec import Spec
from service.stream.distributions import Constant


@dataclass(frozen=True)
class Findings:
    """What came of a study, by measurement or by theory alone."""

    names: list[str]
    judgements: list[Judgement]
    judged_by: list[Factors]
    measured: list[tuple[Forward, Backward, Matrix | None]] | None
    expected: list[Forecast | None]

    @property
    def verdict(self) -> Verdict:
        return worst(self.judgements)


def study(spec: Spec, inputs: Batch, seed: int, most_operations: int) -> Findings:
    """Return what a spec comes to with these inputs; raises InitserveError for what cannot be run."""
    network = Network(spec, most_operations)
    inputs_rms = 1.0 if isinstance(spec.layers[0], Embedding) else float(np.sqrt(np.mean(inputs * inputs)))
    with np.errstate(all="ignore"):  # what overflows is told as such
        stages: list[Stage] = list(network.run(inputs))
        gradient = standard_normal(stages[-1].out.value.shape, seed, "gradient")
        measured = measure(stages, gradient)
        first = look(stages, inputs_rms)
        activations = [stage.layer.activation for stage in stages]
        del stages  # what a pass keeps is given back before the next one
        looks = [] if is_settled([first]) else take_steps(network, inputs, gradient, inputs_rms)
        signal = STANDARD
        if not isinstance(spec.layers[0], Embedding):
            signal = like(inputs, correlation_of(inputs) or 0.0)
        expected = forecast(network.layers, network.plan.layers, signal, inputs_rms)
    forwards = [forward for forward, _, _ in measured]
    sizes = sizes_of([one.rms for one in forwards], last_norm_of(network.layers), inputs_rms)
    judgements = judge_all(forwards, prospects_of(first, looks), sizes, activations, alike_by_design(network))
    by = [Factors(size, seen.slope) for size, seen in zip(sizes, first, strict=True)]
    return Findings(names_of(network), judgements, by, measured, expected)


def study_forecast(spec: Spec, most_operations: int) -> Findings:
    """Return what theory says of a spec, without a number drawn."""
    network = Network(spec, most_operations)
    expected = forecast(network.layers, network.plan.layers, STANDARD)
    rms = [1.0 if one is None else one.rms for one in expected]
    sizes = sizes_of(rms, last_norm_of(network.layers), 1.0)
    slopes = [1.0 if one is None or one.slope is None else one.slope for one in expected]
    by = [Factors(size, slope) for size, slope in zip(sizes, slopes, strict=True)]
    judgements = judge_forecasts(expected, sizes, alike_by_design(network))
    return Findings(names_of(network), judgements, by, None, expected)


def names_of(network: Network) -> list[str]:
    return [layer.name for layer in network.plan.layers]


def alike_by_design(network: Network) -> list[bool]:
    """Return which layers have one constant before their units, and another behind them: no step tells those apart.

    Norms treat every unit alike, unless their scale and shift are drawn. The last layer has nothing behind it.
    """
    constant = [is_constant(layer) for layer in network.plan.layers]
    found = [*[False] * (len(constant) - 1), constant[-1]]
    weighted = [index for index, layer in enumerate(network.layers) if not isinstance(layer, NORMS)]
    for one, after in pairwise(weighted):
        if all(constant[one : after + 1]):
            found[one:after] = [True] * (after - one)
    return found


def is_constant(planned: PlannedLayer) -> bool:
    """Whether each of a layer's parameters holds one value throughout."""
    return all(isinstance(source.distribution, Constant) for source in sources_of(planned).values())
