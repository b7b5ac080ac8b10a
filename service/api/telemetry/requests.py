"""What is told of every request once it is over: in metrics, in the log, and as spans."""

import logging
import time
from typing import TYPE_CHECKING, Any

from starlette.types import Scope

from service.api.problems import NOBODY
from service.api.telemetry.metrics import Metrics
from service.api.telemetry.phases import seconds_of
from service.api.telemetry.routes import method_of, route_of
from service.api.telemetry.spans import Spans

if TYPE_CHECKING:
    from service.api.door.visits import Visit

LONGEST_TARGET = 1024  # characters that are logged
SAID = '%s "%s %s HTTP/%s" %s'
access = logging.getLogger("initserve.access")


def target_of(scope: Scope) -> str:
    """Return what a request asks for, as it was sent; an address that holds a spec may be long."""
    path, query = scope.get("raw_path", b""), scope.get("query_string", b"")
    target: bytes = path + b"?" + query if query else path
    return target[:LONGEST_TARGET].decode("latin-1")


def tell(scope: Scope, visit: "Visit", metrics: Metrics, spans: Spans | None, outcome: str) -> None:
    """Count and log a request that is over, and trace it where that is wanted; `outcome` is how its answer ended."""
    took = time.monotonic() - visit.began
    route, method, status = route_of(scope), method_of(scope), str(visit.status)
    metrics.observe_request(method, route, status, took)
    if visit.answered:
        metrics.observe_first_byte(route, visit.answered - visit.began)
    if visit.status not in (0, NOBODY) and outcome != "complete":
        metrics.aborted_streams.labels(outcome).inc()
    if spans is not None:
        spans.tell(scope, visit, method, route, outcome)
    if access.isEnabledFor(logging.INFO):
        asked = visit.client.name, scope["method"], target_of(scope), scope["http_version"], status
        record = logging.LogRecord(access.name, logging.INFO, "", 0, SAID, asked, None)  # of no line of a file
        record.fields, record.identity = members(visit, method, route, took, outcome), visit.identity
        access.handle(record)


def members(visit: "Visit", method: str, route: str, took: float, outcome: str) -> dict[str, Any]:
    """Return what a log says of a request beside its ids: no header and nothing of a body."""
    found: dict[str, Any] = {
        "client": visit.client.name,
        "method": method,
        "route": route,
        "status": visit.status,
        "outcome": outcome,
        "bytes": visit.sent,
        "seconds": round(took, 6),
    }
    if visit.answered:
        found["first_byte_seconds"] = round(visit.answered - visit.began, 6)
    if visit.problem:
        found["problem"] = visit.problem
    for name, seconds in seconds_of(visit.phases).items():
        found[f"{name}_seconds"] = round(seconds, 6)
    return found
