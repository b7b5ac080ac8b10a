"""GET /metrics: what is under way and how answers ended, as Prometheus reads it."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from service.api.negotiation import accept_of, choose_among
from service.api.services import services_of
from service.api.telemetry.exposing import OPEN_METRICS, TEXT

OFFERED = {"text": TEXT, "openmetrics": OPEN_METRICS}
router = APIRouter(tags=["operations"])


@router.get("/metrics", operation_id="metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def show_metrics(request: Request) -> Response:
    """Say what is under way and how answers ended: in Prometheus's text format, or as OpenMetrics where Accept asks."""
    media_type = OFFERED[choose_among(OFFERED, None, accept_of(request))]
    content, content_type = await services_of(request).exposer.text(media_type)
    return Response(content, headers={"content-type": content_type, "cache-control": "no-store", "vary": "accept"})
