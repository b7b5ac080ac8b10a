"""What a server's /metrics says, read by Prometheus's own reader."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPEN_METRICS = {"accept": "application/openmetrics-text"}


def families(url: str) -> dict[str, Metric]:
    """Return every metric of a server by its name; the strict reader of OpenMetrics takes nothing that is not so."""
    text = httpx.get(f"{url}/metrics", headers=OPEN_METRICS).raise_for_status().text
    return {each.name: each for each in text_string_to_metric_families(text)}  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Scrape:
    """All samples at one moment."""

    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @classmethod
    def of(cls, url: str) -> "Scrape":
        every = (sample for family in families(url).values() for sample in family.samples)
        return cls({(each.name, frozenset(each.labels.items())): each.value for each in every})

    def matching(self, name: str, labels: dict[str, str]) -> Iterator[float]:
        wanted = labels.items()
        return (value for (found, has), value in self.samples.items() if found == name and wanted <= has)

    def value(self, name: str, **labels: str) -> float:
        """Return what the samples of this name with these labels, among others, add up to."""
        return sum(self.matching(f"initserve_{name}", labels))


def grown(url: str, before: Scrape, name: str, **labels: str) -> float:
    """Return by how much a metric has grown since."""
    return Scrape.of(url).value(name, **labels) - before.value(name, **labels)
