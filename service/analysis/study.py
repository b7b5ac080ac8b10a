"""A network studied: forward and back, the first steps, and what theory expects; a verdict for every layer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from service import stopping
from service.analysis.by_design import alike_by_design
from service.analysis.diagnosable import drawn_shapes, standard_normal
from service.analysis.distributions import Distribution, distribution_of
from service.analysis.first_step import is_settled, take_steps
from service.analysis.forecast import Forecast, forecast
from service.analysis.looks import look
from service.analysis.magnitudes import gradient_of
from service.analysis.matrices import Matrix
from service.analysis.network import Batches, Network, Stage, activation_of
from service.analysis.observations import Observations, observe
from service.analysis.propagation import Backward, Forward, measure
from service.analysis.reach import is_last, shown_at, trunk
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
from service.networks.layers.structure import Add, Concatenate
from service.specs.spec import Spec


@dataclass(frozen=True)
class Findings:
    """What came of a study, by measurement or by theory alone; along `path` sizes are kept, or drift."""

    names: list[str]
    judgements: list[Judgement]
    judged_by: list[Factors]
    measured: list[tuple[Forward, Backward, Matrix | None]] | None
    expected: list[Forecast | None]
    path: list[int]
    observed: Observations | None = None
    distributions: list[tuple[Distribution | None, Distribution | None]] | None = None  # of outputs, of gradients

    @property
    def verdict(self) -> Verdict:
        return worst(self.judgements)


def study(spec: Spec, inputs: Batches, seed: int, most_operations: int, distributions: bool = False) -> Findings:
    """Return what a spec comes to with these inputs, distributions where they are asked for.

    Raises InitserveError for what cannot be run.
    """
    network = Network(spec, most_operations)
    with np.errstate(all="ignore"):  # what overflows is told as such
        rms = inputs_rms(inputs)
        stages = network.run(inputs)
        gradient = standard_normal(stages[-1].out.value.shape, seed, "gradient")
        measured = measure(stages, gradient)
        first = look(network, stages, rms)
        observed = observe(network, stages, inputs)
        spread = [both_of(stage) for stage in stages] if distributions else None
        del stages  # what a pass keeps is given back before the next one
        looks = [] if is_settled([first]) else take_steps(network, inputs, gradient, rms)
        expected = forecast(network, {name: batch.shape for name, batch in inputs.items()}, inputs, rms)
    own = [measured[number][0] for number in network.weighted]
    sizes = sizes_of([one.rms for one in own], open_places(network), reference_of(network, rms))
    prospects = prospects_of(first, looks, answers_of(network, measured[-1][0].rms / reference_of(network, rms)))
    activations = [activation_of(network.graph.places[at]) for at in shown(network)]
    seen = [activated(one, measured[at][0]) for one, at in zip(own, shown(network), strict=True)]
    judgements = judge_all(seen, prospects, activations, alike_by_design(network))
    by = [Factors(size, seen.slope) for size, seen in zip(sizes, first, strict=True)]
    return replace(found(network, judgements, by, measured, expected), observed=observed, distributions=spread)


def both_of(stage: Stage) -> tuple[Distribution | None, Distribution | None]:
    """Return how a layer's outputs are distributed, and the gradient there."""
    stopping.give_way()
    return distribution_of(stage.out.value), distribution_of(gradient_of(stage.out))


def study_forecast(spec: Spec, most_operations: int) -> Findings:
    """Return what theory says of a spec, without a number drawn."""
    network = Network(spec, most_operations)
    expected = forecast(network, drawn_shapes(spec, 1), {})
    own = [expected[number] for number in network.weighted]
    rms = [1.0 if one is None else one.rms for one in own]
    sizes = sizes_of(rms, open_places(network), 1.0)
    slopes = [1.0 if one is None or one.slope is None else one.slope for one in own]
    by = [Factors(size, slope) for size, slope in zip(sizes, slopes, strict=True)]
    answers = 1.0 if expected[-1] is None else expected[-1].rms
    judgements = judge_forecasts(own, answers_of(network, answers), alike_by_design(network))
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
    return Findings(names, every, factors, measured, expected, path_of(network))


def path_of(network: Network) -> list[int]:
    """Return the layers with weights, and the sums, that all ways pass; before a norm any size will do."""
    return [
        number
        for number in trunk(network.graph)
        if not network.before_norms[number]
        and (number in network.weighted or isinstance(network.graph.places[number].layer, Add | Concatenate))
    ]


NO_WEIGHTS = Judgement("normal", "no-weights", "it has no weights of its own")


def inputs_rms(inputs: Batches) -> float:
    """Return the rms of all inputs that are no tokens; 1 where there is none."""
    values = [batch for batch in inputs.values() if batch.dtype.kind == "f"]
    return float(np.sqrt(np.mean(np.concatenate([(batch * batch).ravel() for batch in values])))) if values else 1.0


def reference_of(network: Network, rms: float) -> float:
    """Return what sizes of outputs are told in: the inputs' rms, 1 where a norm sets the size."""
    return rms if rms > 0.0 and not network.is_normed else 1.0


def answers_of(network: Network, size: float) -> list[float | None]:
    """Return the size of the network's outputs for its last layers, None for others."""
    return [size if is_last(network.graph, number) else None for number in network.weighted]


def shown(network: Network) -> list[int]:
    """Return for each layer with weights the place whose activation follows these."""
    return [shown_at(network.graph, number) for number in network.weighted]


def activated(own: Forward, after: Forward) -> Forward:
    """Return what a layer gives, with the shares that its activation shows."""
    return replace(own, saturated=after.saturated, dead=after.dead)


def open_places(network: Network) -> list[bool]:
    return [not network.before_norms[number] for number in network.weighted]
