"""`python -m benchmarks [--rounds N] [CASE...]`: runs the cases, writes artefacts/benchmarks."""

import argparse
import logging
import shutil
import signal
import sys
import time
from collections.abc import Sequence

from benchmarks.cases import CASES
from benchmarks.machine import describe
from benchmarks.measuring import Section
from benchmarks.plot import plot
from benchmarks.processes import ROOT
from benchmarks.report import as_json, as_markdown

OUTPUT = ROOT / "artefacts" / "benchmarks"
log = logging.getLogger("benchmarks")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast the service is, in ratios.")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(CASES)}; left out: all")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of a pair, at least 7 for figures to show (9)")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.cases) - CASES.keys()
    if unknown or chosen.rounds < 1:
        parser.error(f"no such case: {', '.join(sorted(unknown))}" if unknown else "at least one round")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # As Ctrl-C does, so that what was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not shutil.which("curl"):
        raise SystemExit("curl is not installed (make bench-tools)")
    broken = run(chosen.cases or list(CASES), chosen.rounds)
    log.info("%s\n%s", (OUTPUT / "table.md").read_text(), OUTPUT.relative_to(ROOT))
    if broken:
        raise SystemExit(f"these cases could not be measured: {', '.join(broken)}")


def run(names: Sequence[str], rounds: int) -> list[str]:
    """Run the cases and write what they found; return those that could not be measured, however slow the others."""
    sections: dict[str, Section] = {}
    broken = []
    for name in names:
        began = time.monotonic()
        log.info("%s …", name)
        try:
            sections[name] = CASES[name](rounds)
        except Exception as error:  # what the other cases find must not be lost
            log.exception("%s could not be measured", name)
            sections[name] = Section(name, left_out=[f"{type(error).__name__} (see the log)"])
            broken.append(name)
        write(rounds, sections)
        log.info("%s: %.0f s", name, time.monotonic() - began)
    return broken


def write(rounds: int, sections: dict[str, Section]) -> None:
    """Write what is found so far, so that an interrupted run leaves something."""
    machine = describe()
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / "results.json").write_text(as_json(machine, rounds, sections))
    (OUTPUT / "table.md").write_text(as_markdown(machine, rounds, sections.values()))
    (OUTPUT / "plot.svg").write_text(plot(sections))


if __name__ == "__main__":
    main()
