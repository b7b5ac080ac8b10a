"""What is under way just now, for /metrics: read when it is asked for, not counted."""

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from service import __version__
from service.stream.streams import ALGORITHM

if TYPE_CHECKING:
    from service.api.services import Services


def gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"initserve_{name}", meaning, value)


def gauges(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"initserve_{name}", meaning, labels=[label])
    for value, count in sorted(values.items()):
        family.add_metric([value], count)
    return family


class State(Collector):
    """What the services of one application hold, and how much of it is taken."""

    def __init__(self, services: "Services", golden: str) -> None:
        self._services = services
        self._build = {"version": __version__, "algorithm": ALGORITHM, "golden": golden, "numpy": version("numpy")}

    def collect(self) -> Iterator[Metric]:
        services = self._services
        memory, standing = services.room.memory, services.room.standing
        meaning = "Versions, and the digest of the golden digests as they come out here."
        yield InfoMetricFamily("initserve_build", meaning, self._build)
        ready = services.readiness.is_ready(ALGORITHM)
        yield gauge("ready", "1 where the golden digests of initserve/1 agree.", ready)
        yield gauge("in_flight_bytes", "Memory granted to what is under way.", memory.taken)
        yield gauge("in_flight_limit_bytes", "The most memory that is granted.", memory.limit)
        meaning = "Memory granted to what is made as a whole."
        yield gauge("standing_in_flight_bytes", meaning, standing.taken)
        yield gauge("standing_in_flight_limit_bytes", "The most memory that is granted so.", standing.limit)
        yield gauge("requests_in_flight", "Requests whose answers are not all sent.", services.metrics.under_way)
        waiting = {name: count for name, (count, _) in services.workers.lines().items()}
        yield gauges("waiting", "Jobs that wait for a thread.", "line", waiting)
        drawn = CounterMetricFamily("initserve_drawn_bytes", "Bytes of values drawn.", labels=["algorithm", "dtype"])
        for stream, count in sorted(services.workers.drawn.copy().items()):
            drawn.add_metric(stream, count)
        yield drawn
