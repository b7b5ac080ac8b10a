"""The cases, by name, in the order in which they run."""

from collections.abc import Callable

from benchmarks.cases import (
    base64,
    diagnosis,
    filling,
    frameworks,
    latency,
    limit,
    memory,
    models,
    ranges,
    replay,
    size,
    small,
    start,
    unix,
)
from benchmarks.measuring import Section

CASES: dict[str, Callable[[int], Section]] = {
    "frameworks": frameworks.measure,
    "replay": replay.measure,
    "filling": filling.measure,
    "limit": limit.measure,
    "base64": base64.measure,
    "small": small.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "models": models.measure,
    "size": size.measure,
    "ranges": ranges.measure,
    "start": start.measure,
    "diagnosis": diagnosis.measure,
    "unix": unix.measure,
}
