"""Requests and their phases as spans of OpenTelemetry: made once a request is over, where a setting asks for them.

The SDK is an extra (`pip install initserve[otel]`) and imported only then. Where spans go, how many of them, and what
the service is called there is for the variables of OpenTelemetry to say (OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME).
"""

import threading
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import Scope

from service import __version__
from service.api.telemetry.phases import Phase

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

    from service.api.door.visits import Visit

LAST = 2.0  # seconds for the last spans to be sent before the process ends
SERVICE = "initserve"  # what it is called where nothing says otherwise
WANTED = (b"traceparent", b"tracestate")


class Spans:
    """Tells a collector of requests. For the event loop alone; spans are sent by a thread of the SDK's own.

    `exporter` is OTLP over HTTP unless another is given. Raises OSError where the SDK is not installed.
    """

    def __init__(self, exporter: "SpanExporter | None" = None) -> None:
        self._trace_id = 0
        self._provider = self._provide(exporter)
        self._tracer = self._provider.get_tracer(SERVICE, __version__)

    def _provide(self, exporter: "SpanExporter | None") -> "TracerProvider":
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import OTELResourceDetector, Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        except ImportError:
            raise OSError("INITSERVE_TELEMETRY needs more: pip install 'initserve[otel]'") from None

        spans = self

        class Ids(RandomIdGenerator):
            """Gives a span that begins a trace the id that the log has told of already."""

            def generate_trace_id(self) -> int:
                return spans._trace_id

        named = Resource({"service.name": SERVICE, "service.version": __version__})
        resource = named.merge(OTELResourceDetector().detect())
        provider = TracerProvider(resource=resource, id_generator=Ids(), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        return provider

    def end(self) -> None:
        """Send what there is; a collector that does not answer is not waited for."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(LAST)

    def tell(self, scope: Scope, visit: "Visit", method: str, route: str, outcome: str) -> None:
        """Make a span of a request that is over, and one of each of its phases within."""
        ended = time.monotonic()
        epoch = time.time_ns() - int(ended * 1e9)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in WANTED}
        parent = TraceContextTextMapPropagator().extract(headers, Context()) if visit.identity.parent_id else Context()
        self._trace_id = int(visit.identity.trace_id, 16)
        span = self._tracer.start_span(
            f"{method} {route}",
            context=parent,
            kind=SpanKind.SERVER,
            attributes=attributes(scope, visit, method, route),
            start_time=epoch + int(visit.began * 1e9),
        )
        if span.is_recording():
            within = set_span_in_context(span, parent)
            for phase in (*visit.phases, *([Phase("send", visit.answered, ended)] if visit.answered else ())):
                child = self._tracer.start_span(phase.name, within, start_time=epoch + int(phase.began * 1e9))
                child.end(epoch + int(phase.ended * 1e9))
            if visit.status >= 500 or outcome != "complete":
                span.set_attribute("error.type", visit.problem if outcome == "complete" else outcome)
                span.set_status(StatusCode.ERROR)
        span.end(epoch + int(ended * 1e9))


def attributes(scope: Scope, visit: "Visit", method: str, route: str) -> dict[str, Any]:
    """Return what a span says of a request, by OpenTelemetry's conventions for HTTP."""
    return {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": visit.status,
        "http.response.body.size": visit.sent,
        "network.protocol.version": scope["http_version"],
        "client.address": visit.client.name,
        "initserve.request_id": visit.identity.request_id,
    }
