"""`python -m benchmarks.engines`: what an engine takes for itself, over 10,000 numbers of work that draws nothing.

Ray and Dask are measured where they are installed (make clusters), each as a cluster of two workers that is begun for
the while; each engine has a process of its own, whose memory is told too.
"""

import importlib.util
import json
import logging
import resource
import subprocess
import sys
import time

from service.materialize.engines import ENGINES, Asked
from service.materialize.engines.engine import Told

COUNT, WORKERS = 10_000, 2
PACKAGES = {"ray": "ray", "dask": "distributed"}
PROGRAM = "import sys; from benchmarks.engines import tell; tell(sys.argv[1], int(sys.argv[2]))"

log = logging.getLogger("benchmarks")


def nothing(number: int, told: Told) -> int:
    return number


def measured(name: str, count: int) -> dict[str, float]:
    """Return what an engine takes: seconds to begin, milliseconds a number, MiB of this process at the most."""
    began = time.perf_counter()
    with ENGINES[name](Asked(WORKERS, None, None)) as engine:
        assert len(list(engine.map(nothing, range(10), lambda more: None))) == 10
        begin = time.perf_counter() - began
        start = time.perf_counter()
        outcomes = engine.map(nothing, range(count), lambda more: None)
        assert sum(each.result == each.number for each in outcomes) == count
        each = (time.perf_counter() - start) / count * 1e3
    return {"begin": begin, "each": each, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def tell(name: str, count: int) -> None:
    sys.stdout.write(f"{json.dumps(measured(name, count))}\n")


def rows(count: int) -> dict[str, dict[str, float]]:
    """Return what each engine that is installed takes, of a process of its own."""
    found = {}
    for name in ENGINES:
        if importlib.util.find_spec(PACKAGES.get(name, "service")):
            command = [sys.executable, "-c", PROGRAM, name, str(count)]
            told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
            found[name] = json.loads(told.splitlines()[-1])
    return found


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    found = rows(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
    local = found["processes"]["each"]
    log.info("| engine | begins in | a shard | of the local engine's | memory |\n|---|---|---|---|---|")
    for name, each in found.items():
        times = f"{each['begin']:.1f} s | {each['each']:.2f} ms | {each['each'] / local:.1f} | {each['memory']:.0f} MiB"
        log.info("| %s | %s |", name, times)


if __name__ == "__main__":
    main()
