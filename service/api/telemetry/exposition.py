"""GET /metrics: what is under way and how answers ended, as Prometheus reads it."""

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics

from service.api.negotiation import accept_of, choose_among
from service.api.services import services_of
from service.api.telemetry.snapshots import Snapshot, added

TEXT, OPEN_METRICS = "text/plain", "application/openmetrics-text"
OFFERED = {"text": TEXT, "openmetrics": OPEN_METRICS}
router = APIRouter(tags=["operations"])


def exposed(snapshots: list[Snapshot], media_type: str) -> tuple[bytes, str]:
    """Return what the metrics of all processes say together, as text, and its type with its parameters."""
    everything = added(snapshots)
    if media_type == OPEN_METRICS:
        text: bytes = openmetrics.generate_latest(everything)  # type: ignore[no-untyped-call]
        return text, openmetrics.CONTENT_TYPE_LATEST
    return exposition.generate_latest(everything), exposition.CONTENT_TYPE_PLAIN_0_0_4


@router.get("/metrics", operation_id="metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def show_metrics(request: Request) -> Response:
    """Say what is under way and how answers ended: in Prometheus's text format, or as OpenMetrics where Accept asks."""
    metrics = services_of(request).metrics
    media_type = OFFERED[choose_among(OFFERED, None, accept_of(request))]
    others = await metrics.others()
    content, content_type = await to_thread.run_sync(
        lambda: exposed([Snapshot.of(metrics.registry), *others], media_type)
    )
    return Response(content, headers={"content-type": content_type, "cache-control": "no-store", "vary": "accept"})
