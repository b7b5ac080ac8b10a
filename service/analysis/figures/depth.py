"""Sizes by depth: a dot a layer, lines along the network's graph, its stream of residuals and branches told apart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import inf, isnan, nan, radians, sin
from typing import Any

from service.analysis.figures.decades import RIGHT, Plot, Track, kind_of, step_of
from service.analysis.figures.svg import (
    MARGIN,
    SMALL,
    Sheet,
    element,
    line,
    mark,
    number,
    shorten,
    tidy,
    width_of,
    words,
)
from service.analysis.verdicts import SEVERITY
from service.once import once

LONGEST, SLANT = 112.0, 65  # of a layer's name that does not fit level, and its degrees
WEIGHTLESS = "no-weights"  # the code of what has nothing to learn: it is passed through, and not judged


@dataclass(frozen=True)
class Drawn:
    """The layers of an answer and what runs between them."""

    layers: list[dict[str, Any]]
    blocks: list[dict[str, Any]]

    @once
    def places(self) -> dict[str, int]:
        return {layer["name"]: index for index, layer in enumerate(self.layers)}

    @once
    def edges(self) -> list[tuple[int, int]]:
        """From each layer that another one takes to that one; what comes from outside has no dot to come from."""
        found = []
        for index, layer in enumerate(self.layers):
            taken = {self.places.get(name.partition(":")[0], index) for name in layer["inputs"]}
            found += [(place, index) for place in sorted(taken) if place < index]
        return found

    @once
    def aside(self) -> set[int]:
        """Layers of branches, which leave the stream of residuals and are added to it again."""
        branches = (branch for block in self.blocks for branch in block["branches"])
        return {self.places[name] for branch in branches for name in branch["layers"]}

    def kind(self, edge: tuple[int, int]) -> str:
        if not self.aside:
            return "measured"
        return "branch" if self.aside.intersection(edge) else "stream"

    @once
    def spans(self) -> list[tuple[str, int, int]]:
        """Each block's name, first and last layer."""
        named = [(block["name"], [self.places[name] for name in block["layers"]]) for block in self.blocks]
        return [(name, min(within), max(within)) for name, within in named if within]


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
        Track("Outputs, rms", outputs, theory, (zone["low"] * one, zone["high"] * one)),
        Track("Gradients, rms", gradients, back, (zone["low"], zone["high"])),
    )


def paths(edges: Iterable[tuple[int, int]], values: list[float]) -> Iterator[list[int]]:
    """Yield edges joined to paths as far as one begins where the last one ends; none to another kind of value."""
    path: list[int] = []
    for start, end in edges:
        if "unknown" in (kinds := {kind_of(values[start]), kind_of(values[end])}) or len(kinds) > 1:
            continue
        if path and path[-1] != start:
            yield path
            path = []
        path = [*(path or [start]), end]
    if path:
        yield path


def draw_lines(plot: Plot, drawn: Drawn) -> Iterator[str]:
    measured, forecast = plot.track.measured, plot.track.forecast
    for kind in ("branch", "stream", "measured"):
        for path in paths((edge for edge in drawn.edges if drawn.kind(edge) == kind), measured):
            yield line([(plot.x(index), plot.y(measured[index])) for index in path], f"line {kind}")
    foretold: set[int] = set()
    for path in paths(drawn.edges, forecast):
        foretold.update(path)
        yield line([(plot.x(index), plot.y(forecast[index])) for index in path], "line theory dashed")
    half = min(12.0, plot.slot / 2.0)
    for index, value in enumerate(forecast):
        if index not in foretold and not isnan(value):  # a single one is a dash, which shows beside the dot
            x, y = plot.x(index), plot.y(value)
            yield line([(x - half, y), (x + half, y)], "line theory dashed")


def draw_dots(plot: Plot, layers: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a dot for each layer of which anything is known, the worst on top."""
    radius = min(max(0.4 * plot.slot, 1.5), 4.6)
    shown = zip(layers, plot.track.shown, range(len(layers)), strict=True)
    for layer, value, index in sorted(shown, key=lambda each: -importance(each[0])):
        if isnan(value):
            continue
        title, x, y = f"{layer['name']}: {number(value)}", plot.x(index), plot.y(value)
        if layer.get("code") == WEIGHTLESS:
            yield mark("pass", x, y, min(radius, 1.8), "mark fine", title)
            continue
        kind = "mark" + (" fine" if radius < 3.0 else "") + (" open" if value in (0.0, inf) else "")
        yield mark(layer["verdict"], x, y, radius, kind, f"{title}, {layer['verdict']}")


def importance(layer: dict[str, Any]) -> int:
    return len(SEVERITY) if layer.get("code") == WEIGHTLESS else SEVERITY.index(layer["verdict"])


def shade_blocks(plot: Plot, drawn: Drawn) -> Iterator[str]:
    """Yield a shade behind every other block."""
    for _, first, last in drawn.spans[::2]:
        left, right = plot.x(first) - plot.slot / 2.0, plot.x(last) + plot.slot / 2.0
        yield element("rect", class_="block", x=left, y=plot.top, width=right - left, height=plot.bottom - plot.top)


def draw_panel(sheet: Sheet, track: Track, drawn: Drawn) -> Plot:
    """Draw a track of layers and return where."""
    plot = Plot(track, sheet.y + 40.0)
    sheet.parts.append(words(track.title, MARGIN, plot.top - 16.0, "name"))
    unknown = sum(map(isnan, track.shown))
    if unknown:
        reach = f"theory reaches {len(drawn.layers) - unknown:,} of {len(drawn.layers):,} layers"
        sheet.parts.append(words(reach, RIGHT, plot.top - 16.0, "small soft", "end"))
    sheet.parts += [*shade_blocks(plot, drawn), *plot.draw(), *draw_lines(plot, drawn)]
    sheet.parts += [*plot.name_zone(), *draw_dots(plot, drawn.layers)]
    sheet.y = plot.bottom
    return plot


def write_names(sheet: Sheet, plot: Plot, names: list[str]) -> int:
    """Write names under a panel: level where they fit, else on a slant, of many one in so many, which is returned."""
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
    return step


def draw_depth(sheet: Sheet, answer: dict[str, Any]) -> None:
    """Draw outputs and gradients by depth, the layers' names beneath."""
    drawn = Drawn(answer["layers"], answer.get("blocks", []))
    for track in tracks_of(answer):
        plot = draw_panel(sheet, track, drawn)
    step = write_names(sheet, plot, [layer["name"] for layer in drawn.layers])
    some = f"; one in {step} named, and the last" if step > 1 else ""
    sheet.write(f"Layers from input to output{some}", "small soft", SMALL)
    if drawn.aside:
        sheet.write(
            "Thick: the stream of residuals; thin: its branches. Shaded: every other block", "small soft", SMALL
        )
