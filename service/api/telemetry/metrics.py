"""What is counted since the start, for /metrics: each metric with what it means, for any thread."""

from collections.abc import Awaitable, Callable, Sequence

from prometheus_client import CollectorRegistry, Counter
from prometheus_client.process_collector import ProcessCollector

from service.api.problems import PROBLEMS, RequestProblem
from service.api.telemetry.snapshots import Snapshot

# How an answer can end that takes long enough for it to matter.
OUTCOMES = ("complete", "client-gone", "stalled", "failed")
# Statuses of what is refused though nothing is wrong with it: another time, or to another client, it would be answered.
REFUSED = (401, 403, 429, 503)


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
        self.sent_bytes = self._counter("sent_bytes_total", "Bytes of streamed answers sent.")

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"initserve_{name}", meaning, labels, registry=self.registry)

    def count_problem(self, code: str, reason: str = "") -> None:
        """Count a problem that is answered; `reason` says more of why a request is refused than its code does."""
        self.problems.labels(code).inc()
        if PROBLEMS[code].status in REFUSED or code == "too-large":
            self.rejections.labels(reason or code).inc()

    def count_refusal(self, refused: RequestProblem) -> None:
        self.count_problem(refused.code, refused.reason)
