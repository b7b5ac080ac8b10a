"""Pictures of parameters: small histograms side by side, each with what its distribution promises over it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from service.analysis.figures.svg import (
    BOLD,
    HEAD,
    MARGIN,
    SMALL,
    WIDTH,
    Sheet,
    element,
    line,
    number,
    shorten,
    tidy,
    width_of,
    words,
    wrap,
)

MOST_PANELS, COLUMNS, GAP, BARS = 60, 2, 22.0, 84.0
FEW_BINS = 8  # so many are shown, however few are filled


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
