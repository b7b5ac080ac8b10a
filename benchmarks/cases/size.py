"""Cost against size, from a thousand elements to a thousand million."""

from benchmarks.curl import npy
from benchmarks.measuring import Point, Section, seeds
from benchmarks.servers import initserve

SIZES = tuple(10**power for power in range(3, 10))
LARGE = 10**9
FEW = 3  # rounds in which the largest takes part


def measure(rounds: int) -> Section:
    section = Section("Cost against size: random_normal, float32, .npy, to curl")
    new = seeds()
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    with initserve() as server:
        for size in SIZES[:-1]:
            npy(server.url, "random_normal", [size], new)()
        for turn in range(rounds):
            for size in SIZES:
                if size < LARGE or turn < FEW:
                    seconds[size].append(npy(server.url, "random_normal", [size], new)())
    section.points = [Point(size, tuple(found)) for size, found in seconds.items()]
    return section
