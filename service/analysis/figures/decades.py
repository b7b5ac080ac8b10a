"""A panel on a logarithmic axis, with room for what no logarithm shows: 0 and overflow; a layer's sizes on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, inf, isnan, log10

from service.analysis.figures.svg import MARGIN, SMALL, WIDTH, element, line, number, power, width_of, words
from service.once import once

LEFT, RIGHT = MARGIN + 38.0, WIDTH - MARGIN
HEIGHT = 150.0  # of the decades
STRIP = 22.0  # under them for 0, over them for overflow


def kind_of(value: float) -> str:
    return "unknown" if isnan(value) else "zero" if value == 0.0 else "overflow" if value == inf else "size"


def step_of(least: float) -> int:
    """Return the least of 1, 2, 5, 10, 20, 50, … that is not below."""
    return next(step for ten in (1, 10, 100, 1000) for step in (ten, 2 * ten, 5 * ten) if step >= least)


@dataclass(frozen=True)
class Decades:
    """An axis that holds these values: decades lie between `ceiling` and `floor`, what has none beyond them."""

    values: Sequence[float]  # NaN is not known, infinity overflowed
    top: float
    right: float = RIGHT

    @once
    def exponents(self) -> tuple[int, int]:
        sizes = [value for value in self.values if 0.0 < value < inf] or [1.0]
        low, high = floor(log10(min(sizes))), ceil(log10(max(sizes)))
        return low, max(high, low + 1)

    @once
    def ceiling(self) -> float:
        return self.top + (STRIP if inf in self.values else 0.0)

    @once
    def floor(self) -> float:
        return self.ceiling + HEIGHT

    @once
    def bottom(self) -> float:
        return self.floor + (STRIP if 0.0 in self.values else 0.0)

    def y(self, value: float) -> float:
        if not 0.0 < value < inf:
            return self.bottom - STRIP / 3.0 if value == 0.0 else self.top + STRIP / 3.0
        low, high = self.exponents
        return self.floor - (log10(value) - low) / (high - low) * HEIGHT

    def draw(self) -> Iterator[str]:
        """Yield the grid and what its lines stand for."""
        low, high = self.exponents
        step = step_of((high - low) * 22.0 / HEIGHT)
        for exponent in range(-(-low // step) * step, high + 1, step):
            y = self.floor - (exponent - low) / (high - low) * HEIGHT
            yield line([(LEFT, y), (self.right, y)], "rule grid")
            yield power(exponent, LEFT - 7.0, y + 4.0)
        for part in (2.0, 5.0) if high - low == 1 else ():  # one decade alone has its doubles and halves
            y = self.y(part * 10.0**low)
            yield line([(LEFT, y), (self.right, y)], "rule grid")
            yield words(number(part * 10.0**low), LEFT - 7.0, y + 4.0, "small soft", "end")
        for value, border, sign in ((0.0, self.floor, "0"), (inf, self.ceiling, "∞")):
            if value in self.values:
                yield line([(LEFT, border), (self.right, border)], "rule edge break")
                yield words(sign, LEFT - 7.0, self.y(value) + 4.0, "small soft", "end")
        yield line([(LEFT, self.bottom), (self.right, self.bottom)], "rule edge")

    def curves(self, points: Sequence[tuple[float, float]]) -> Iterator[list[tuple[float, float]]]:
        """Yield the stretches of a line through (x, value): none leads to 0, infinity or the unknown."""
        for kind, run in groupby(points, lambda point: kind_of(point[1])):
            if kind != "unknown":
                yield [(x, self.y(value)) for x, value in run]


@dataclass(frozen=True)
class Track:
    """What one panel shows: a size of each layer, measured and forecast, and the zone in which it should lie."""

    title: str
    measured: list[float]
    forecast: list[float]
    zone: tuple[float, float] | None = None

    @property
    def shown(self) -> list[float]:
        """What the dots stand for: theory, where nothing was measured."""
        return [theory if isnan(value) else value for value, theory in zip(self.measured, self.forecast, strict=True)]


@dataclass(frozen=True)
class Plot:
    """A track's place on the sheet."""

    track: Track
    top: float

    @once
    def axis(self) -> Decades:
        return Decades((*self.track.measured, *self.track.forecast, *(self.track.zone or ())), self.top)

    @property
    def bottom(self) -> float:
        return self.axis.bottom

    @property
    def slot(self) -> float:
        return (RIGHT - LEFT) / len(self.track.measured)

    def x(self, index: int) -> float:
        return LEFT + (index + 0.5) * self.slot

    def y(self, value: float) -> float:
        return self.axis.y(value)

    def draw(self) -> Iterator[str]:
        """Yield the zone and the axis."""
        if self.track.zone is not None:
            bottom, top = map(self.y, self.track.zone)
            yield element("rect", class_="zone", x=LEFT, y=top, width=RIGHT - LEFT, height=bottom - top)
        yield from self.axis.draw()

    def name_zone(self) -> Iterator[str]:
        """Name the zone where the fewest dots are, outside where it is too thin to hold a word."""
        if self.track.zone is None:
            return
        name, shown = "normal zone", self.track.shown
        wide, (low, high) = width_of(name, SMALL), map(self.y, self.track.zone)
        dots = [(self.x(index), self.y(value)) for index, value in enumerate(shown) if not isnan(value)]
        places = [
            (x, y)
            for y in ((high + 14.0, low - 6.0) if low - high > 30.0 else (high - 6.0, low + 14.0))
            for x in (RIGHT - wide - 4.0, LEFT + 6.0)
            if self.axis.ceiling + 10.0 <= y <= self.axis.floor
        ]

        def crowd(place: tuple[float, float]) -> int:
            left, base = place
            return sum(-8.0 < x - left < wide + 8.0 and -18.0 < y - base < 8.0 for x, y in dots)

        x, y = min(places, key=crowd)
        yield words(name, x, y, f"small normal{' halo' if crowd((x, y)) else ''}")
