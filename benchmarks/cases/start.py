"""Seconds from the start to ready, with the kernels' machine code kept and without."""

import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.measuring import Comparison, Section
from benchmarks.processes import ROOT
from benchmarks.servers import initserve

FEW = 3  # rounds: compiling takes long


def measure(rounds: int) -> Section:
    section = Section("Start-up to ready, with compiled kernels and without")
    measured = tuple(with_and_without() for _ in range(min(rounds, FEW)))
    section.comparisons.append(Comparison("kernels kept", "kernels compiled anew", measured))
    return section


def with_and_without() -> tuple[float, float]:
    """Start from a fresh copy, which compiles, and then again."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "service", Path(folder, "service"), ignore=shutil.ignore_patterns("__pycache__"))
        anew = start(Path(folder))
        return start(Path(folder)), anew


def start(root: Path) -> float:
    began = time.perf_counter()
    with initserve(root):
        return time.perf_counter() - began
