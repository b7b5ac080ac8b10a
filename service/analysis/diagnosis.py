"""Does a network start well? Forward and back through the stack, beside what theory says; a verdict, and a remedy."""

from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from math import isfinite, prod
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field, ValidationError

from service.analysis.forecast import STANDARD, Forecast, forecast, like, sources_of
from service.analysis.network import Network, Stage, default_shape
from service.analysis.propagation import Backward, Forward, Matrix, correlation_of, measure
from service.analysis.tape import Array
from service.analysis.tuning import Tuning, tune
from service.analysis.verdicts import (
    HIGH,
    LOW,
    MOST_DEAD,
    WAITING,
    Factors,
    Judgement,
    Verdict,
    factors,
    judge,
    judge_forecast,
    summary,
    worst,
)
from service.errors import InitserveError, InvalidSpec
from service.networks.activations import ACTIVATIONS
from service.networks.layers.embedding import Embedding
from service.networks.layers.normalization import BatchNorm, GroupNorm, LayerNorm, RmsNorm
from service.networks.schemes.tables import load_npy, read_npy
from service.specs.spec import Spec
from service.stream.distributions import Constant, Normal, filled
from service.stream.kernels import fill_words
from service.stream.streams import stream_of

Batch: TypeAlias = NDArray[Any]  # float64; int64 where it is tokens
NORMS = (BatchNorm, GroupNorm, LayerNorm, RmsNorm)
SCHEMES = ("scheme", "recurrent_scheme", "pointwise_scheme", "output_scheme")
EXTRA = ("inputs", "batch", "forecast_only", "tune")  # of the request, beside what a spec has


class DiagnoseRequest(Spec):
    """A network to diagnose: a spec as in /init, and what to send through it."""

    inputs: Annotated[str, Field(max_length=2**24), AfterValidator(read_npy)] | None = Field(
        None, description="A batch as a .npy file in base64, examples first; left out: standard normal ones."
    )
    batch: Annotated[int, Field(ge=2, le=1024)] | None = Field(
        None, description="Examples drawn where `inputs` is left out; 128, fewer for images, unless given."
    )
    forecast_only: bool = Field(False, description="What theory expects, without a number drawn.")
    tune: Literal["lsuv", "gains"] | None = Field(
        None, description="Also answer a spec whose gains give every layer outputs of variance 1 for these inputs."
    )


@dataclass(frozen=True)
class Findings:
    """What came of one pass, or of theory alone."""

    names: list[str]
    judgements: list[Judgement]
    judged_by: list[Factors]
    measured: list[tuple[Forward, Backward, Matrix | None]] | None
    expected: list[Forecast | None]

    @property
    def verdict(self) -> Verdict:
        return worst(self.judgements)


def standard_normal(shape: tuple[int, ...], seed: int, what: str) -> Array:
    """Return values of a stream that no parameter has: a layer's name has no spaces."""
    return filled(Normal(0.0, 1.0), stream_of(seed, f"diagnose {what}"), prod(shape)).reshape(shape)


class Diagnosis:
    """A request on its way to an answer; raises InitserveError for what cannot be run."""

    def __init__(self, request: DiagnoseRequest, most_operations: int) -> None:
        plan = request.plan()
        self.seed = plan.seed
        self.request = request
        self.most_operations = most_operations
        self.plan = plan
        self.document = {key: value for key, value in plan.canonical().items() if key not in EXTRA}
        self.spec = Spec.model_validate(self.document)

    @cached_property
    def inputs(self) -> Batch:
        """The batch: as given, or drawn; tokens before an embedding."""
        first = self.spec.layers[0]
        if self.request.inputs is not None:
            given = load_npy(self.request.inputs)
            if given.ndim < 2 and not isinstance(first, Embedding):
                raise InvalidSpec(f"a batch has two axes or more, examples first, not {list(given.shape)}", "/inputs")
            if not isinstance(first, Embedding) and not given.any():
                raise InvalidSpec("every input is 0: nothing can be seen of the network", "/inputs")
            return tokens(given, first.shape[0]) if isinstance(first, Embedding) else given
        shape = default_shape(self.spec, self.request.batch)
        if isinstance(first, Embedding):
            words = np.empty(int(np.prod(shape)), np.uint32)
            fill_words(stream_of(self.seed, "diagnose inputs").address(), np.zeros(1, np.uint64), words.size, words)
            return (words.astype(np.int64) % first.shape[0]).reshape(shape)
        return standard_normal(shape, self.seed, "inputs")

    @cached_property
    def magnitude(self) -> float:
        """The rms of the inputs; what an embedding gives is measured against 1."""
        if self.request.forecast_only or isinstance(self.spec.layers[0], Embedding):
            return 1.0
        return float(np.sqrt(np.mean(self.inputs * self.inputs)))

    def study(self, spec: Spec) -> Findings:
        """Return what a spec comes to with these inputs."""
        network = Network(spec, self.most_operations)
        planned = network.plan.layers
        names = [layer.name for layer in planned]
        norms = [isinstance(layer, NORMS) for layer in network.layers]
        if self.request.forecast_only:
            expected = forecast(network.layers, planned, STANDARD)
            rms = [1.0 if one is None else one.rms for one in expected]
            back = [1.0 if one is None or one.backward is None else one.backward for one in expected]
            by = factors(rms, back, norms, self.magnitude)
            judgements = [
                judge_forecast(one, by[index], is_constant(planned[index])) for index, one in enumerate(expected)
            ]
            return Findings(names, judgements, by, None, expected)
        with np.errstate(all="ignore"):  # what overflows is told as such
            stages: list[Stage] = list(network.run(self.inputs))
            signal = STANDARD
            if not isinstance(spec.layers[0], Embedding):
                signal = like(self.inputs, correlation_of(self.inputs) or 0.0)
            expected = forecast(network.layers, planned, signal)
            measured = measure(stages, standard_normal(stages[-1].out.value.shape, self.seed, "gradient"))
            rms, back = [one.rms for one, _, _ in measured], [one.rms for _, one, _ in measured]
            by = factors(rms, back, norms, self.magnitude)
        judgements = [
            judge(forward, backward, by[index], stages[index].layer.activation, index + 1 == len(stages))
            for index, (forward, backward, _) in enumerate(measured)
        ]
        if waits_a_step(measured):
            judgements = [WAITING if one.verdict == "dead" else one for one in judgements]
        return Findings(names, judgements, by, measured, expected)

    def remedy(self, found: Findings) -> dict[str, Any] | None:
        """Return a spec near this one whose verdict is normal, None where none of those tried has one."""
        weights = sum(parameter.elements for parameter in self.plan.parameters)
        dear = 0 if found.measured is None else weights * len(self.inputs)
        for candidate in islice(self._candidates(found), max(2, self.most_operations // (3 * max(dear, 1)))):
            try:
                if self.study(Spec.model_validate(candidate)).verdict == "normal":
                    return candidate
            except (InitserveError, ValidationError):  # it cannot be made, or not even be said
                continue
        return None

    def _candidates(self, found: Findings) -> Iterator[dict[str, Any]]:
        """First what was warned of changes, then what earned a verdict, then all; at last gains are measured."""
        warned = {warning.pointer.split("/")[2] for warning in self.plan.warnings if "/layers/" in warning.pointer}
        judged = {str(index) for index, one in enumerate(found.judgements) if one.verdict != "normal"}
        for faulty in (warned, judged):
            some = deepcopy(self.document)
            some["layers"] = [
                recommended(layer) if str(index) in faulty else layer for index, layer in enumerate(some["layers"])
            ]
            yield some
        every = {key: value for key, value in deepcopy(self.document).items() if key not in ("rules", "defaults")}
        every["layers"] = [recommended(layer) for layer in every["layers"]]
        yield every
        if isinstance(self.spec.layers[0], Embedding):  # rows of length 1, where nothing after them sets a size
            every["layers"][0] |= {"scheme": {"name": "random_normal", "mean": 0.0, "stddev": 1.0}}
            yield every
        for layer in every["layers"]:
            layer |= {"gain": ACTIVATIONS[layer.get("activation", "linear")].gain}
        yield every
        if not self.request.forecast_only:
            kinds: tuple[Tuning, ...] = ("gains", "lsuv")
            for kind in kinds:
                with suppress(InitserveError, ValidationError):  # orthogonal weights may take too long, say
                    yield tune(every, kind, self.inputs, self.most_operations)

    def answer(self) -> dict[str, Any]:
        """Return the answer of POST /diagnose."""
        found = self.study(self.spec)
        request = self.request
        kind = "none" if request.forecast_only else "given" if request.inputs is not None else "standard normal"
        if kind == "standard normal" and isinstance(self.spec.layers[0], Embedding):
            kind = "tokens"
        return {
            "algorithm": self.plan.algorithm,
            "seed": str(self.seed),
            "verdict": found.verdict,
            "summary": self._summary(found),
            "inputs": {"kind": kind, "shape": [] if kind == "none" else list(self.inputs.shape)},
            "zone": {"low": LOW, "high": HIGH},
            "layers": [self._layer(found, index) for index in range(len(found.names))],
            "try": None if found.verdict == "normal" else self.remedy(found),
            "tuned": None
            if request.tune is None
            else tune(self.document, request.tune, self.inputs, self.most_operations),
        }

    def _summary(self, found: Findings) -> str:
        unknown = sum(one is None for one in found.expected) if found.measured is None else 0
        beyond = f" Theory has nothing to say of {unknown} of the {len(found.names)} layers." if unknown else ""
        return summary(found.names, found.judgements) + beyond

    def _layer(self, found: Findings, index: int) -> dict[str, Any]:
        planned, judgement = self.plan.layers[index], found.judgements[index]
        forward, backward, matrix = (None, None, None) if found.measured is None else found.measured[index]
        expected = found.expected[index]
        return {
            "name": planned.name,
            "type": planned.type,
            "activation": planned.activation,
            "verdict": judgement.verdict,
            "reason": judgement.reason,
            "judged_by": finite(found.judged_by[index]),
            "forward": finite(forward),
            "backward": finite(backward),
            "matrix": finite(matrix),
            "forecast": finite(expected),
        }


def waits_a_step(measured: list[tuple[Forward, Backward, Matrix | None]]) -> bool:
    """Whether only the last layer gives nothing, and its own weights have a gradient: a step, and all can move."""
    *before, (last, back, _) = measured
    alive = all(forward.rms > 0.0 and forward.dead <= MOST_DEAD for forward, _, _ in before)
    return bool(before) and alive and last.rms == 0.0 and bool(back.weights)


def tokens(given: Array, rows: int) -> Batch:
    if (given != np.floor(given)).any() or given.min() < 0 or given.max() >= rows:
        raise InvalidSpec(f"an embedding takes whole numbers from 0 to {rows - 1}", "/inputs")
    return given.astype(np.int64)


def recommended(layer: dict[str, Any]) -> dict[str, Any]:
    """Return a layer of a spec without schemes of its own; what has no bias still has none."""
    gone = {*SCHEMES, "gain", *(["bias"] if layer.get("bias") is not None else [])}
    return {key: value for key, value in layer.items() if key not in gone}


def is_constant(planned: Any) -> bool:
    source = next(iter(sources_of(planned).values()))
    return source.stated.role == "weights" and isinstance(source.distribution, Constant)


def finite(measured: Any) -> dict[str, Any] | None:
    """Return the numbers as JSON has them: null for what overflowed."""
    if measured is None:
        return None
    return {
        key: None if isinstance(value, float) and not isfinite(value) else value
        for key, value in asdict(measured).items()
    }
