"""Do the first steps go well? The loss, and what every layer gives, step by step; a verdict in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Literal, TypeAlias

import numpy as np

from service.analysis.magnitudes import gradient_of, rms_of
from service.analysis.steps.descent import Step
from service.analysis.tape import Array

Verdict: TypeAlias = Literal["steady", "explodes", "stands still"]
# A loss so many times that of the start is on its way up: oscillations at the edge of stability stay below (Cohen et
# al. 2021), and what diverges passes it within a few steps.
RISEN = 3.0
GROWN = 30.0  # outputs so many times as large as any layer's at the start are an explosion, whatever the loss
FLOOR, TINY = 0.1, 1e-300  # of what is usual at the start: what is less than that may grow by more
# Of what counts as a lot for the outputs (a logit of 1, a deviation of the targets): less is standing still.
STILL = 1e-3


@dataclass(frozen=True, slots=True)
class SteppedLayer:
    """What a step left of a layer: rms of its outputs and of the gradient there, and by how much its kernel changed."""

    name: str
    forward: float
    backward: float
    update: float | None


@dataclass(frozen=True, slots=True)
class Seen:
    """A step as it is told. `moved` is by how much outputs have changed since the start, beyond what all share."""

    step: int
    loss: float
    gradient_norm: float
    moved: float
    layers: list[SteppedLayer]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Whether steps go well: from which step on not, and by which layer."""

    verdict: Verdict
    at: int | None
    layer: str | None
    summary: str


def watch(steps: Iterable[Step], unit: float) -> list[Seen]:
    """Go through steps and return what they did, up to the first at which numbers overflow.

    `unit` is how much is a lot for an output.
    """
    found: list[Seen] = []
    start: Array | None = None
    for step in steps:
        with np.errstate(all="ignore"):
            away = apart(step.outputs)
            start = away if start is None else start
            found.append(Seen(step.number, step.loss, step.gradient_norm, rms_of(away - start) / unit, layers_of(step)))
        if not (isfinite(step.loss) and isfinite(step.gradient_norm)):
            break
    return found


def apart(outputs: Array) -> Array:
    """Return what tells outputs apart: each row about the mean of all; as they are where there is one alone."""
    rows = outputs.reshape(-1, outputs.shape[-1])
    return rows - rows.mean(axis=0) if len(rows) > 1 else rows.copy()


def layers_of(step: Step) -> list[SteppedLayer]:
    return [
        SteppedLayer(
            stage.place.name, rms_of(stage.out.value), rms_of(gradient_of(stage.out)), step.changes.get(number)
        )
        for number, stage in enumerate(step.stages)
    ]


def judge(seen: Sequence[Seen], unit: float = 1.0) -> Verdicts:
    """Say whether steps go well; `unit` is how much is a lot for an output."""
    start, last = seen[0], seen[-1]
    came_back = isfinite(last.loss) and last.loss <= start.loss
    risen = RISEN * max(start.loss, FLOOR * unit * unit)
    for one in seen:
        if overflows(one) or outgrown(one, start) or (one.loss > risen and not came_back):
            return explosion(one, start)
    if last.moved < STILL:
        held = next((layer.name for layer in last.layers if layer.update == 0.0), None)
        moved = f"after {count(last.step)} the outputs have changed by {last.moved:.1g} of what would count as much"
        return Verdicts("stands still", last.step, held, f"{moved}: the loss is {last.loss:.3g}, and stays there")
    top = max(seen, key=lambda one: one.loss)
    by_way = f", by way of {top.loss:.3g} after {count(top.step)}," if top.loss > risen else ""
    goes = f"the loss goes from {start.loss:.3g} to {last.loss:.3g}{by_way} in {count(last.step)}"
    return Verdicts("steady", None, None, f"{goes}, and no layer's outputs grow out of hand")


def overflows(one: Seen) -> bool:
    return not (isfinite(one.loss) and isfinite(one.gradient_norm))


def outgrown(one: Seen, start: Seen) -> bool:
    """Whether a layer gives by far more than any layer gave at the start, or than its targets are away from there."""
    most = max(1.0, start.loss**0.5, *(layer.forward for layer in start.layers))
    return one.step > 0 and not all(layer.forward <= GROWN * most for layer in one.layers)


def explosion(one: Seen, start: Seen) -> Verdicts:
    """Return the verdict, with the first layer whose outputs grew by half the logarithm of the greatest growth."""
    # What was next to nothing at the start, as a zero-initialised layer's outputs, may grow by any factor.
    least = FLOOR * max((layer.forward for layer in start.layers if isfinite(layer.forward)), default=1.0)
    grown = [
        now.forward / max(before.forward, least, TINY) if isfinite(now.forward) else inf
        for now, before in zip(one.layers, start.layers, strict=True)
    ]
    greatest = max(grown)
    enough = inf if greatest == inf else greatest**0.5
    first = next((number for number, each in enumerate(grown) if each >= enough and each > 1.0), None)
    layer = None if first is None else one.layers[first].name
    loss = f"a loss of {one.loss:.3g}" if isfinite(one.loss) else "a loss beyond all numbers"
    if one.step == 0:
        return Verdicts("explodes", 0, layer, f"numbers overflow before the first step: {loss}")
    times = "" if first is None else f"; outputs of {layer} are {told(grown[first])} those at the start"
    return Verdicts("explodes", one.step, layer, f"{loss} after {count(one.step)}, from {start.loss:.3g}{times}")


def told(times: float) -> str:
    return f"{times:.3g} times" if isfinite(times) else "beyond all numbers, beside"


def count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"
