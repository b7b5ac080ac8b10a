"""A model that is filled in place, against transformers' own start of it; over HTTP; and by two ranks."""

import subprocess

from benchmarks.measuring import Comparison, Reading, Section, Side, Target, alternate
from benchmarks.processes import ROOT, environment, free_port, module
from benchmarks.servers import initserve
from benchmarks.workers import Missing, worker

LOCAL, HTTP, TWO_RANKS, PEAK = Target(0.35), Target(0.8), Target(0.5), Target(100.0)
PATHS = {"PYTHONPATH": f"{ROOT}:{ROOT / 'clients' / 'python'}"}


def measure(rounds: int) -> Section:
    section = Section("A Llama of 1.1 billion parameters filled on the CPU, against transformers' from_config")
    filling = module("benchmarks.filling")
    try:
        with worker(filling, **PATHS) as ours, worker(filling, **PATHS) as theirs, initserve() as server:
            above = ours.side("peak")()
            section.readings.append(Reading("Local(), memory above the parameters", "MiB", above, above, above, PEAK))
            for name, asked, target in (("Local()", "local", LOCAL), ("over HTTP", f"http {server.url}", HTTP)):
                measured = alternate(ours.side(asked), theirs.side("from_config"), rounds)
                section.comparisons.append(Comparison(name, "transformers from_config", measured, target))
    except Missing as error:
        section.left_out.append(str(error))
        return section
    section.comparisons.append(
        Comparison("two gloo ranks", "one, of as many threads each", alternate(ranks(2), ranks(1), rounds), TWO_RANKS)
    )
    return section


def ranks(count: int) -> Side:
    """Return the side of so many ranks that fill the model together, each by one thread."""

    def run() -> float:
        variables = {**PATHS, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(count)}
        variables |= {"INITSERVE_DRAWING_THREADS": "1", "OMP_NUM_THREADS": "1"}
        started = [
            subprocess.Popen(
                module("benchmarks.ranks"), cwd=ROOT, env=environment(**variables, RANK=str(rank)),
                stdout=subprocess.PIPE, text=True,
            )
            for rank in range(count)
        ]  # fmt: skip
        told = [process.communicate()[0] for process in started]
        return float(told[0])

    return run
