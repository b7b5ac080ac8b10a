"""Placeholder until the figures are drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_PANELS = 60


@dataclass(frozen=True, slots=True)
class Panel:
    name: str
    subtitle: str
    edges: list[float]
    counts: list[int]
    expected: list[float] | None


def diagnosis_figure(answer: dict[str, Any]) -> str:
    return "<svg xmlns='http://www.w3.org/2000/svg'/>"


def histogram_figure(title: str, panels: Sequence[Panel], total: int = 0) -> str:
    return "<svg xmlns='http://www.w3.org/2000/svg'/>"
