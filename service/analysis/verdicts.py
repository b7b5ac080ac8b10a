"""In which zone a start puts a layer, and a whole stack: normal, low-gradient, steep, symmetric or dead; and why.

The zones are those of the course notes: where gradients are tiny nothing moves, where slopes are steep every step
jumps, where all neurons are the same they stay so, and between these lies the zone in which training goes to the
nearest minimum. Magnitudes are factors: of outputs against inputs, of gradients against those at the stack's end.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Literal, TypeAlias

from service.analysis.forecast import Forecast
from service.analysis.propagation import Backward, Forward

Verdict: TypeAlias = Literal["normal", "low-gradient", "steep", "symmetric", "dead"]
# The worst first: what is dead need not be steep as well.
SEVERITY: tuple[Verdict, ...] = ("dead", "symmetric", "steep", "low-gradient", "normal")
LOW, HIGH = 1.0 / 32.0, 32.0  # the normal zone
MOST_DEAD, MOST_SATURATED = 0.9, 0.9
SATURABLE = ("tanh", "sigmoid", "softsign", "hard_tanh", "hard_sigmoid")


@dataclass(frozen=True, slots=True)
class Judgement:
    verdict: Verdict
    reason: str


SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
NORMAL = Judgement("normal", "outputs and gradients keep their size")


def times(factor: float) -> str:
    """Return a factor with two digits, as one writes it: 0.00065, 150, 1.3 × 10⁶."""
    mantissa, power = f"{factor:.1e}".split("e")
    exponent = int(power)
    if -5 <= exponent < 0:
        return f"{factor:.{1 - exponent}f}"
    if 0 <= exponent < 4:
        return f"{float(f'{factor:.2g}'):g}"
    return f"{mantissa} × 10{str(exponent).translate(SUPERSCRIPTS)}"


WAITING = Judgement(
    "low-gradient", "the last layer's weights are 0: nothing comes back before a first step has moved them"
)


@dataclass(frozen=True, slots=True)
class Factors:
    """What a layer is judged by.

    `size` is the rms of its outputs over that of the stack's inputs, or over 1 after a norm; None before a norm, which
    takes any size. `slope` is the rms of the gradient at its outputs times their size: what a change in proportion does
    at the end, where the gradient is 1.
    """

    size: float | None
    slope: float


def factors(rms: list[float], gradient: list[float], norms: list[bool], inputs: float) -> list[Factors]:
    """Return each layer's factors, given the rms of outputs and gradients and which layers are norms."""
    last_norm = max((index for index, norm in enumerate(norms) if norm), default=-1)
    reference = inputs if last_norm < 0 and inputs > 0.0 else 1.0
    return [
        Factors(out / reference if index >= last_norm else None, back * out / reference)
        for index, (out, back) in enumerate(zip(rms, gradient, strict=True))
    ]


def judge(forward: Forward, backward: Backward, by: Factors, activation: str, last: bool) -> Judgement:
    """Judge a layer by what was measured."""
    if not (isfinite(forward.rms) and isfinite(backward.rms) and isfinite(by.slope)):
        return Judgement("steep", "the numbers overflow: nothing can be computed with them")
    if forward.rms == 0.0:
        return Judgement("dead", "every output is 0, whatever the input: nothing gets through")
    if forward.dead > MOST_DEAD:
        return Judgement("dead", f"{forward.dead:.0%} of the units are 0 for every example")
    if backward.rms == 0.0 and not last:
        return Judgement("dead", "no gradient comes back to this layer, so that nothing in it can change")
    if forward.units > 1 and 2 * forward.distinct <= forward.units:
        same = "the same" if forward.distinct == 1 else f"only {forward.distinct} different things"
        return Judgement("symmetric", f"its {forward.units} units compute {same}, and always will")
    if activation in SATURABLE and forward.saturated is not None and forward.saturated > MOST_SATURATED:
        return Judgement("low-gradient", f"{forward.saturated:.0%} of the outputs lie where {activation} is flat")
    return judge_factors(by, "are", NORMAL)


def judge_forecast(forecast: Forecast | None, by: Factors, symmetric: bool) -> Judgement:
    """Judge a layer by theory alone; `symmetric` says that its weights are one constant."""
    if forecast is None:
        return Judgement("normal", "theory has nothing to say of this layer")
    if forecast.rms == 0.0:
        return Judgement("dead", "every output will be 0, whatever the input")
    if forecast.backward == 0.0:
        return Judgement("dead", "no gradient will come back to this layer")
    if symmetric:
        return Judgement("symmetric", "every unit will compute the same, and always will")
    if not (isfinite(forecast.rms) and isfinite(by.slope)):
        return Judgement("steep", "the numbers will overflow")
    return judge_factors(by, "will be", Judgement("normal", "outputs and gradients will keep their size"))


def judge_factors(by: Factors, are: str, normal: Judgement) -> Judgement:
    if by.size is not None and by.size > HIGH:
        return Judgement("steep", f"outputs {are} {times(by.size)} times as large as what goes in")
    if by.slope > HIGH:
        return Judgement("steep", f"1 % more or less here makes {times(by.slope)} % at the end: every step jumps")
    if by.size is not None and by.size < LOW:
        return Judgement("low-gradient", f"outputs {are} only {times(by.size)} times as large as what goes in")
    if by.slope < LOW:
        return Judgement("low-gradient", f"1 % more or less here makes only {times(by.slope)} % at the end")
    return normal


SUMMARIES: dict[Verdict, str] = {
    "normal": "This start is in the normal zone: outputs and gradients keep their size from end to end.",
    "low-gradient": "This start is in the zone of low gradients: steps will be tiny, and little will be learnt.",
    "steep": "This start is in the zone of steep slopes: steps will be huge, and training will jump about or overflow.",
    "symmetric": "Units of a layer are all the same and will stay the same: the layer is worth a single one.",
    "dead": "Nothing gets through: outputs or gradients are 0, and nothing will be learnt.",
}


def worst(judgements: list[Judgement]) -> Verdict:
    """Return the verdict of a stack: that of its worst layer."""
    return min((one.verdict for one in judgements), key=SEVERITY.index)


def summary(names: list[str], judgements: list[Judgement]) -> str:
    """Return the stack's verdict in words, with the first layer that earned it."""
    verdict = worst(judgements)
    if verdict == "normal":
        return SUMMARIES[verdict]
    name, first = next((n, one) for n, one in zip(names, judgements, strict=True) if one.verdict == verdict)
    return f"{SUMMARIES[verdict]} In {name}: {first.reason}."
