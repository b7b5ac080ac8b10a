"""How sizes of outputs, gradients and of the first update go with width or depth: µP's coordinate check.

A rate that suits one width suits another where what a step changes in each layer's outputs is of the same size in both
(Yang et al. 2022, appendix D.1). Each member of the family takes one step from the same inputs and targets, with µP's
rates where its kernels start as µP has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isfinite, log
from typing import Any, Literal

import numpy as np

from service.analysis.across.asked import Across
from service.analysis.across.rates import rates_of
from service.analysis.magnitudes import gradient_of, rms_of
from service.analysis.network import Batches, Network
from service.analysis.optimizers import OPTIMIZERS
from service.analysis.sizes import IN_ALL
from service.analysis.steps.asked import StepsRequest
from service.analysis.steps.descent import descend
from service.analysis.steps.first_steps import FirstSteps
from service.errors import TooLarge
from service.networks.layers.structure import Add
from service.specs.spec import Spec
from service.stream.views import Shape

# Of a batch. As many as a narrow layer has units push each other the way of what they share by chance, the more so the
# narrower it is: what keeps its size seems to shrink then.
EXAMPLES = 8
GROWS = 0.25  # exponents beyond which a size is said to grow or to shrink: half of the least that theory knows, 1/2
Verdict = Literal["flat", "growing", "shrinking"]
PARTS = ("forward", "backward", "update")


@dataclass(frozen=True, slots=True)
class Sized:
    """A layer in one member: rms of its outputs, of the gradient there, and of what the first step changes in them."""

    forward: float
    backward: float
    update: float


@dataclass(frozen=True, slots=True)
class Trend:
    """A layer across a family, and the exponents with which its sizes go, by least squares over logarithms."""

    name: str
    forward: list[float]
    backward: list[float]
    update: list[float]
    slope: dict[str, float | None]


class Family:
    """A network in several sizes, each of which can take a step; raises InitserveError for one that cannot be.

    What the family costs is known, and refused where it is too much, before any of its weights is drawn.
    """

    def __init__(
        self, across: Across, request: StepsRequest, specs: Sequence[Spec], inputs: Batches, seed: int, most: int
    ) -> None:
        networks = [Network(spec, most) for spec in specs]
        few = inputs if request.targets else affordable(networks, inputs)  # targets are one for each example
        self.across, self.request, self.inputs = across, request, few
        check_price(networks, shapes_of(few), across, most)
        self.members = [FirstSteps(spec, request, 1, few, seed, most) for spec in specs]

    def answer(self) -> dict[str, Any]:
        """Take the step in each size, and return how sizes go with it."""
        found = [self.sized(member) for member in self.members]
        trends = []
        for name, places in aligned([[*member] for member in found]):
            rows = [member[place] for member, place in zip(found, places, strict=True)]
            lines = {part: [getattr(row, part) for row in rows] for part in PARTS}
            slope = {part: exponent(self.across.sizes, line) for part, line in lines.items()}
            trends.append(Trend(name, lines["forward"], lines["backward"], lines["update"], slope))
        verdict = verdict_of(trends)
        rates = rates_of(self.members[-1].network, self.request.optimizer)
        return {
            "by": self.across.by,
            "sizes": self.across.sizes,
            "layers": [asdict(one) for one in trends],
            "verdict": verdict,
            "summary": summary(self.across, trends, verdict, steps_in_words(self.request, bool(rates))),
        }

    def sized(self, member: FirstSteps) -> dict[str, Sized]:
        """Take one step, and return the sizes of each layer with weights and of each sum."""
        network, optimizer = member.network, self.request.optimizer
        steps = descend(
            network,
            self.inputs,
            member.targets,
            member.loss,
            OPTIMIZERS[optimizer](),
            self.request.rate,
            1,
            rates_of(network, optimizer),
        )
        places = network.graph.places
        told = [one for one in range(len(places)) if one in network.weighted or isinstance(places[one].layer, Add)]
        with np.errstate(all="ignore"):  # what overflows is told as such
            start = next(steps)
            outs = {one: start.stages[one].out.value for one in told}
            backs = {one: rms_of(gradient_of(start.stages[one].out)) for one in told}
            after = next(steps)
            changes = {one: rms_of(after.stages[one].out.value - outs[one]) for one in told}
            return {places[one].name: Sized(rms_of(outs[one]), backs[one], changes[one]) for one in told}


def shapes_of(inputs: Batches) -> dict[str, Shape]:
    return {name: batch.shape for name, batch in inputs.items()}


def affordable(networks: Sequence[Network], inputs: Batches) -> Batches:
    """Return the first examples: so many as are enough, fewer where the largest member could not take them."""
    for examples in (EXAMPLES, EXAMPLES // 2, EXAMPLES // 4):
        few = {name: batch[:examples] for name, batch in inputs.items()}
        try:
            networks[-1].price(shapes_of(few))
        except TooLarge:
            continue
        return few
    return few


def check_price(networks: Sequence[Network], shapes: Mapping[str, Shape], across: Across, most: int) -> None:
    """Refuse a family that costs too much: each member goes there and back twice."""
    try:
        prices = [2 * network.price_of_step(shapes) for network in networks]
    except TooLarge as error:
        raise TooLarge(f"of this family a member is too large: {error.detail}", f"/across/{across.by}") from None
    allowed = IN_ALL * most
    if sum(prices) <= allowed:
        return
    kept = next(count for count in range(len(prices) - 1, -1, -1) if sum(prices[:count]) <= allowed)
    detail = f"the family costs as much as {sum(prices):,} multiplications; at most {allowed:,} are allowed"
    remedy: dict[str, Any] | None = {"across": {across.by: across.sizes[:kept]}} if kept > 1 else None
    raise TooLarge(f"{detail}: fewer or smaller sizes, or a smaller batch will do", f"/across/{across.by}", remedy)


def aligned(members: Sequence[Sequence[str]]) -> list[tuple[str, list[str]]]:
    """Return layers that all members have: by their number from the start, in the second half from the end."""
    fewest = min(members, key=len)
    found = []
    for number, name in enumerate(fewest):
        at = number if number < (len(fewest) + 1) // 2 else number - len(fewest)
        found.append((name, [member[at] for member in members]))
    return found


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float | None:
    """Return the exponent with which values go with sizes; None where one of them is 0 or has overflowed."""
    if not all(isfinite(value) and value > 0.0 for value in values):
        return None
    x, y = (np.array([log(each) for each in line]) for line in (sizes, values))
    x = x - x.mean()
    return float(x @ y / (x @ x))


def verdict_of(trends: Sequence[Trend]) -> Verdict:
    """Return whether outputs or updates grow with the size anywhere; else whether most updates shrink.

    One layer whose update shrinks is no fault: an output layer of µP hands on what changes before it, the less the
    wider it is, beside what changes in itself.
    """
    if any(grows(one) for one in trends):
        return "growing"
    known = [slope for one in trends if (slope := one.slope["update"]) is not None]
    return "shrinking" if sum(slope < -GROWS for slope in known) * 2 > len(known) else "flat"


def grows(one: Trend) -> bool:
    overflows = not all(isfinite(value) for value in (*one.forward, *one.update))
    return overflows or any((one.slope[part] or 0.0) > GROWS for part in ("forward", "update"))


def steps_in_words(request: StepsRequest, by_width: bool) -> str:
    """Return how the step is taken."""
    how = f"{request.optimizer} at a rate of {request.rate:g}"
    if not by_width:
        return how
    hidden = "hidden and output kernels" if request.optimizer == "adam" else "output kernels"
    others = "" if request.optimizer == "adam" else ", and × width / base for all that are no kernels"
    return f"{how}, × base / fan_in for {hidden}{others} as µP has it"


def summary(across: Across, trends: Sequence[Trend], verdict: Verdict, how: str) -> str:
    """Return what came of it in words."""
    known = [(slope, one.name) for one in trends if (slope := one.slope["update"]) is not None]
    span = f"{across.by}s {across.sizes[0]:,} to {across.sizes[-1]:,} ({how})"
    if not known:
        return f"Across {span}, the first step changes nothing that could be compared"
    (low, _), (high, most) = min(known), max(known)
    if verdict == "flat":
        exponents = f"exponents from {low:.2f} to {high:.2f}"
        return f"Across {span}, what the first step changes grows in no layer, {exponents}: one rate suits all of them"
    if verdict == "shrinking":
        return f"Across {span}, the first step changes less and less, down to an exponent of {low:.2f}"
    if high <= GROWS:
        return f"Across {span}, outputs grow{largest_forward(trends)}"
    grown = (across.sizes[-1] / across.sizes[0]) ** high
    return (
        f"Across {span}, what the first step changes grows, in {most} with an exponent of {high:.2f}, "
        f"{grown:.3g} times in all: a rate that suits the smallest is too high for the largest"
    )


def largest_forward(trends: Sequence[Trend]) -> str:
    known = [(slope, one.name) for one in trends if (slope := one.slope["forward"]) is not None]
    return f", in {max(known)[1]} with an exponent of {max(known)[0]:.2f}" if known else " beyond all numbers"
