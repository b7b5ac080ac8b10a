"""What is counted since the start, for /metrics: each metric with what it means, for any thread."""

from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.process_collector import ProcessCollector

from service.api.problems import PROBLEMS, RequestProblem
from service.api.telemetry.snapshots import Snapshot

# How an answer can end that takes long enough for it to matter.
OUTCOMES = ("complete", "client-gone", "stalled", "failed")
# Statuses of what is refused though nothing is wrong with it: another time, or to another client, it would be answered.
REFUSED = (401, 403, 429, 503)
# How an answer can end too early that has begun.
ABORTED = ("client-gone", "stalled", "failed", "cut")
# Seconds: from a page that is there to what is streamed to a slow client.
REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
SOON_SECONDS = REQUEST_SECONDS[:-2]
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)


async def nobody() -> Sequence[Snapshot]:
    """Return what the other processes' metrics say where there are no others."""
    return ()


class Metrics:
    """Metrics of one application, in a registry of its own; `others` asks the processes that serve beside this one."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.others: Callable[[], Awaitable[Sequence[Snapshot]]] = nobody
        ProcessCollector(registry=self.registry)
        self.answers = self._counter("answers_total", "Streamed or abandoned answers, ended.", "outcome")
        for outcome in OUTCOMES:
            self.answers.labels(outcome)
        self.problems = self._counter("problems_total", "Problems answered.", "code")
        self.rejections = self._counter("rejections_total", "Requests refused for what they would take.", "reason")
        self.aborted_streams = self._counter("aborted_streams_total", "Answers cut short after they began.", "reason")
        for reason in ABORTED:
            self.aborted_streams.labels(reason)
        self.under_way = 0  # requests
        self._known: dict[tuple[str, ...], Histogram] = {}
        self.lag = self._histogram("event_loop_lag_seconds", "How late the loop comes to what is due.", LAG_SECONDS)
        self.waits = self._histogram("wait_seconds", "Time in a line before a thread was free.", SOON_SECONDS, "line")
        labels = "method", "route", "status"
        meaning = "Time from a request's head to its answer's last byte."
        self._durations = self._histogram("request_duration_seconds", meaning, REQUEST_SECONDS, *labels)
        meaning = "Time from a request's head to its answer's head."
        self._first_bytes = self._histogram("time_to_first_byte_seconds", meaning, SOON_SECONDS, "route")
        meaning = "Processor time of the threads that read, plan, draw, study and compare."
        self.processor_seconds = self._counter("processor_seconds_total", meaning, "route")
        self.sent_bytes = self._counter("sent_bytes_total", "Bytes of streamed answers sent.")

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"initserve_{name}", meaning, labels, registry=self.registry)

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"initserve_{name}", meaning, labels, buckets=buckets, registry=self.registry)

    def observe_request(self, method: str, route: str, status: str, seconds: float) -> None:
        found = self._known.get((method, route, status))
        if found is None:  # to find it by its labels takes longer than to observe
            found = self._known[method, route, status] = self._durations.labels(method, route, status)
        found.observe(seconds)

    def observe_first_byte(self, route: str, seconds: float) -> None:
        found = self._known.get((route,))
        if found is None:
            found = self._known[route,] = self._first_bytes.labels(route)
        found.observe(seconds)

    def count_problem(self, code: str, reason: str = "") -> None:
        """Count a problem that is answered; `reason` says more of why a request is refused than its code does."""
        self.problems.labels(code).inc()
        if PROBLEMS[code].status in REFUSED or code == "too-large":
            self.rejections.labels(reason or code).inc()

    def count_refusal(self, refused: RequestProblem) -> None:
        self.count_problem(refused.code, refused.reason)
