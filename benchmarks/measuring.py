"""What is measured: two sides in turn, their ratio, single readings, and targets."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from statistics import median
from typing import Literal, TypeAlias

Side: TypeAlias = Callable[[], float]  # one run; returns seconds


@dataclass(frozen=True)
class Target:
    limit: float
    at_most: bool = True

    def met_by(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit


@dataclass(frozen=True)
class Comparison:
    """Two sides, measured in turn: seconds of every round, ours first."""

    ours: str
    theirs: str
    rounds: tuple[tuple[float, float], ...]
    target: Target | None = None
    ratio_of: Literal["time", "rate"] = "time"

    @property
    def ratios(self) -> list[float]:
        return [ours / theirs if self.ratio_of == "time" else theirs / ours for ours, theirs in self.rounds]

    @property
    def ratio(self) -> float:
        # Of each round's own two runs: what disturbs the machine for longer than a round disturbs both sides.
        return median(self.ratios)

    @property
    def medians(self) -> tuple[float, float]:
        ours, theirs = zip(*self.rounds, strict=True)
        return median(ours), median(theirs)


@dataclass(frozen=True)
class Reading:
    """A figure that has no other side: its value, and the lowest and highest of its repetitions."""

    name: str
    unit: Literal["s", "µs", "MiB"]
    value: float
    low: float
    high: float
    target: Target | None = None


@dataclass(frozen=True)
class Point:
    """A point of the curve of cost against size."""

    elements: int
    seconds: tuple[float, ...]


@dataclass
class Section:
    """What one case found, and what it left out and why."""

    title: str
    comparisons: list[Comparison] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def alternate(ours: Side, theirs: Side, rounds: int) -> tuple[tuple[float, float], ...]:
    """Warm both sides up, then run them in turn."""
    ours()
    theirs()
    return tuple((ours(), theirs()) for _ in range(rounds))


def reading(name: str, seconds: list[float], target: Target | None = None) -> Reading:
    return Reading(name, "s", median(seconds), min(seconds), max(seconds), target)


def percentile(values: list[float], percent: int) -> float:
    return sorted(values)[min(len(values) * percent // 100, len(values) - 1)]


def seeds() -> Iterator[int]:
    """Count the seeds of one server's requests: what it might keep of one answer is of no use for the next."""
    return count(1)
