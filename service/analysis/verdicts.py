"""In which zone a start puts a layer, and a whole network: normal, low-gradient, steep, symmetric or dead; and why.

A verdict is a promise about training, so it is judged by what the first steps of gradient descent do (first_step.py):
where slopes are tiny nothing moves, where they are steep every step jumps, where units are alike and get the same
gradient they stay alike, what has no gradient never changes, and between these lies the zone in which training goes to
the nearest minimum. One layer that moves is enough for a network: what stands still before and after it moves next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

from service.analysis.first_step import HIGH, LOW, spreads
from service.analysis.forecast import Forecast
from service.analysis.looks import Seen
from service.analysis.propagation import Forward

Verdict: TypeAlias = Literal["normal", "low-gradient", "steep", "symmetric", "dead"]
# What is told first of a network: that units are one and the same holds whatever else is said of it.
SEVERITY: tuple[Verdict, ...] = ("symmetric", "dead", "steep", "low-gradient", "normal")
# Outputs of the network, in sizes of its inputs and of what a step changes in them: a softmax of more is certain.
LARGEST = 64.0
MOST_DEAD, MOST_SATURATED = 0.9, 0.9
SATURABLE = ("tanh", "sigmoid", "softsign", "hard_tanh", "hard_sigmoid")
DRIFT = 4.0  # how far sizes may part over a network's depth and still be said to be kept


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and why; `code` names the reason whatever its words, `also` what else holds."""

    verdict: Verdict
    code: str
    reason: str
    also: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class Factors:
    """What a layer is judged by.

    `size` is the rms of its outputs over that of the network's inputs, or over 1 after a norm; None before a norm, to
    which any size will do. `slope` is how steep the loss is along its weights: by how much its inputs differ between
    examples, times the rms of the gradient that comes back; 1 where everything keeps its size. Both are None without
    weights.
    """

    size: float | None
    slope: float | None


@dataclass(frozen=True, slots=True)
class Prospects:
    """What the looks at a layer come to: `slope` at first, and once steps have been taken (`later`)."""

    slope: float
    later: float
    moves: bool  # some array has a gradient, at first or after a step, or may yet get one
    moves_first: bool
    alike: int  # of `units`, how many stay different
    units: int
    answers: float | None = None  # of a last layer: the size of the network's outputs

    @property
    def last(self) -> bool:
        """Whether no layer with weights comes after it."""
        return self.answers is not None


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def times(factor: float) -> str:
    """Return a factor with two digits, as one writes it: 0.00065, 150, 1.3 × 10⁶."""
    mantissa, power = f"{factor:.1e}".split("e")
    exponent = int(power)
    if -5 <= exponent < 0:
        return f"{factor:.{1 - exponent}f}"
    if 0 <= exponent < 4:
        return f"{float(f'{factor:.2g}'):g}"
    return f"{mantissa} × 10{str(exponent).translate(SUPERSCRIPTS)}"


def sizes_of(rms: Sequence[float], opened: Sequence[bool], reference: float) -> list[float | None]:
    """Return each layer's size, given the rms of outputs, and which lie on a way to the output without a norm."""
    return [out / reference if is_open else None for out, is_open in zip(rms, opened, strict=True)]


def prospects_of(
    first: Sequence[Seen], looks: Sequence[Sequence[Seen]], answers: Sequence[float | None]
) -> list[Prospects]:
    """Return what a look at the whole batch, and those after steps, come to for each layer.

    `answers` is the size of the network's outputs for its last layers.
    """
    may_yet = len(looks) > 1 and spreads(looks)
    found = []
    for index, seen in enumerate(first):
        after = [look[index] for look in looks]
        final = after[-1] if after else seen
        found.append(
            Prospects(
                slope=seen.slope,
                later=max(seen.slope, final.slope),
                moves=may_yet or any(one.moving for one in (seen, *after)),
                moves_first=bool(seen.moving),
                alike=final.together,
                units=seen.units,
                answers=answers[index],
            )
        )
    return found


def judge_all(
    forwards: Sequence[Forward],
    prospects: Sequence[Prospects],
    activations: Sequence[str],
    constant: Sequence[bool],
) -> list[Judgement]:
    """Judge every layer of a network by what was measured; `constant` layers have units that are alike by design."""
    learning = any(one.later >= LOW for one in prospects)
    overflows = not all(isfinite(forward.rms) for forward in forwards)
    return [
        judge(forward, one, activation, learning, same, overflows)
        for forward, one, activation, same in zip(forwards, prospects, activations, constant, strict=True)
    ]


def judge(
    forward: Forward,
    prospect: Prospects,
    activation: str,
    learning: bool,
    constant: bool,
    overflows: bool,  # somewhere in the network: a relu has no slope where its input is no number
) -> Judgement:
    steep = is_steep(forward, prospect, overflows)
    dead = not (prospect.moves or learning or overflows)
    # The loss asks each of the last layer's units for something else, which tells them apart once they move.
    parts = prospect.last and not dead
    alike = prospect.units > 1 and not parts and (constant or 2 * prospect.alike <= prospect.units)
    if dead and not (alike and forward.rms > 0.0):
        return Judgement("dead", "never-moves", dead_reason(forward), ("symmetric",) if alike else ())
    if alike:
        also: tuple[Verdict, ...] = ("dead",) if dead else ("steep",) if steep else ()
        return Judgement("symmetric", "stays-alike", alike_reason(prospect, constant, also), also)
    if steep is not None:
        return steep
    flat = flat_reason(forward, activation)
    if flat and prospect.last and constant and prospect.units > 1:
        same = f"its {prospect.units} units compute the same, and next to nothing tells them apart: {flat}"
        return Judgement("symmetric", "alike-and-flat", same, ("low-gradient",))
    if flat and prospect.last:  # no layer after it makes anything of its outputs, and no gradient comes past it
        return Judgement("low-gradient", "mostly-flat", flat)
    if not learning:
        return low(prospect)
    return normal(forward, prospect, activation)


def dead_reason(forward: Forward) -> str:
    never = "no array of it has a gradient, now or after a step, so that nothing in it ever changes"
    if forward.rms == 0.0:
        return f"every output is 0, whatever the input, and {never}"
    return never


def alike_reason(prospect: Prospects, constant: bool, also: tuple[Verdict, ...]) -> str:
    same = "the same" if constant or prospect.alike == 1 else f"only {prospect.alike} different things"
    beside = {
        (): "",
        ("dead",): "; besides, none of them has a gradient, so that nothing in it ever changes",
        ("steep",): "; besides, its slopes are steep",
    }
    return f"its {prospect.units} units compute {same} and get the same gradient, and always will{beside[also]}"


def is_steep(forward: Forward, prospect: Prospects, overflows: bool) -> Judgement | None:
    if not (isfinite(forward.rms) and isfinite(prospect.slope)) or (overflows and prospect.slope == 0.0):
        return Judgement("steep", "overflow", "the numbers overflow: nothing can be computed with them")
    if prospect.slope > HIGH:
        steepness = f"{times(prospect.slope)} times as steep as where everything keeps its size"
        return Judgement("steep", "steep-slope", f"along its weights the loss is {steepness}: every step jumps")
    least = max(prospect.slope, 1.0)
    if prospect.answers is not None and forward.distinct > 1 and prospect.answers > LARGEST * least:
        larger = f"outputs are {times(prospect.answers / least)} times as large as what a step changes in them"
        return Judgement("steep", "large-outputs", f"{larger}: answers are certain before anything is learnt")
    return None


def low(prospect: Prospects) -> Judgement:
    if not prospect.moves_first and prospect.slope == 0.0:
        return Judgement("low-gradient", "waits-long", "no gradient comes to it in the first steps, or next to none")
    if prospect.slope == 0.0:
        only = "what comes in is the same for every example, so that it can only learn one answer for all"
        return Judgement("low-gradient", "same-for-all", only)
    share = f"{times(prospect.slope)} times as steep as where everything keeps its size"
    return Judgement("low-gradient", "low-slope", f"along its weights the loss is only {share}: steps change nothing")


def normal(forward: Forward, prospect: Prospects, activation: str) -> Judgement:
    """Return the verdict of a layer in a network that learns, with what is unusual about it."""
    if not prospect.moves:
        never = "no gradient comes to it, now or after a step: others learn from what it gives as it is"
        return Judgement("normal", "never-moves", never)
    if not prospect.moves_first:
        return Judgement("normal", "waits", "no gradient comes to it at first: it moves once the others have moved")
    if forward.units > 1 and forward.distinct == 1:
        if forward.rms == 0.0:
            return Judgement("normal", "moves-from-zero", "its outputs are 0, and its own first step changes that")
        return Judgement("normal", "parts", f"its {forward.units} units start alike, and part at the first step")
    if prospect.slope == 0.0:
        alike = "all examples share what it gives: a step changes every answer alike"
        return Judgement("normal", "same-for-all", alike)
    if prospect.slope < LOW:
        return Judgement("normal", "waits", "its gradient is small at first, and grows as other layers move")
    if forward.dead > MOST_DEAD:
        return Judgement("normal", "mostly-dead", f"{forward.dead:.0%} of its units are 0 for every example")
    if flat := flat_reason(forward, activation):
        return Judgement("normal", "mostly-flat", flat)
    return Judgement("normal", "in-zone", "a step changes it neither too little nor too much")


def flat_reason(forward: Forward, activation: str) -> str | None:
    if activation in SATURABLE and forward.saturated is not None and forward.saturated > MOST_SATURATED:
        return f"{forward.saturated:.0%} of its outputs lie where {activation} is flat"
    return None


def judge_forecasts(
    forecasts: Sequence[Forecast | None], answers: Sequence[float | None], constant: Sequence[bool]
) -> list[Judgement]:
    """Judge every layer by theory alone.

    `constant` says which have units that are alike by design; `answers` is the size of the network's outputs for its
    last layers.
    """
    slopes = [None if one is None else one.slope for one in forecasts]
    learning = any(slope is None or slope >= LOW for slope in slopes)
    still = all(slope == 0.0 for slope in slopes)
    return [
        judge_forecast(one, size, same, learning, still)
        for one, size, same in zip(forecasts, answers, constant, strict=True)
    ]


def judge_forecast(
    forecast: Forecast | None, answers: float | None, constant: bool, learning: bool, still: bool
) -> Judgement:
    if forecast is None:
        return Judgement("normal", "beyond-theory", "theory has nothing to say of this layer")
    slope = 1.0 if forecast.slope is None else forecast.slope
    alike = constant and (still or answers is None)
    if still and (forecast.rms == 0.0 or not alike):
        return Judgement("dead", "never-moves", "nothing in this network will move it", ("symmetric",) if alike else ())
    if alike:
        return Judgement("symmetric", "stays-alike", "every unit will compute the same, and always will")
    if not (isfinite(forecast.rms) and isfinite(slope)):
        return Judgement("steep", "overflow", "the numbers will overflow")
    if slope > HIGH:
        steepness = f"{times(slope)} times as steep as where everything keeps its size"
        return Judgement("steep", "steep-slope", f"along its weights the loss will be {steepness}: every step jumps")
    if answers is not None and answers > LARGEST * max(slope, 1.0):
        larger = f"outputs will be {times(answers / max(slope, 1.0))} times as large as what a step changes in them"
        return Judgement("steep", "large-outputs", f"{larger}: answers are certain before anything is learnt")
    if learning:
        return Judgement("normal", "in-zone", "a step will change it neither too little nor too much")
    share = f"{times(slope)} times as steep as where everything keeps its size"
    return Judgement("low-gradient", "low-slope", f"along its weights the loss will be only {share}")


SUMMARIES: dict[Verdict, str] = {
    "normal": "This start is in the normal zone",
    "low-gradient": "This start is in the zone of low gradients: steps will be tiny, and little will be learnt.",
    "steep": "This start is in the zone of steep slopes: steps will be huge, and training will jump about or overflow.",
    "symmetric": "Units of a layer are all the same and will stay the same: the layer is worth a single one.",
    "dead": "Nothing moves: there is a layer without a gradient, now and after a step, and nothing will be learnt.",
}
# Reasons of normal layers that the summary tells of.
TOLD = ("never-moves", "waits", "moves-from-zero", "parts", "mostly-dead", "mostly-flat")


def worst(judgements: Sequence[Judgement]) -> Verdict:
    """Return the verdict of a network: that of its worst layer."""
    return min((one.verdict for one in judgements), key=SEVERITY.index)


def change_of(values: Sequence[float | None]) -> str | None:
    """Return how far a network's sizes fall or grow on their way, None where they keep within a factor of `DRIFT`."""
    known = [value for value in values if value is not None and isfinite(value) and value > 0.0]
    if not known or max(known) <= DRIFT * min(known):
        return None
    falls = known.index(max(known)) < known.index(min(known))
    return f"{'fall' if falls else 'grow'} {times(max(known) / min(known))} times"


@dataclass(frozen=True, slots=True)
class Summary:
    """A network's verdict in words; `code` is that of the reason, or how sizes behave where nothing is unusual."""

    code: str
    text: str


def summary(
    names: Sequence[str],
    judgements: Sequence[Judgement],
    outputs: Sequence[float | None],
    gradients: Sequence[float | None],
) -> Summary:
    """Return the network's verdict in words: with the first layer that earned it, or how far sizes drift."""
    verdict = worst(judgements)
    telling = [(n, one) for n, one in zip(names, judgements, strict=True) if one.verdict == verdict]
    if verdict != "normal":
        name, first = telling[0]
        return Summary(first.code, f"{SUMMARIES[verdict]} In {name}: {first.reason}.")
    for name, one in telling:
        if one.code in TOLD:
            return Summary(one.code, f"{SUMMARIES[verdict]}, and can be learnt from. In {name}: {one.reason}.")
    # What only the last layer changes is no matter of depth.
    inner = drifts_of(outputs[:-1], gradients[:-1])
    if inner:
        text = f"{SUMMARIES[verdict]}, but drifts: {inner} from end to end; many more such layers would leave it."
        return Summary("drifts", text)
    if drifts_of(outputs, gradients):
        kept = "outputs and gradients keep their size from layer to layer, but for the last layer's at first"
        return Summary("last-differs", f"{SUMMARIES[verdict]}: {kept}.")
    return Summary("keeps-size", f"{SUMMARIES[verdict]}: outputs and gradients keep their size from end to end.")


def drifts_of(outputs: Sequence[float | None], gradients: Sequence[float | None]) -> str:
    """Return in words how far sizes change on their way, forth and back; nothing where they keep to a factor."""
    changes = {"outputs": change_of(outputs), "gradients": change_of(gradients[::-1])}
    return " and ".join(f"{what} {change}" for what, change in changes.items() if change)
