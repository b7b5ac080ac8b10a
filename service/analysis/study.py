"""A stack studied: forward and back, the first steps, and what theory expects; a verdict for every layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.diagnosable import drawn_shapes, standard_normal
from service.analysis.first_step import is_settled, look, take_steps
from service.analysis.forecast import Forecast, forecast
from service.analysis.layers import sources_of
from service.analysis.matrices import Matrix
from service.analysis.network import Batches, Network, activation_of
from service.analysis.observations import Observations, observe
from service.analysis.propagation import Backward, Forward, measure
from service.analysis.reach import ahead, is_norm
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
    observed: Observations | None = None

    @property
    def verdict(self) -> Verdict:
        return worst(self.judgements)


def study(spec: Spec, inputs: Batches, seed: int, most_operations: int) -> Findings:
    """Return what a spec comes to with these inputs; raises InitserveError for what cannot be run."""
    network = Network(spec, most_operations)
    with np.errstate(all="ignore"):  # what overflows is told as such
        rms = inputs_rms(inputs)
        stages = network.run(inputs)
        gradient = standard_normal(stages[-1].out.value.shape, seed, "gradient")
        measured = measure(stages, gradient)
        first = look(network, stages, rms)
        observed = observe(network, stages, inputs)
        del stages  # what a pass keeps is given back before the next one
        looks = [] if is_settled([first]) else take_steps(network, inputs, gradient, rms)
        expected = forecast(network, {name: batch.shape for name, batch in inputs.items()}, inputs, rms)
    own = [measured[number][0] for number in network.weighted]
    sizes = sizes_of([one.rms for one in own], open_places(network), reference_of(network, rms))
    activations = [activation_of(network.graph.places[number]) for number in network.weighted]
    judgements = judge_all(own, prospects_of(first, looks), sizes, activations, alike_by_design(network))
    by = [Factors(size, seen.slope) for size, seen in zip(sizes, first, strict=True)]
    return replace(found(network, judgements, by, measured, expected), observed=observed)


def study_forecast(spec: Spec, most_operations: int) -> Findings:
    """Return what theory says of a spec, without a number drawn."""
    network = Network(spec, most_operations)
    expected = forecast(network, drawn_shapes(spec, 1), {})
    own = [expected[number] for number in network.weighted]
    rms = [1.0 if one is None else one.rms for one in own]
    sizes = sizes_of(rms, open_places(network), 1.0)
    slopes = [1.0 if one is None or one.slope is None else one.slope for one in own]
    by = [Factors(size, slope) for size, slope in zip(sizes, slopes, strict=True)]
    judgements = judge_forecasts(own, sizes, alike_by_design(network))
    return found(network, judgements, by, None, expected)


def found(
    network: Network,
    judgements: Sequence[Judgement],
    by: Sequence[Factors],
    measured: list[tuple[Forward, Backward, Matrix | None]] | None,
    expected: list[Forecast | None],
) -> Findings:
    """Return what is found of every place, given what is of those with weights."""
    names = [place.name for place in network.graph.places]
    every, factors = [NO_WEIGHTS] * len(names), [Factors(None, None)] * len(names)
    for number, judgement, one in zip(network.weighted, judgements, by, strict=True):
        every[number], factors[number] = judgement, one
    return Findings(names, every, factors, measured, expected)


NO_WEIGHTS = Judgement("normal", "no-weights", "it has no weights of its own")


def inputs_rms(inputs: Batches) -> float:
    """Return the rms of all inputs that are no tokens; 1 where there is none."""
    values = [batch for batch in inputs.values() if batch.dtype.kind == "f"]
    return float(np.sqrt(np.mean(np.concatenate([(batch * batch).ravel() for batch in values])))) if values else 1.0


def reference_of(network: Network, rms: float) -> float:
    """Return what sizes of outputs are told in: the inputs' rms, 1 where a norm sets the size."""
    return rms if rms > 0.0 and not network.is_normed else 1.0


def open_places(network: Network) -> list[bool]:
    return [not network.before_norms[number] for number in network.weighted]


def alike_by_design(network: Network) -> list[bool]:
    """Return which layers have one constant before their units, and another behind them: no step tells those apart.

    Norms treat every unit alike, unless their scale and shift are drawn. The last layer has nothing behind it.
    """
    places = network.graph.places
    constant = {
        number: is_constant(planned) for number, planned in enumerate(network.planned) if planned is not None
    }  # fmt: skip
    found = dict.fromkeys(network.weighted, False)
    for number in network.weighted:
        if is_norm(places[number]):
            continue
        next_ = ahead(network.graph, number)
        if not next_.weighted:
            found[number] = constant[number]
        elif all(constant.get(one, False) for one in (number, *next_.weighted, *next_.norms)):
            found |= dict.fromkeys((number, *next_.norms), True)
    return [found[number] for number in network.weighted]


def is_constant(planned: PlannedLayer) -> bool:
    """Whether each of a layer's parameters holds one value throughout."""
    return all(isinstance(source.distribution, Constant) for source in sources_of(planned).values())
