"""Requests as spans: sent to a collector that is one, read by OpenTelemetry's own messages."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.api.door.accounts import Accounts
from service.api.door.clients import Client
from service.api.door.visits import Visit
from service.api.telemetry.identity import Identity
from service.api.telemetry.spans import Spans
from tests.api.test_flow import wait_until
from tests.conftest import ROOT, Server, serving

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2]}]}


class Collector(ThreadingHTTPServer):
    """Takes spans, as OTLP over HTTP has them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taking)
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def of(self, request_id: str) -> list[Span]:
        """Return the span of a request, and then those within it; nothing before it came."""
        called = {span.span_id: told(span).get("initserve.request_id") for span in list(self.spans)}
        own = [span for span in self.spans if called[span.span_id] == request_id]
        return [*own, *(span for span in self.spans if own and span.parent_span_id == own[0].span_id)]


class Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        message = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
        for each in message.resource_spans:
            self.server.resources.append({pair.key: pair.value.string_value for pair in each.resource.attributes})
            for scope in each.scope_spans:
                self.server.spans += scope.spans
        self.send_response(200)
        self.end_headers()

    def log_message(self, *about: object) -> None:
        pass


def told(span: Span) -> dict[str, str | int]:
    return {
        pair.key: pair.value.string_value or pair.value.int_value  # each has one of them
        for pair in span.attributes
    }


@contextmanager
def collecting() -> Iterator[Collector]:
    with Collector() as collector:
        thread = threading.Thread(target=collector.serve_forever)
        thread.start()
        try:
            yield collector
        finally:
            collector.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture(scope="module")
def traced(collector: Collector) -> Iterator[Server]:
    sent = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    sent |= {"OTEL_SERVICE_NAME": "weights"}
    with serving(INITSERVE_TELEMETRY="true", INITSERVE_LOG_FORMAT="json", **sent) as server:
        yield server


def test_a_request_is_a_span_of_its_client_s_trace_and_its_phases_are_spans_within(
    traced: Server, collector: Collector
) -> None:
    headers = {"x-request-id": "a", "traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}
    answer = httpx.post(f"{traced.url}/init", json=SPEC, headers=headers)
    wait_until(lambda: len(collector.of("a")) == 5)
    request, *within = collector.of("a")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert (request.name, request.kind, request.trace_state) == ("POST /init", Span.SPAN_KIND_SERVER, "vendor=opaque")
    assert told(request) == {
        "http.request.method": "POST",
        "http.route": "/init",
        "http.response.status_code": 200,
        "http.response.body.size": len(answer.content),
        "network.protocol.version": "1.1",
        "client.address": "127.0.0.1",
        "initserve.request_id": "a",
    }
    assert [span.name for span in within] == ["read", "plan", "draw", "send"]
    ends = [time for span in within for time in (span.start_time_unix_nano, span.end_time_unix_nano)]
    assert ends == sorted(ends)
    assert request.start_time_unix_nano <= ends[0]
    assert ends[-1] <= request.end_time_unix_nano
    assert {span.trace_id for span in within} == {request.trace_id}
    assert collector.resources[0]["service.name"] == "weights"


def test_a_trace_begun_here_is_the_one_that_the_log_and_the_problem_name(traced: Server, collector: Collector) -> None:
    problem = httpx.post(f"{traced.url}/init", json={}, headers={"x-request-id": "b"}).json()
    wait_until(lambda: bool(collector.of("b")))
    request = collector.of("b")[0]
    assert (request.trace_id.hex(), request.parent_span_id) == (problem["trace_id"], b"")
    assert request.status.code == Status.STATUS_CODE_UNSET  # it is the client's fault, and no error of the service
    lines = [json.loads(line) for line in traced.logged().splitlines() if line.startswith("{")]
    assert {line["trace_id"] for line in lines if line.get("request_id") == "b"} == {problem["trace_id"]}


def test_what_the_client_does_not_sample_is_not_sent(traced: Server, collector: Collector) -> None:
    for called, flags in (("c", "00"), ("d", "01")):
        headers = {"x-request-id": called, "traceparent": f"00-{TRACE}-{PARENT}-{flags}"}
        httpx.get(f"{traced.url}/livez", headers=headers)
    wait_until(lambda: bool(collector.of("d")))
    assert not collector.of("c")


@pytest.mark.parametrize(
    ("status", "problem", "outcome", "error"),
    [
        (503, "busy", "complete", "busy"),
        (500, "internal-error", "complete", "internal-error"),
        (200, "", "stalled", "stalled"),
        (206, "", "cut", "cut"),
        (200, "", "complete", None),
        (404, "not-found", "complete", None),
    ],
)
def test_what_failed_here_is_an_error_by_what_it_was(
    status: int, problem: str, outcome: str, error: str | None
) -> None:
    kept = InMemorySpanExporter()
    spans = Spans(kept)
    visit = Visit(Client("192.0.2.1"), Identity("e", TRACE), Accounts(1, 0), status=status, problem=problem)
    spans.tell({"headers": [], "http_version": "1.1"}, visit, "GET", "/readyz", outcome)
    spans.end()
    (span,) = kept.get_finished_spans()
    assert span.attributes is not None
    assert (span.attributes.get("error.type"), span.status.is_ok) == (error, error is None)


def test_a_collector_that_is_not_there_holds_up_nobody_and_no_end() -> None:
    with serving(INITSERVE_TELEMETRY="true", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") as server:
        for _ in range(3):
            httpx.get(f"{server.url}/livez").raise_for_status()
        server.process.terminate()
        assert server.process.wait(timeout=20.0) in (0, -15)


def test_without_the_extra_a_server_says_what_is_missing_and_does_not_begin() -> None:
    absent = "import sys; sys.modules['opentelemetry.sdk'] = None; from service.cli import main; main(['serve'])"
    wanted = {"INITSERVE_TELEMETRY": "true", "INITSERVE_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", absent], cwd=ROOT, env=wanted, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert re.search(r"pip install 'initserve\[otel\]'", done.stderr)
    assert "Traceback" not in done.stderr


def test_nothing_of_the_sdk_is_imported_where_nobody_asks_for_it() -> None:
    asked = "import sys, service.cli; print(sorted(name for name in sys.modules if 'opentelemetry.sdk' in name))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]"
