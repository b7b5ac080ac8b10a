"""Does a network start well? The answer: measured beside what theory says, a verdict, and a remedy."""

from collections.abc import Mapping
from itertools import chain
from typing import Any

from service.analysis.across.check import Family
from service.analysis.across.family import members_of
from service.analysis.answers import finite, observed
from service.analysis.diagnosable import EXTRA, DiagnoseRequest, batch_shapes, batches_of
from service.analysis.distributions import BYTES_OF_LAYER, PER_COUNTED
from service.analysis.first_step import HIGH, LOW
from service.analysis.network import Batches, Network, activation_of, check_rules
from service.analysis.remedies import candidates, measured_candidates, remedy, with_fewer_rules
from service.analysis.sizes import IN_ALL, PER_FORECAST, SMALLER
from service.analysis.steps.asked import held_by_steps
from service.analysis.steps.first_steps import FirstSteps
from service.analysis.study import Findings, study, study_forecast
from service.analysis.tuning import tune
from service.analysis.verdicts import Summary, summary
from service.errors import TooLarge
from service.once import once
from service.specs.spec import Spec
from service.stream.views import Shape

COMFORT = 2**37  # multiplications that take as long: of a study of as many examples as nobody stated, some seconds
FEWEST = 8  # examples that are drawn, unless so many are too much to run
LEAST = 2  # which differ from each other
MOST_REMEDIES = 10  # that there are to be tried
PER_DISTRIBUTION = 40_000_000  # multiplications, of a layer whose numbers are counted, whatever its size


class Diagnosis:
    """A request on its way to an answer; raises InitserveError for what cannot be run."""

    def __init__(self, request: DiagnoseRequest, most_operations: int) -> None:
        self.request = request
        self.most_operations = most_operations
        self.plan = request.plan()
        self.seed = self.plan.seed
        self.document = self.written_out()
        self.spec = Spec.model_validate(self.document)

    def written_out(self) -> dict[str, Any]:
        """Return the spec as layers, a recipe's with their structure."""
        document = {key: value for key, value in self.plan.written_out().items() if key not in EXTRA}
        if self.request.recipe is not None and "layers" in document:
            network = self.request.network
            document |= {"layers": [*network.layers], "input_shape": dict(network.input_shape)}
        return document

    @once
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the batches: as given, or as many examples as are drawn."""
        check_rules(self.spec.graph)  # what does not run has no shape to draw a batch by
        shapes = batch_shapes(self.request, self.spec)
        if self.request.inputs is None and self.request.batch is None:
            shapes = self._comfortable(shapes)
        return shapes

    @once
    def inputs(self) -> Batches:
        return batches_of(self.request, self.spec, self.seed, self.shapes)

    @property
    def memory(self) -> int:
        """How many bytes it holds at the most; raises InitserveError for what is too much, before a number is drawn."""
        if self.request.forecast_only:
            return 0
        held = self._held(Network(self.spec, self.most_operations), self.shapes, self.request.steps is not None)
        if self.family is None:
            return held
        shapes = {name: batch.shape for name, batch in self.family.inputs.items()}
        return max(held, *(self._held(member.network, shapes, True) for member in self.family.members))

    def _held(self, network: Network, shapes: Mapping[str, Shape], steps: bool) -> int:
        beside = held_by_steps(network, shapes, self.request.optimizer) if steps else 0
        told = BYTES_OF_LAYER * len(network.graph.places) if self.request.distributions else 0
        return network.memory(shapes) + beside + told

    def _comfortable(self, shapes: dict[str, Shape]) -> dict[str, Shape]:
        """Return shapes of fewer examples, where so many as are usual would take long; eight are enough to judge by.

        Where eight are too much at all, as many as may be, down to two.
        """
        network = Network(self.spec, self.most_operations)
        examples = min(shape[0] for shape in shapes.values())
        while examples > LEAST and not costs_at_most(network, shapes, COMFORT if examples > FEWEST else None):
            examples //= 2
            shapes = {name: (examples, *shape[1:]) for name, shape in shapes.items()}
        return shapes

    @once
    def price(self) -> int:
        """Return what it costs but for remedies, in multiplications that take as long, of shapes alone."""
        network = Network(self.spec, self.most_operations)
        places = len(network.graph.places)
        if self.request.forecast_only:
            return PER_FORECAST * places
        shapes = self.shapes
        step = network.price_of_step(shapes)
        price = network.price(shapes) + ((self.request.steps or -1) + 1) * step
        if self.request.tune is not None:
            price += step
        if self.request.distributions:
            price += PER_COUNTED * network.cost(shapes).kept + PER_DISTRIBUTION * places
        if self.family is not None:
            few = {name: batch.shape for name, batch in self.family.inputs.items()}
            price += sum(2 * member.network.price_of_step(few) for member in self.family.members)
        return price

    @property
    def price_of_remedies(self) -> int:
        """What all remedies may cost that are tried where a network starts badly."""
        return min(self.affordable, MOST_REMEDIES) * self._price_of_remedy

    @once
    def _price_of_remedy(self) -> int:
        """Return what one costs: it is studied, and may be measured before that."""
        network = Network(self.spec, self.most_operations)
        if self.request.forecast_only:
            return PER_FORECAST * len(network.graph.places)
        return network.price(self.shapes) + network.price_of_step(self.shapes)

    def check_price(self) -> None:
        """Raise TooLarge for what costs too much in all, before a number is drawn."""
        most = IN_ALL * self.most_operations
        if self.price > most:
            detail = f"this diagnosis costs as much as {self.price:,} multiplications; at most {most:,} are allowed"
            raise TooLarge(f"{detail}: {SMALLER}, or less asked of it")

    def study(self, spec: Spec, distributions: bool = False) -> Findings:
        """Return what a spec comes to with the inputs of this request."""
        if self.request.forecast_only:
            return study_forecast(spec, self.most_operations)
        return study(spec, self.inputs, self.seed, self.most_operations, distributions)

    def remedy(self, found: Findings) -> dict[str, Any] | None:
        """Return a spec near this one whose verdict is normal, None where none of those tried has one."""
        likely = candidates(self.plan, self.document, found)
        if self.request.recipe is not None:
            likely = chain(with_fewer_rules(self._named()), likely)
        if found.measured is not None:
            likely = chain(likely, measured_candidates(self.document, self.inputs, self.most_operations))
        return remedy(likely, self.study, self.affordable)

    def _named(self) -> dict[str, Any]:
        """Return the request as it names a recipe, with the seed of this answer."""
        document = self.request.model_dump(mode="json", exclude_unset=True, exclude={"layers", *EXTRA})
        for rule in document.get("rules", ()):
            rule |= {} if rule.get("seed") is None else {"seed": str(rule["seed"])}
        return document | {"algorithm": self.plan.algorithm, "seed": str(self.seed)}

    @property
    def affordable(self) -> int:
        """How many remedies may be tried, of what is left of all that a diagnosis may cost."""
        return max(0, IN_ALL * self.most_operations - self.price) // self._price_of_remedy

    def answer(self) -> dict[str, Any]:
        """Return the answer of POST /diagnose."""
        steps, family = self._steps(), self.family
        self.request.check_distributions()
        self.check_price()
        found = self.study(self.spec, self.request.distributions)
        told = self._summary(found)
        tuned = None
        if self.request.tune is not None:
            tuned = tune(self.document, self.request.tune, self.inputs, self.most_operations)
        return {
            "algorithm": self.plan.algorithm,
            "seed": str(self.seed),
            "verdict": found.verdict,
            "code": told.code,
            "summary": told.text,
            "inputs": self._inputs(),
            "zone": {"low": LOW, "high": HIGH},
            "layers": [self._layer(found, index) for index in range(len(found.names))],
            **observed(found.observed, found.judgements),
            "across": None if family is None else finite(family.answer()),
            "steps": None if steps is None else finite(steps.take()),
            "try": None if found.verdict == "normal" else self.remedy(found),
            "tuned": tuned,
        }

    def _steps(self) -> FirstSteps | None:
        """Return the steps that are asked for, refused before anything is drawn where they cannot be taken."""
        self.request.check_steps(self.request.forecast_only, self.request.across is not None)
        if self.request.steps is None:
            return None
        return FirstSteps(self.spec, self.request, self.request.steps, self.inputs, self.seed, self.most_operations)

    @once
    def family(self) -> Family | None:
        """The network in the sizes that are asked for; refused before weights are drawn where it cannot be."""
        if self.request.across is None:
            return None
        stated = self.request.model_dump(mode="json", exclude_unset=True, exclude={*EXTRA})
        if self.request.recipe is not None:
            stated = {key: value for key, value in stated.items() if key != "layers"}
        stated["seed"] = str(self.seed)
        shapes = {name: batch.shape for name, batch in self.inputs.items()}
        specs = members_of(self.request.across, stated, self.spec, shapes, self.most_operations)
        return Family(self.request.across, self.request, specs, self.inputs, self.seed, self.most_operations)

    def _inputs(self) -> dict[str, Any]:
        if self.request.forecast_only:
            return {"kind": "none", "shape": []}
        first = next(iter(self.inputs.values()))
        drawn = "standard normal" if first.dtype.kind == "f" else "tokens"
        return {"kind": drawn if self.request.inputs is None else "given", "shape": list(first.shape)}

    def _summary(self, found: Findings) -> Summary:
        if found.measured is not None:
            outputs = [found.measured[index][0].rms for index in found.path]
            gradients: list[float | None] = [found.measured[index][1].rms for index in found.path]
            return summary(found.names, found.judgements, outputs, gradients)
        known = [one for one in (found.expected[index] for index in found.path) if one is not None]
        told = summary(found.names, found.judgements, [one.rms for one in known], [one.backward for one in known])
        unknown = found.expected.count(None)
        beyond = f" Theory has nothing to say of {unknown} of the {len(found.names)} layers." if unknown else ""
        return Summary(told.code, told.text + beyond)

    def _layer(self, found: Findings, index: int) -> dict[str, Any]:
        place, judgement = self.spec.graph.places[index], found.judgements[index]
        forward, backward, matrix = (None, None, None) if found.measured is None else found.measured[index]
        return {
            "name": place.name,
            "type": place.layer.type,
            "activation": activation_of(place),
            "inputs": self.spec.graph.names_taken(place),
            "input": None if found.observed is None else finite(found.observed.norms.get(index)),
            "verdict": judgement.verdict,
            "also": list(judgement.also),
            "code": judgement.code,
            "reason": judgement.reason,
            "judged_by": finite(found.judged_by[index]) if place.has_weights else None,
            "forward": with_distribution(found, index, 0, finite(forward)),
            "backward": with_distribution(found, index, 1, finite(backward)),
            "matrix": finite(matrix),
            "forecast": finite(found.expected[index]),
        }


def with_distribution(found: Findings, index: int, way: int, measured: Any) -> Any:
    """Return what is told of a layer's outputs (way 0) or of the gradient there, with its distribution if asked for."""
    if found.distributions is None:
        return measured
    return measured | {"distribution": finite(found.distributions[index][way])}


def costs_at_most(network: Network, shapes: dict[str, Shape], most: int | None) -> bool:
    """Whether a study with batches of these shapes costs no more than that, or (None) may be made at all."""
    try:
        price = network.price(shapes)
        return most is None or price <= most
    except TooLarge:
        return False
