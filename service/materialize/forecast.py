"""--dry-run: how long a checkpoint would take on so many workers, and what binds; drawn is a second of it, no more.

With whole shards shared out, each to whoever is free,

    time = start + max(shared out: max(core-seconds, bytes / link) of each shard, bytes / store, requests / their rate)

of which the first is about max(core-seconds, bytes / link) / workers, and never less than the largest shard's own.
"""

from collections.abc import Sequence
from heapq import heapify, heapreplace
from typing import NamedTuple

from service.materialize.places.parts import part_size

LINK = 1e9 / 8  # bytes a second of each worker's network: what a processor of a large machine has of it in most clouds
REQUESTS = 3500.0  # writes a second that Amazon's S3 takes under one prefix; others take about as many
BESIDE = 6  # requests of a shard beside its parts: begun, finished, looked at, its record written, read and removed
SEVERAL = (10, 100, 1000, 10_000)


class Shard(NamedTuple):
    """What a shard takes: bytes to be sent, and seconds of one processor."""

    bytes: int
    seconds: float

    @property
    def requests(self) -> int:
        """Requests to a store that writes it."""
        return -(-self.bytes // part_size(self.bytes)) + BESIDE


class Cluster(NamedTuple):
    """What is stated of workers and store: bytes a second of each worker's link, and of all at the store, requests.

    None is without bound: a directory of the machine's own has no link. `start` is how many seconds it takes until a
    worker draws: it begins, and plans.
    """

    link: float | None = LINK
    store: float | None = None
    requests: float | None = REQUESTS
    start: float = 0.0

    def __str__(self) -> str:
        stated = {
            "Gbit/s of network each": None if self.link is None else self.link * 8e-9,
            "Gbit/s at the store": None if self.store is None else self.store * 8e-9,
            "requests a second at the store": self.requests,
        }
        told = [f"{number:,g} {what}" for what, number in stated.items() if number is not None]
        return "; ".join(["of one processor each", *told])


class Time(NamedTuple):
    seconds: float
    binds: str


def time_of(shards: Sequence[Shard], workers: int, cluster: Cluster) -> Time:
    """Return how long so many workers take, each of one processor, and what they wait for."""
    cores = [shard.seconds for shard in shards]
    links = [0.0 if cluster.link is None else shard.bytes / cluster.link for shard in shards]
    both = shared_out([max(each) for each in zip(cores, links, strict=True)], workers)
    found = {"cores" if shared_out(cores, workers) >= shared_out(links, workers) else "network": both}
    if cluster.store is not None:
        found["store"] = sum(shard.bytes for shard in shards) / cluster.store
    if cluster.requests is not None:
        found["requests"] = sum(shard.requests for shard in shards) / cluster.requests
    binds = max(found, key=lambda name: found[name])
    alone = max(map(max, zip(cores, links, strict=True)), default=0.0)
    largest = " of one shard" if found[binds] == alone and workers > 1 else ""
    return Time(cluster.start + found[binds], binds + largest)


def shared_out(seconds: Sequence[float], workers: int) -> float:
    """Return when the last is done where each, in order, goes to whoever is free first."""
    if workers >= len(seconds):
        return max(seconds, default=0.0)
    until = [0.0] * workers
    heapify(until)
    for each in seconds:
        heapreplace(until, until[0] + each)
    return max(until)


def several(workers: int, shards: int) -> list[int]:
    """Return numbers of workers to tell of: one, those asked for, tens, and as many as there are shards."""
    return sorted({1, workers, shards, *(each for each in SEVERAL if each < shards)} - {0})


def told(shards: Sequence[Shard], workers: int, cluster: Cluster) -> list[str]:
    """Return a table in words: how long so many workers and others take, and what they wait for."""
    lines = [f"{'workers':>9}  {'time':>9}  what binds"]
    for number in several(workers, len(shards)):
        time = time_of(shards, number, cluster)
        lines.append(f"{number:>9,}  {in_words(time.seconds):>9}  {time.binds}")
    lines.append(str(cluster))
    return lines


def in_words(seconds: float) -> str:
    """Return a time as people say it, in two digits or three."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
