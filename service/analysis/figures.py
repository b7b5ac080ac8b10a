"""Pictures of what was found: outputs and gradients by layer beside the normal zone, and histograms of parameters."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf, isnan, nan, radians, sin
from typing import Any

from service.analysis.decades import RIGHT, Plot, Track, draw_axis, name_zone, step_of
from service.analysis.svg import (
    BOLD,
    HEAD,
    MARGIN,
    SMALL,
    WIDTH,
    Sheet,
    element,
    line,
    mark,
    shorten,
    tidy,
    width_of,
    words,
    wrap,
)
from service.analysis.verdicts import SEVERITY

LONGEST, SLANT = 112.0, 65  # of a layer's name that does not fit level, and its degrees
MOST_PANELS, COLUMNS, GAP, BARS = 60, 2, 22.0, 84.0
FEW_BINS = 8  # so many are shown, however few are filled


def number(value: float) -> str:
    """Return a value in three significant digits."""
    return "∞" if value == inf else f"{value + 0.0:.3g}".replace("-", "−")


def known(part: dict[str, Any] | None, name: str, null: float) -> float:
    """Return a number of an answer; not a number where there is none, and what its null means."""
    if part is None:
        return nan
    return null if part[name] is None else float(part[name])


def magnitude(layers: list[dict[str, Any]], sizes: list[float]) -> float:
    """Return the rms that outputs are judged against, where the answer says: the zone is of factors."""
    for layer, size in zip(layers, sizes, strict=True):
        judged = (layer.get("judged_by") or {}).get("size")
        if judged and 0.0 < size < inf:
            return float(size / judged)
    return 1.0


def tracks_of(answer: dict[str, Any]) -> tuple[Track, Track]:
    layers, zone = answer["layers"], answer["zone"]
    outputs = [known(layer["forward"], "rms", inf) for layer in layers]
    gradients = [known(layer["backward"], "rms", inf) for layer in layers]
    theory = [known(layer["forecast"], "rms", inf) for layer in layers]
    # A null here says that theory does not reach the layer, seldom that it overflows.
    back = [known(layer["forecast"], "backward", nan) for layer in layers]
    one = magnitude(layers, outputs)
    return (
        Track("Outputs, rms", outputs, theory, zone["low"] * one, zone["high"] * one),
        Track("Gradients, rms", gradients, back, zone["low"], zone["high"]),
    )


def draw_dots(plot: Plot, layers: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a dot for each layer of which anything is known, the worst on top."""
    radius = min(max(0.4 * plot.slot, 1.5), 4.6)
    shown = zip(layers, plot.track.shown, range(len(layers)), strict=True)
    for layer, value, index in sorted(shown, key=lambda each: -SEVERITY.index(each[0]["verdict"])):
        if not isnan(value):
            kind = "mark" + (" fine" if radius < 3.0 else "") + (" open" if value in (0.0, inf) else "")
            title = f"{layer['name']}: {number(value)}, {layer['verdict']}"
            yield mark(layer["verdict"], plot.x(index), plot.y(value), radius, kind, title)


def draw_plot(sheet: Sheet, track: Track, layers: list[dict[str, Any]]) -> Plot:
    plot = Plot(track, sheet.y + 40.0)
    sheet.parts.append(words(track.title, MARGIN, plot.top - 16.0, "name"))
    unknown = sum(map(isnan, track.shown))
    if unknown:
        reach = f"theory reaches {len(layers) - unknown:,} of {len(layers):,} layers"
        sheet.parts.append(words(reach, RIGHT, plot.top - 16.0, "small soft", "end"))
    sheet.parts += draw_axis(plot)
    sheet.parts += [line(run, "line measured") for run in plot.runs(track.measured) if len(run) > 1]
    half = min(12.0, plot.slot / 2.0)
    for run in plot.runs(track.forecast):
        (x, y), *more = run  # a single one is a dash, which shows beside the dot
        sheet.parts.append(line(run if more else [(x - half, y), (x + half, y)], "line theory dashed"))
    sheet.parts += [name_zone(plot), *draw_dots(plot, layers)]
    sheet.y = plot.bottom
    return plot


def name_layers(sheet: Sheet, plot: Plot, names: list[str]) -> None:
    """Write the layers' names: level where they fit, on a slant where not, of many some and always the last."""
    level = plot.slot >= LONGEST or all(width_of(name, SMALL) + 8.0 <= plot.slot for name in names)
    step, last = (1 if level else step_of(17.0 / plot.slot)), len(names) - 1
    deepest = 0.0
    for index in (*range(0, last - step + 1, step), last):
        name = shorten(names[index], plot.slot - 8.0 if level else LONGEST, SMALL)
        x, y = plot.x(index), plot.bottom + 4.0
        sheet.parts.append(line([(x, plot.bottom), (x, y)], "rule edge"))
        if level:
            sheet.parts.append(words(name, x, y + 14.0, "small soft", "middle"))
        else:
            turned = f"rotate({-SLANT} {tidy(x + 4.0)} {tidy(y + 8.0)})"
            sheet.parts.append(words(name, x + 4.0, y + 8.0, "small soft", "end", transform=turned))
        deepest = max(deepest, 20.0 if level else width_of(name, SMALL) * sin(radians(SLANT)) + 16.0)
    sheet.y += deepest + 6.0
    some = f"; one in {step} named, and the last" if step > 1 else ""
    sheet.write(f"Layers from input to output{some}", "small soft", SMALL)


def write_verdict(sheet: Sheet, answer: dict[str, Any]) -> None:
    verdict, inputs, layers = answer["verdict"], answer["inputs"], answer["layers"]
    drawn = inputs["kind"] != "none"
    sheet.parts.append(mark(verdict, MARGIN + 9.0, sheet.y + 14.0, 8.0, "sign"))
    sheet.write(f"{verdict.capitalize()} start{'' if drawn else ', says theory'}", f"head {verdict}", HEAD, 27.0)
    sheet.y += 4.0
    sheet.write(answer["summary"])
    sheet.y += 4.0
    fed = f"inputs: {inputs['kind']}, {' × '.join(map(str, inputs['shape']))}" if drawn else "no number drawn"
    sheet.write(f"{len(layers):,} layer{'s' if len(layers) > 1 else ''}, {fed}", "small soft", SMALL)
    sheet.write(f"{answer['algorithm']}, seed {answer['seed']}", "small soft", SMALL)


def explain(sheet: Sheet, tracks: Sequence[Track], verdicts: Counter[str]) -> None:
    """Write the legend: lines that are there, and verdicts with how many layers have them."""
    lines = (
        ("measured", "line measured", any(not isnan(value) for track in tracks for value in track.measured)),
        ("forecast", "line theory dashed", any(not isnan(value) for track in tracks for value in track.forecast)),
    )
    entries = [(line([(0.0, 6.0), (20.0, 6.0)], kind), 20.0, name) for name, kind, there in lines if there]
    entries += [
        (mark(verdict, 5.0, 6.0, 4.6, "mark"), 10.0, f"{verdicts[verdict]:,} {verdict}")
        for verdict in reversed(SEVERITY)
        if verdicts[verdict]
    ]
    sheet.y += 4.0
    sheet.legend(entries)


def in_words(track: Track, names: list[str]) -> str:
    ends = [(name, value) for name, value in zip(names, track.shown, strict=True) if not isnan(value)]
    return f"{track.title}: " + (" to ".join(f"{number(v)} at {n}" for n, v in (ends[0], ends[-1])) if ends else "?")


def diagnosis_figure(answer: dict[str, Any]) -> str:
    """Return the picture of an answer of POST /diagnose."""
    layers, tracks, sheet = answer["layers"], tracks_of(answer), Sheet()
    names = [layer["name"] for layer in layers]
    write_verdict(sheet, answer)
    explain(sheet, tracks, Counter(layer["verdict"] for layer in layers))
    for track in tracks:
        plot = draw_plot(sheet, track, layers)
    name_layers(sheet, plot, names)
    described = f"{answer['summary']} {'; '.join(in_words(track, names) for track in tracks)}."
    return sheet.document(f"Diagnosis of a start: {answer['verdict']}", described)


@dataclass(frozen=True, slots=True)
class Panel:
    """A parameter's histogram; `expected` are the counts that theory expects in the same bins."""

    name: str
    subtitle: str
    edges: list[float]
    counts: list[int]
    expected: list[float] | None

    def trimmed(self) -> "Panel":
        """Return it without the empty bins at both ends, unless that leaves few."""
        theory = self.expected or [0.0] * len(self.counts)
        least = max(theory) * 0.002
        filled = [i for i, count in enumerate(self.counts) if count or theory[i] > least]
        if not filled or filled[-1] - filled[0] < FEW_BINS:
            return self
        bins, edges = slice(filled[0], filled[-1] + 1), slice(filled[0], filled[-1] + 2)
        return replace(
            self, edges=self.edges[edges], counts=self.counts[bins], expected=self.expected and self.expected[bins]
        )


def ticks_of(low: float, high: float) -> list[tuple[float, str]]:
    """Return low, middle and high: the middle is 0 where that is near it; distances from it where all look alike."""
    middle = 0.0 if 0.25 < -low / (high - low) < 0.75 else (low + high) / 2.0
    named = [(value, number(value)) for value in (low, middle, high)]
    if len({name for _, name in named}) < 3:
        named = [
            (value, name if value == middle else f"{value - middle:+.3g}".replace("-", "−")) for value, name in named
        ]
    return named


def draw_histogram(panel: Panel, left: float, base: float, wide: float) -> Iterator[str]:
    shown = panel.trimmed()
    low, high = shown.edges[0], shown.edges[-1]
    tallest = max(*shown.counts, *(shown.expected or []), 1e-300)

    def x(value: float) -> float:
        return left + (value - low) / (high - low) * wide

    def y(count: float) -> float:
        return base - count / tallest * BARS

    skyline = "".join(f"V{tidy(y(n))}H{tidy(x(edge))}" for n, edge in zip(shown.counts, shown.edges[1:], strict=True))
    yield element("path", class_="bars", d=f"M{tidy(left)} {tidy(base)}{skyline}V{tidy(base)}z")
    yield line([(left, base), (left + wide, base)], "rule edge")
    if shown.expected:
        centres = [x((a + b) / 2.0) for a, b in pairwise(shown.edges)]
        yield line(zip(centres, map(y, shown.expected), strict=True), "line theory")
    ticks = ticks_of(low, high)
    fits = sum(width_of(name, SMALL) + 6.0 for _, name in ticks) < wide
    for (value, name), anchor in zip(ticks, ("start", "middle", "end"), strict=True):
        yield line([(x(value), base), (x(value), base + 4.0)], "rule edge")
        if fits or anchor != "middle":
            yield words(name, x(value), base + 17.0, "small soft", anchor)


def draw_row(sheet: Sheet, panels: Sequence[Panel], wide: float) -> None:
    subtitles = [wrap(panel.subtitle, wide, SMALL, most=3) for panel in panels]
    base = sheet.y + 34.0 + 16.0 * max(map(len, subtitles)) + BARS
    for column, (panel, subtitle) in enumerate(zip(panels, subtitles, strict=True)):
        left = MARGIN + column * (wide + GAP)
        sheet.parts.append(words(shorten(panel.name, wide / BOLD), left, sheet.y + 22.0, "name"))
        sheet.parts += [words(each, left, sheet.y + 38.0 + 16.0 * i, "small soft") for i, each in enumerate(subtitle)]
        sheet.parts += draw_histogram(panel, left, base, wide)
    sheet.y = base + 24.0


def histogram_figure(title: str, panels: Sequence[Panel], total: int = 0) -> str:
    """Return small histograms side by side, with what was expected over each; `total` counts those not given too."""
    sheet, shown, total = Sheet(), panels[:MOST_PANELS], max(total, len(panels))
    columns = COLUMNS if len(shown) > 1 else 1
    wide = (WIDTH - 2.0 * MARGIN - GAP * (columns - 1)) / columns
    sheet.write(title, "head", HEAD)
    entries = [(element("rect", class_="bars", x=0.0, y=1.0, width=20.0, height=10.0), 20.0, "drawn")]
    if any(panel.expected for panel in shown):
        entries.append((line([(0.0, 6.0), (20.0, 6.0)], "line theory"), 20.0, "expected"))
    sheet.legend(entries)
    for first in range(0, len(shown), columns):
        draw_row(sheet, shown[first : first + columns], wide)
    if total > len(shown):
        sheet.write(f"And {total - len(shown):,} more, not drawn here.", "soft")
    names = ", ".join(panel.name for panel in shown)
    return sheet.document(title, f"Histograms of {len(shown):,} of {total:,} parameters: {names}.")
