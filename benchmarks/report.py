"""The figures as results.json and table.md."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from statistics import median
from typing import Any

from benchmarks.measuring import Comparison, Point, Reading, Section, Target

Machine = Mapping[str, str | int]
EXPLANATION = (
    "Two sides of a ratio run in turn (A B A B …); the ratio is the median of the rounds' own ratios, the spread their "
    "lowest and highest. Seconds are medians. A target is a wish, not a test."
)


def as_json(machine: Machine, rounds: int, sections: Mapping[str, Section]) -> str:
    cases = {name: document(section) for name, section in sections.items()}
    return json.dumps({"machine": machine, "rounds": rounds, "cases": cases}, indent=2, ensure_ascii=False) + "\n"


def document(section: Section) -> dict[str, Any]:
    """Return a section with what follows from its rounds."""
    found = asdict(section)
    for entry, comparison in zip(found["comparisons"], section.comparisons, strict=True):
        ours, theirs = comparison.medians
        entry |= {"ratio": comparison.ratio, "spread": [min(comparison.ratios), max(comparison.ratios)]}
        entry |= {"median_seconds": {"ours": ours, "theirs": theirs}}
        entry["met"] = comparison.target and comparison.target.met_by(comparison.ratio)
    for entry, reading in zip(found["readings"], section.readings, strict=True):
        entry["met"] = reading.target and reading.target.met_by(reading.value)
    for entry, point in zip(found["points"], section.points, strict=True):
        entry["median_seconds"] = median(point.seconds)
    return found


def as_markdown(machine: Machine, rounds: int, sections: Iterable[Section]) -> str:
    versions = ", ".join(f"{name} {machine[name]}" for name in ("numpy", "torch", "keras", "jax"))
    lines = [
        "# Benchmarks",
        "",
        f"{machine['cores']} cores of {machine['processor']}, Python {machine['python']}, {versions}; {rounds} rounds.",
        EXPLANATION,
    ]
    for section in sections:
        lines += ["", f"## {section.title}"]
        lines += compared(section.comparisons) + read(section.readings) + sized(section.points)
        lines += [line for reason in section.left_out for line in ("", f"Left out: {reason}.")]
    return "\n".join(lines) + "\n"


def compared(comparisons: list[Comparison]) -> list[str]:
    rows = []
    for one in comparisons:
        ours, theirs = map(seconds, one.medians)
        spread = f"{min(one.ratios):.3f} to {max(one.ratios):.3f}"
        verdict = judged(one.target, one.ratio, "{:g}".format)
        rows.append(
            f"| {one.ours} | {one.theirs} | {one.ratio_of} | {one.ratio:.3f} | {spread} | {ours} | {theirs} {verdict}"
        )
    return table("| ours | against | ratio of | ratio | spread | ours | theirs | target | met |", rows)


def read(readings: list[Reading]) -> list[str]:
    rows = []
    for one in readings:
        show = seconds if one.unit == "s" else f"{{:.1f}} {one.unit}".format
        spread = f"{show(one.low)} to {show(one.high)}" if one.low < one.high else "one run"
        rows.append(f"| {one.name} | {show(one.value)} | {spread} {judged(one.target, one.value, show)}")
    return table("| what | value | spread | target | met |", rows)


def sized(points: list[Point]) -> list[str]:
    rows = []
    for one in points:
        middle = median(one.seconds)
        spread = f"{seconds(min(one.seconds))} to {seconds(max(one.seconds))}"
        rows.append(f"| {one.elements:,} | {seconds(middle)} | {spread} | {one.elements / middle / 1e6:.3g} |")
    return table("| elements | median | spread | million elements a second |", rows)


def table(head: str, rows: list[str]) -> list[str]:
    return ["", head, "|---" * (head.count("|") - 1) + "|", *rows] if rows else []


def judged(target: Target | None, value: float, show: Callable[[float], str]) -> str:
    """Return the last two cells of a row."""
    if target is None:
        return "| | |"
    return f"| {'≤' if target.at_most else '≥'} {show(target.limit)} | {'yes' if target.met_by(value) else 'no'} |"


def seconds(value: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e3)):
        if value * scale >= 1.0:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"
