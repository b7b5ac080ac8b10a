"""Small requests a second, against a bare route that validates the same bodies."""

import json
import shutil
import subprocess
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.curl import WrongAnswer
from benchmarks.measuring import Comparison, Section, Side, Target, alternate
from benchmarks.servers import bare, initserve

SCRIPT = Path(__file__).parents[1] / "post.lua"
WRK = ["wrk", "--threads", "1", "--connections", "8", "--duration", "2s", "--script", str(SCRIPT)]
SEEDS = 1_000_000  # of one run, more than it has requests: no two requests share one
TARGET = Target(0.6, at_most=False)
REQUESTS: dict[str, tuple[str, dict[str, Any]]] = {
    "statistics of dense [784, 256]": (
        "/init?include=statistics",
        {"type": "dense", "shape": [784, 256], "activation": "relu"},
    ),
    "a bias of 10": ("/init", {"type": "tensor", "shape": [10], "scheme": "zeros"}),
}


def measure(rounds: int) -> Section:
    section = Section("Small requests a second over 8 connections, against a FastAPI route that only validates them")
    if not shutil.which("wrk"):
        section.left_out.append("wrk is not installed (make bench-tools)")
        return section
    with initserve() as ours, bare("routes") as theirs:
        for name, (path, layer) in REQUESTS.items():
            measured = alternate(posting(ours.url + path, layer), posting(theirs.url + path, layer), rounds)
            section.comparisons.append(Comparison(name, "bare route", measured, TARGET, "rate"))
    return section


def posting(url: str, layer: dict[str, Any]) -> Side:
    body = ('{"seed": ', f', "layers": [{json.dumps(layer)}]}}')
    firsts = count(1, SEEDS)

    def run() -> float:
        found = subprocess.run([*WRK, url, "--", *body, str(next(firsts))], capture_output=True, text=True, check=True)
        summary = json.loads(found.stdout.splitlines()[-1])
        if summary["failed"] or not summary["requests"]:
            raise WrongAnswer(f"{summary['failed']} of {summary['requests']} requests to {url} failed")
        seconds: float = summary["microseconds"] / 1e6 / summary["requests"]
        return seconds

    return run
