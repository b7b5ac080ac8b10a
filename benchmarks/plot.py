"""plot.svg: the ratios to the frameworks as bars, and the curve of cost against size."""

from collections.abc import Mapping
from statistics import median

from benchmarks.measuring import Comparison, Point, Section
from benchmarks.svg import GREY, GRID, INK, LogAxis, bar, dot, line, path, picture, text

WIDTH = 960
LEFT, RIGHT = 330.0, 900.0  # of both plots
TOP = 92.0  # of the first bar
STEP, THICK = 22.0, 12.0
CURVE = 300.0  # height of the curve
FASTER, SLOWER, TARGET = "#2f74c0", "#c8782a", "#b3261e"


def plot(sections: Mapping[str, Section]) -> str:
    compared = [one for name in ("frameworks", "base64") if name in sections for one in sections[name].comparisons]
    points = sections["size"].points if "size" in sections else []
    below = TOP + STEP * len(compared) + 40
    marks = bars(compared) if compared else []
    top = below + 80 if compared else 60.0
    marks += curve(points, top) if points else []
    height = int(top + CURVE + 70 if points else below + 40)
    return picture(WIDTH, height, "initserve: benchmarks", marks)


def bars(compared: list[Comparison]) -> list[str]:
    lowest = min(min(one.ratios) for one in compared)
    highest = max(max(one.ratios) for one in compared)
    axis = LogAxis(min(0.01, lowest), max(10.0, highest), LEFT, RIGHT)
    bottom = TOP + STEP * len(compared)
    marks = [
        text(24, 34, "Time of initserve over HTTP, as a ratio to the other side's", size=18),
        text(
            24,
            56,
            "Bars: median; thin lines: lowest and highest round; red ticks: targets. Left of 1 is faster.",
            colour=GREY,
        ),
        *upright_grid(axis, TOP - 10, bottom),
        text((LEFT + RIGHT) / 2, bottom + 36, "ratio of seconds, logarithmic", "middle", colour=GREY),
    ]
    for index, one in enumerate(compared):
        marks += bar_of(one, axis, TOP + STEP * index)
    return [*marks, line(axis.at(1), TOP - 10, axis.at(1), bottom, INK, 1.5)]


def bar_of(one: Comparison, axis: LogAxis, top: float) -> list[str]:
    ends = sorted((axis.at(1), axis.at(one.ratio)))
    middle = top + THICK / 2
    marks = [
        text(LEFT - 10, middle + 4, f"{one.ours} / {one.theirs}", "end"),
        bar(ends[0], top, ends[1] - ends[0], THICK, FASTER if one.ratio < 1 else SLOWER),
        line(axis.at(min(one.ratios)), middle, axis.at(max(one.ratios)), middle, INK),
        text(RIGHT + 8, middle + 4, f"{one.ratio:.2f}"),
    ]
    if one.target:
        at = axis.at(one.target.limit)
        marks.append(line(at, top - 4, at, top + THICK + 4, TARGET, 3))
    return marks


def curve(points: list[Point], top: float) -> list[str]:
    bottom = top + CURVE
    medians = [median(point.seconds) for point in points]
    across = LogAxis(points[0].elements, points[-1].elements, LEFT, RIGHT)
    up = LogAxis(min(medians) / 2, max(medians) * 2, bottom, top)
    places = [(across.at(point.elements), up.at(middle)) for point, middle in zip(points, medians, strict=True)]
    return [
        text(24, top - 26, "Seconds of one answer against its size (random_normal, float32, .npy)", size=18),
        *upright_grid(across, top, bottom),
        *(line(LEFT, up.at(value), RIGHT, up.at(value), GRID) for value in up.decades()),
        *(text(LEFT - 10, up.at(value) + 4, f"{value:g}", "end", colour=GREY) for value in up.decades()),
        path(places, FASTER),
        *(dot(x, y, FASTER) for x, y in places),
        text((LEFT + RIGHT) / 2, bottom + 36, "elements, logarithmic", "middle", colour=GREY),
        text(LEFT - 70, (top + bottom) / 2, "seconds, logarithmic", "middle", colour=GREY, turned=True),
    ]


def upright_grid(axis: LogAxis, top: float, bottom: float) -> list[str]:
    marks = []
    for value in axis.decades():
        marks.append(line(axis.at(value), top, axis.at(value), bottom, GRID))
        marks.append(
            text(axis.at(value), bottom + 16, f"{value:,.0f}" if value >= 1 else f"{value:g}", "middle", colour=GREY)
        )
    return marks
