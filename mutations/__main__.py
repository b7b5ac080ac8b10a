"""Takes a share of all mutants by a seed, runs each against the tests about its file, and lists those not noticed."""

import argparse
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from queue import Empty
from typing import Any

from mutations.configuration import ROOT, Configuration, configuration
from mutations.mutants import Mutant, mutants_of
from mutations.runner import Outcome, Queues, work


def every_mutant(config: Configuration, only: str) -> list[Mutant]:
    """Return the mutants of every file that has tests, but for lines that only cost."""
    found: list[Mutant] = []
    for path in sorted((ROOT / "service").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if name.startswith(only) and any(name.startswith(beginning) for beginning in config.tests):
            lines = path.read_text().splitlines()
            found += [each for each in mutants_of(path, ROOT) if config.concerns(each, lines[each.line - 1])]
    return list(dict.fromkeys(found))


def outcomes_of(mutants: list[Mutant], config: Configuration, minutes: float) -> Iterator[Outcome]:
    """Yield what becomes of mutants, one after the other, until the time is up, counted from the first on."""
    context = get_context("spawn")
    queues = Queues(context.Queue(), context.Queue(), context.Queue())
    tests = sorted({test for mutant in mutants for test in config.tests_of(mutant.path)})
    processes = [
        context.Process(target=work, args=(number, queues, config, tests)) for number in range(config.processes)
    ]
    for process in processes:
        process.start()

    def following() -> Outcome | None:
        while True:
            try:
                return queues.outcomes.get(timeout=1.0)
            except Empty:
                if not all(process.is_alive() for process in processes):
                    raise SystemExit("a test fails before anything is changed, or a process ended by itself") from None

    for _ in processes:  # each says when it has run the tests once
        following()
    end, waiting, rest = time.monotonic() + 60.0 * minutes, 0, list(reversed(mutants))
    while waiting or (rest and time.monotonic() < end):
        while rest and waiting < 2 * len(processes) and time.monotonic() < end:
            queues.tasks.put(rest.pop())
            waiting += 1
        outcome = following()
        assert outcome is not None
        yield outcome
        waiting -= 1
    for _ in processes:
        queues.tasks.put(None)
    for process in processes:
        process.join()


def report(found: list[Outcome], total: int, seed: int) -> None:
    by_folder: dict[str, Counter[bool]] = {}
    for outcome in found:
        by_folder.setdefault(str(outcome.mutant.path.parent), Counter())[outcome.seen] += 1
    print(f"\n{len(found)} of {total} mutants, seed {seed}")
    for folder, counts in sorted(by_folder.items()):
        print(f"  {folder:36} {counts[True]:4} of {counts.total():4} seen: {counts[True] / counts.total():.0%}")
    seen = sum(outcome.seen for outcome in found)
    print(f"  {'all':36} {seen:4} of {len(found):4} seen: {seen / max(1, len(found)):.1%}")
    for outcome in found:
        if not outcome.seen:
            print(f"not seen: {outcome.mutant}")


def arguments() -> Any:
    parser = argparse.ArgumentParser(prog="mutations", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long to go on; left out: pyproject.toml's")
    parser.add_argument("--seed", type=int, help="which share of the mutants; left out: a fresh one, printed")
    parser.add_argument("--only", default="service", help="the beginning of the paths that are changed")
    parser.add_argument("--line", type=int, help="one line's mutants alone, all of them")
    return parser.parse_args()


def main() -> None:
    """Run a share of the mutants; ends with 1 where fewer than nine in ten are noticed."""
    asked, config = arguments(), configuration()
    seed = secrets.randbelow(10**6) if asked.seed is None else asked.seed
    mutants = every_mutant(config, asked.only)
    if asked.line is not None:
        mutants = [each for each in mutants if each.line == asked.line]
    total = len(mutants)
    random.Random(seed).shuffle(mutants)
    print(f"{total} mutants, in the order of seed {seed}", flush=True)
    found: list[Outcome] = []
    for outcome in outcomes_of(mutants, config, asked.minutes or config.minutes):
        found.append(outcome)
        word = f"seen by {outcome.by}" if outcome.seen else "NOT SEEN"
        print(f"{outcome.seconds:6.1f} s  {outcome.mutant}  {word}", flush=True)
    report(found, total, seed)
    sys.exit(sum(outcome.seen for outcome in found) < 0.9 * len(found))


if __name__ == "__main__":
    main()
