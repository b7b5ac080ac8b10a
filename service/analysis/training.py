"""Trains a network on a task, from several starts side by side, and says which of them learnt."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from math import ceil, isfinite
from typing import Any, Literal

import numpy as np

from service import stopping
from service.analysis.descent import DenseStack, chosen
from service.analysis.graph_learner import GraphLearner
from service.analysis.learner import Learner, Outcome, judge
from service.analysis.tasks import TASKS, Task
from service.analysis.trainable import MOST_OPERATIONS, TrainRequest, check, operations, schemes_of, under
from service.analysis.trainable_graph import example_shape, is_stack, network_of
from service.analysis.watching import examples, is_watched, look_at
from service.networks.layers.layer import LARGEST_EXACT, LARGEST_SEED
from service.networks.schemes import PRESETS, AnyScheme
from service.specs.spec import Spec

MOST_ENTRIES = 200  # of a curve
PACE = 2**28  # multiplications between two events: some twenty milliseconds
AS_IN_THE_SPEC = "as in the spec"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened: `examples` of a training that is watched, `progress` at a step, a finished `run`, the `end`."""

    name: Literal["examples", "progress", "run", "end"]
    data: dict[str, Any]


class Run:
    """One training from one start."""

    def __init__(self, request: TrainRequest, number: int, scheme: AnyScheme | None, seed: int) -> None:
        self.request, self.number, self.seed = request, number, seed
        self.task = TASKS[request.task]
        self.spec = under(request, scheme).model_copy(update={"seed": seed})
        self.about = {"scheme": called(scheme), "seed": str(seed)}
        self.every = ceil(request.steps / MOST_ENTRIES)
        self.learner: Learner | None = None  # made when it begins, so that waiting runs hold none
        self.loss: list[float] = []
        self.gradient_norm: list[float] = []
        self.began = 0.0

    def events(self) -> Iterator[Event]:
        """Train; at least every `PACE` multiplications there is an event, so that others get their turn."""
        pace = max(1, PACE // operations(self.request))
        self.learner = learner = learner_of(self.spec, self.task)
        for step in range(self.request.steps):
            stopping.give_way()
            loss, norm = self._look(learner, step)
            if not (isfinite(loss) and isfinite(norm)):
                what = "gradient" if isfinite(loss) else "loss"
                yield self._finished(Outcome(None, None, False, f"the {what} overflowed at step {step}"))
                return
            recorded = step % self.every == 0
            if recorded:
                self.loss.append(loss)
                self.gradient_norm.append(norm)
            watched = self.request.watch and is_watched(step, self.request.steps)
            seen = look_at(learner, self.task) if watched else {}
            if watched or recorded or step % pace == 0:
                now = {"step": step, "loss": loss, "gradient_norm": norm}
                yield Event("progress", {"run": self.number, **self.about, **now, **seen})
            with np.errstate(all="ignore"):
                learner.step(self.request.learning_rate)
        yield self._finished(judge(learner, self.task, self.began))

    def _look(self, learner: Learner, step: int) -> tuple[float, float]:
        inputs, targets = self.task.data()
        if self.request.batch:
            rows = chosen(self.seed, step, self.request.batch, len(inputs))
            inputs, targets = inputs[rows], targets[rows]
        with np.errstate(all="ignore"):  # what overflows is told as such
            found = learner.look(inputs, targets)
            if step == 0:
                self.began = found.first
            return found.loss, found.norm

    def _finished(self, outcome: Outcome) -> Event:
        curves = {"every": self.every, "loss": self.loss, "gradient_norm": self.gradient_norm}
        return Event("run", {**self.about, **curves, **asdict(outcome)})


def learner_of(spec: Spec, task: Task) -> Learner:
    """Return a network with the weights that /init returns, ready to be trained on a task."""
    if is_stack(spec):
        return DenseStack(spec, task)
    return GraphLearner(network_of(spec), task, example_shape(spec, task))


def called(scheme: AnyScheme | None) -> str:
    """Return a scheme's name, with those of its parameters that are not the name's own."""
    if scheme is None:
        return AS_IN_THE_SPEC
    usual = PRESETS[scheme.name].model_dump() if scheme.name in PRESETS else {}
    own = [(key, value) for key, value in scheme.model_dump().items() if key in usual and usual[key] != value]
    shown = ", ".join(f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in own)
    return f"{scheme.name}({shown})" if shown else scheme.name


def train(request: TrainRequest, most_operations: int = MOST_OPERATIONS) -> Iterator[Event]:
    """Return what happens as it happens; raises InitserveError at once for what cannot be trained."""
    check(request, most_operations)
    seed = secrets.randbelow(LARGEST_EXACT + 1) if request.seed is None else request.seed
    starts = [
        (scheme, seed + restart if seed + restart <= LARGEST_SEED else seed + restart - (LARGEST_SEED + 1))
        for scheme in schemes_of(request)
        for restart in range(request.restarts)
    ]

    def events() -> Iterator[Event]:
        if request.watch:
            yield Event("examples", examples(TASKS[request.task]))
        for number, (scheme, of_run) in enumerate(starts):
            yield from Run(request, number, scheme, of_run).events()
        yield Event("end", {})

    return events()


def answer(request: TrainRequest, events: Iterable[Event]) -> dict[str, Any]:
    """Gather what happened into the JSON answer."""
    return {"task": request.task, "runs": [event.data for event in events if event.name == "run"]}
