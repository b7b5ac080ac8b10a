"""Curves of a size: across widths or depths on two logarithmic axes, with exponents; and step by step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, log10, nan
from typing import Any

from service.analysis.across.check import GROWS
from service.analysis.figures.decades import LEFT, RIGHT, Decades, step_of
from service.analysis.figures.svg import MARGIN, SMALL, Sheet, line, number, shorten, width_of, words

NAMED = 128.0  # at the right of a panel, for what lines are called
MOST_NAMED, LINE = 9, 15.0
MOST_CURVES = 48  # lines of one panel; of more layers evenly spread ones
PARTS = {"forward": "Outputs", "backward": "Gradients", "update": "What the first step changes in outputs"}


@dataclass(frozen=True)
class Curve:
    """A line of a panel: what it is called, its values, its look, and how much it asks to be named."""

    name: str
    values: list[float]
    kind: str
    weight: float


def values_of(numbers: Sequence[float | None]) -> list[float]:
    """Return numbers of an answer; null is an overflow."""
    return [inf if value is None else float(value) for value in numbers]


def spread(curves: list[Curve]) -> list[Curve]:
    """Return at most so many as can be told apart: those that ask to be named, and evenly spread others."""
    if len(curves) <= MOST_CURVES:
        return curves
    first = sorted(range(len(curves)), key=lambda index: -curves[index].weight)[:MOST_NAMED]
    even = [index * (len(curves) - 1) // (MOST_CURVES - 1) for index in range(MOST_CURVES)]
    return [curves[index] for index in sorted({*first, *even})]


def draw_curves(
    sheet: Sheet, title: str, curves: list[Curve], x: Callable[[int], float], ticks: Sequence[tuple[float, str]]
) -> None:
    """Draw a panel: `x` is where a curve's value of an index stands, `ticks` are places on that axis, and words."""
    axis = Decades([value for curve in curves for value in curve.values], sheet.y + 40.0, RIGHT - NAMED)
    sheet.parts.append(words(title, MARGIN, axis.top - 16.0, "name"))
    sheet.parts += axis.draw()
    for curve in sorted(spread(curves), key=lambda one: one.weight):
        for run in axis.curves([(x(index), value) for index, value in enumerate(curve.values)]):
            sheet.parts.append(line(run if len(run) > 1 else [run[0], (run[0][0] + 3.0, run[0][1])], curve.kind))
    sheet.parts += name_curves(axis, curves)
    for place, text in ticks:
        sheet.parts.append(line([(place, axis.bottom), (place, axis.bottom + 4.0)], "rule edge"))
        sheet.parts.append(words(text, place, axis.bottom + 17.0, "small soft", "middle"))
    sheet.y = axis.bottom + 22.0


def name_curves(axis: Decades, curves: list[Curve]) -> Iterator[str]:
    """Write names at the ends of lines, the weightiest first, each where there is room for it."""
    taken: list[float] = []
    for curve in sorted(curves, key=lambda one: -one.weight):
        end = next((value for value in reversed(curve.values) if value == value), nan)
        y = min(max(axis.y(end), axis.top + 8.0), axis.bottom)
        if end == end and len(taken) < MOST_NAMED and all(abs(y - other) >= LINE for other in taken):
            taken.append(y)
            yield words(shorten(curve.name, NAMED - 8.0, SMALL), axis.right + 8.0, y + 4.0, "small soft")


def kind_of_slope(slope: float | None) -> str:
    if slope is None or abs(slope) <= GROWS:
        return "line normal"
    return "line steep" if slope > 0.0 else "line low-gradient"


def of_slope(layer: dict[str, Any], part: str) -> Curve:
    slope = layer["slope"][part]
    sign = "" if slope is None else f"{slope + 0.0:.2f} ".replace("-", "−")
    return Curve(
        f"{sign}{shorten(layer['name'], NAMED - 8.0 - width_of(sign, SMALL), SMALL)}",
        values_of(layer[part]),
        kind_of_slope(slope),
        abs(slope or 0.0),
    )


def draw_across(sheet: Sheet, answer: dict[str, Any]) -> None:
    """Draw outputs, gradients and the first update of every layer against the size."""
    across = answer["across"]
    sizes, by = across["sizes"], across["by"]
    low, high = log10(sizes[0]), log10(sizes[-1])

    def x(index: int) -> float:
        share = (log10(sizes[index]) - low) / ((high - low) or 1.0)
        return LEFT + 10.0 + share * (RIGHT - NAMED - LEFT - 20.0)

    sheet.y += 14.0
    sheet.write(f"Across {by}s: {across['verdict']}", "name")
    sheet.write(across["summary"], "small soft", SMALL)
    ticks = apart([(x(index), f"{size:,}") for index, size in enumerate(sizes)])
    for part, title in PARTS.items():
        curves = [of_slope(layer, part) for layer in across["layers"] if layer[part]]
        draw_curves(sheet, f"{title}, rms", curves, x, ticks)
    sheet.write(
        f"{by.capitalize()}, both axes logarithmic. At a line: the exponent by which it goes", "small soft", SMALL
    )


def apart(ticks: list[tuple[float, str]]) -> list[tuple[float, str]]:
    """Return ticks without those whose words would touch the one before; the last stays."""
    kept = ticks[-1:]
    for place, text in reversed(ticks[:-1]):
        if kept[-1][0] - place > 5.0 * (len(text) + len(kept[-1][1])):
            kept.append((place, text))
    return kept[::-1]


def draw_steps(sheet: Sheet, answer: dict[str, Any]) -> None:
    """Draw the loss and the sizes after each step of a training."""
    steps = answer["steps"]
    taken = steps["steps"]
    names = [layer["name"] for layer in taken[0]["layers"]]

    def x(index: int) -> float:
        return LEFT + 10.0 + index / max(1, len(taken) - 1) * (RIGHT - NAMED - LEFT - 20.0)

    sheet.y += 14.0
    rate = f"{steps['optimizer']}, rate {number(steps['learning_rate'])}"
    sheet.write(f"First steps, {rate}: {steps['verdict']}", "name")
    sheet.write(steps["summary"], "small soft", SMALL)
    every = step_of(len(taken) / 8.0)
    ticks = [(x(index), str(step["step"])) for index, step in enumerate(taken) if not index % every]
    whole = [
        Curve(text, values_of([step[member] for step in taken]), kind, 1.0)
        for member, text, kind in (("loss", "loss", "line stream"), ("gradient_norm", "gradient", "line theory dashed"))
    ]
    draw_curves(sheet, "Loss, and the length of the gradient", whole, x, ticks)
    for part, title in (("forward", "Outputs, rms"), ("update", "Change of the weights, of their size")):
        curves = [
            Curve(name, sizes, "line steep" if name == steps["layer"] else "line branch", weight_of(sizes, name, steps))
            for name, sizes in ((name, of_layer(taken, index, part)) for index, name in enumerate(names))
            if any(size == size for size in sizes)
        ]
        draw_curves(sheet, title, curves, x, ticks)
    sheet.write("Steps from the start on", "small soft", SMALL)


def of_layer(taken: list[dict[str, Any]], index: int, part: str) -> list[float]:
    """Return a layer's sizes step by step; null is an overflow, but for the change of weights where there are none."""
    null = nan if part == "update" else inf
    found = [step["layers"][index][part] for step in taken]
    return [null if value is None else float(value) for value in found]


def weight_of(sizes: list[float], name: str, steps: dict[str, Any]) -> float:
    """Return how much a layer asks to be named: that of which the verdict speaks most, then what changes most."""
    if name == steps["layer"]:
        return inf
    positive = [size for size in sizes if isfinite(size) and size > 0.0]
    return log10(max(positive) / min(positive)) if positive else 0.0
