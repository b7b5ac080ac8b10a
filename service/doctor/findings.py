"""What the doctor finds: that something is wrong, might be better, or is as it should be."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["wrong", "warning", "fine"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong keeps the service from what it promises; a warning costs speed, or lets strangers do more."""

    level: Level
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.level:8} {self.about}: {self.text}"


def wrong(about: str, text: str) -> Finding:
    return Finding("wrong", about, text)


def warning(about: str, text: str) -> Finding:
    return Finding("warning", about, text)


def fine(about: str, text: str) -> Finding:
    return Finding("fine", about, text)


def summary(findings: list[Finding]) -> str:
    """Return how many of them ask for something to be done."""
    faults = sum(finding.level == "wrong" for finding in findings)
    warnings = sum(finding.level == "warning" for finding in findings)
    return f"{faults} wrong, {warnings} warning{'' if warnings == 1 else 's'}"
