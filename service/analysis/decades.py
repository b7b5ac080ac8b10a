"""A panel of sizes by layer on a logarithmic axis, with room for what no logarithm shows: 0 and overflow."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import ceil, floor, inf, isnan, log10

from service.analysis.svg import MARGIN, SMALL, WIDTH, element, line, power, width_of, words

LEFT, RIGHT = MARGIN + 38.0, WIDTH - MARGIN
HEIGHT = 150.0  # of the decades
STRIP = 22.0  # under them for 0, over them for overflow


@dataclass(frozen=True)
class Track:
    """What one panel shows: a size of each layer, measured and forecast. NaN is not known, infinity overflowed."""

    title: str
    measured: list[float]
    forecast: list[float]
    low: float
    high: float

    @property
    def shown(self) -> list[float]:
        """What the dots stand for: theory, where nothing was measured."""
        return [theory if isnan(value) else value for value, theory in zip(self.measured, self.forecast, strict=True)]

    @property
    def values(self) -> list[float]:
        return [*self.measured, *self.forecast]


def kind_of(value: float) -> str:
    return "unknown" if isnan(value) else "zero" if value == 0.0 else "overflow" if value == inf else "size"


@dataclass(frozen=True)
class Plot:
    """A panel's place on the sheet: its decades lie between `ceiling` and `floor`, what has none beyond them."""

    track: Track
    top: float

    @cached_property
    def exponents(self) -> tuple[int, int]:
        values = [value for value in (*self.track.values, self.track.low, self.track.high) if 0.0 < value < inf]
        return floor(log10(min(values))), ceil(log10(max(values)))

    @cached_property
    def ceiling(self) -> float:
        return self.top + (STRIP if inf in self.track.values else 0.0)

    @cached_property
    def floor(self) -> float:
        return self.ceiling + HEIGHT

    @cached_property
    def bottom(self) -> float:
        return self.floor + (STRIP if 0.0 in self.track.values else 0.0)

    @property
    def slot(self) -> float:
        return (RIGHT - LEFT) / len(self.track.measured)

    def x(self, index: int) -> float:
        return LEFT + (index + 0.5) * self.slot

    def y(self, value: float) -> float:
        if not 0.0 < value < inf:
            return self.bottom - STRIP / 3.0 if value == 0.0 else self.top + STRIP / 3.0
        low, high = self.exponents
        return self.floor - (log10(value) - low) / (high - low) * HEIGHT

    def runs(self, values: list[float]) -> Iterator[list[tuple[float, float]]]:
        """Yield the stretches of a line: a logarithm does not lead to 0, nor to infinity, nor through the unknown."""
        for kind, run in groupby(enumerate(values), lambda pair: kind_of(pair[1])):
            if kind != "unknown":
                yield [(self.x(index), self.y(value)) for index, value in run]


def step_of(least: float) -> int:
    """Return the least of 1, 2, 5, 10, 20, 50, … that is not below."""
    return next(step for ten in (1, 10, 100, 1000) for step in (ten, 2 * ten, 5 * ten) if step >= least)


def draw_axis(plot: Plot) -> Iterator[str]:
    top, bottom = plot.y(plot.track.high), plot.y(plot.track.low)
    yield element("rect", class_="zone", x=LEFT, y=top, width=RIGHT - LEFT, height=bottom - top)
    low, high = plot.exponents
    step = step_of((high - low) * 22.0 / HEIGHT)
    for exponent in range(-(-low // step) * step, high + 1, step):
        y = plot.floor - (exponent - low) / (high - low) * HEIGHT
        yield line([(LEFT, y), (RIGHT, y)], "rule grid")
        yield power(exponent, LEFT - 7.0, y + 4.0)
    for value, border, sign in ((0.0, plot.floor, "0"), (inf, plot.ceiling, "∞")):
        if value in plot.track.values:
            yield line([(LEFT, border), (RIGHT, border)], "rule edge break")
            yield words(sign, LEFT - 7.0, plot.y(value) + 4.0, "small soft", "end")
    yield line([(LEFT, plot.bottom), (RIGHT, plot.bottom)], "rule edge")


def name_zone(plot: Plot) -> str:
    """Name the zone where the fewest dots are, outside where it is too thin to hold a word."""
    name, shown = "normal zone", plot.track.shown
    wide, high, low = width_of(name, SMALL), plot.y(plot.track.high), plot.y(plot.track.low)
    dots = [(plot.x(index), plot.y(value)) for index, value in enumerate(shown) if not isnan(value)]
    places = [
        (x, y)
        for y in ((high + 14.0, low - 6.0) if low - high > 30.0 else (high - 6.0, low + 14.0))
        for x in (RIGHT - wide - 4.0, LEFT + 6.0)
        if plot.ceiling + 10.0 <= y <= plot.floor
    ]

    def crowd(place: tuple[float, float]) -> int:
        left, base = place
        return sum(-8.0 < x - left < wide + 8.0 and -18.0 < y - base < 8.0 for x, y in dots)

    x, y = min(places, key=crowd)
    return words(name, x, y, f"small normal{' halo' if crowd((x, y)) else ''}")
