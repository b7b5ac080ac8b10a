"""Ranges of files that do not exist: what a range costs by its length alone, and many of them at once."""

import subprocess
import time
from itertools import count

import httpx

from benchmarks.curl import WrongAnswer
from benchmarks.measuring import Comparison, Section, Side, Target, alternate, reading
from benchmarks.processes import environment, module
from benchmarks.servers import MIB, Server, initserve

LAYERS = 1024
TOGETHER = 64
EACH = 32 * MIB  # bytes of each of the ranges that are fetched together


def terabyte(seed: int) -> dict[str, object]:
    """Return a spec of 1,024 layers whose safetensors file has a tebibyte."""
    layers = [{"type": "dense", "shape": [2**14, 2**14], "scheme": "random_normal"} for _ in range(LAYERS)]
    return {"seed": seed, "layers": layers}


def fetch(client: httpx.Client, address: str, wanted: str) -> float:
    """Return the seconds until the last byte of a range has come."""
    began = time.perf_counter()
    found = client.get(address, headers={"range": f"bytes={wanted}"})
    seconds = time.perf_counter() - began
    if found.status_code != 206 or len(found.content) != MIB:
        raise WrongAnswer(f"status {found.status_code}, {len(found.content)} bytes of {wanted}")
    return seconds


def fetched(server: Server, address: str, ranges: list[tuple[int, int]]) -> Side:
    """Return the side that fetches ranges of one file, all at the same time, each over a connection of its own."""
    wanted = [f"{first}-{last}" for first, last in ranges]
    command = module("benchmarks.range_client", str(server.port), address, *wanted)

    def run() -> float:
        return float(subprocess.run(command, check=True, capture_output=True, env=environment()).stdout)

    return run


def measure(rounds: int) -> Section:
    section = Section("Ranges of a safetensors file of 1 TiB, of 1,024 layers")
    seeds = count(1)
    with initserve() as server, httpx.Client(base_url=server.url, trust_env=False, timeout=60.0) as client:

        def address() -> str:
            found: str = client.post("/plan", json=terabyte(next(seeds))).json()["links"]["safetensors"]
            return found

        cold = [fetch(client, address(), f"-{MIB}") for _ in range(rounds)]
        known = address()
        size = int(client.head(known).headers["content-length"])
        fetch(client, known, f"-{MIB}")
        for name, start in (("last", size - MIB), ("first", 0), ("middle", size // 2)):
            seconds = [fetch(client, known, f"{start}-{start + MIB - 1}") for _ in range(5 * rounds)]
            section.readings.append(reading(f"the {name} MiB, planned before", seconds, Target(0.020)))
        section.readings.append(reading("the last MiB, not planned before", cold, Target(0.300)))
        middle = size // 2
        places = [middle + 1024 * MIB * i for i in range(TOGETHER)]
        many = fetched(server, known, [(place, place + EACH - 1) for place in places])
        one = fetched(server, known, [(middle, middle + TOGETHER * EACH - 1)])
        section.comparisons.append(
            Comparison(
                f"{TOGETHER} ranges of {EACH // MIB} MiB at once",
                "one range of as many bytes",
                alternate(many, one, rounds),
                Target(0.9, at_most=False),
                ratio_of="rate",
            )
        )
    return section
