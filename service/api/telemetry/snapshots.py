"""What all metrics say at one moment: handed from process to process, and added up over several."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from prometheus_client import Metric
from prometheus_client.registry import Collector

# Gauges that are not shares of a whole: how those of several processes become one.
TOGETHER: dict[str, Callable[[float, float], float]] = {
    "initserve_build_info": max,
    "initserve_ready": min,
    "process_start_time_seconds": min,
}
LASTING = ("counter", "histogram")


class Snapshot(Collector):
    """Metrics with their samples; a registry's `collect` gives them, and so does this."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    @classmethod
    def of(cls, registry: Collector) -> "Snapshot":
        """Return what a registry's metrics say now; when each was first used is left out."""
        families = list(registry.collect())
        for family in families:
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
        return cls(families)

    @classmethod
    def of_json(cls, text: bytes) -> "Snapshot":
        """Return what `to_json` wrote, in this process or another."""
        return cls(_family(**each) for each in json.loads(text))

    def to_json(self) -> bytes:
        families = [
            {
                "name": family.name,
                "kind": family.type,
                "meaning": family.documentation,
                "samples": [[sample.name, sample.labels, sample.value] for sample in family.samples],
            }
            for family in self._families
        ]
        return json.dumps(families).encode()

    def collect(self) -> list[Metric]:
        return self._families

    def lasting(self) -> "Snapshot":
        """Return what must go on being counted once the process has ended: else its counts would seem to go back."""
        return Snapshot(family for family in self._families if family.type in LASTING)


def _family(name: str, kind: str, meaning: str, samples: Sequence[Sequence[Any]]) -> Metric:
    family = Metric(name, meaning, kind)
    for sample, labels, value in samples:
        family.add_sample(sample, labels, value)
    return family


def added(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Return what the metrics of several processes add up to: sums, but for what TOGETHER has."""
    families: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
    for snapshot in snapshots:
        for family in snapshot.collect():
            families.setdefault(family.name, family)
            found = values.setdefault(family.name, {})
            for sample in family.samples:
                key = sample.name, tuple(sorted(sample.labels.items()))
                together = TOGETHER.get(sample.name, float.__add__)
                found[key] = together(found[key], float(sample.value)) if key in found else float(sample.value)
    return Snapshot(
        _family(
            family.name,
            family.type,
            family.documentation,
            [(sample, dict(labels), value) for (sample, labels), value in values[family.name].items()],
        )
        for family in families.values()
    )
