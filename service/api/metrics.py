"""GET /metrics: what is under way and how answers ended, as Prometheus reads it (text format 0.0.4)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request, Response

from service import __version__
from service.stream.streams import ALGORITHM

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# How a streamed answer can end.
OUTCOMES = ("complete", "client-gone", "stalled", "failed")

router = APIRouter(tags=["operations"])


@dataclass(slots=True)
class Metrics:
    """Counts since the start; changed on the event loop alone."""

    answers: Counter[str] = field(default_factory=Counter)  # streamed ones, by outcome
    problems: Counter[str] = field(default_factory=Counter)  # by code
    sent_bytes: int = 0  # of streamed answers, handed to the socket


def samples(name: str, kind: str, meaning: str, values: dict[str, float]) -> str:
    """Return one metric; `values` are by label set, "" for none."""
    lines = [f"{name}{labels} {value}" for labels, value in values.items()]
    return "\n".join([f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *lines]) + "\n"


def labelled(label: str, counts: Mapping[str, int]) -> dict[str, float]:
    return {f'{{{label}="{value}"}}': count for value, count in sorted(counts.items())}


@router.get("/metrics", operation_id="metrics", summary="Counters for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Say what is under way and how answers ended."""
    state = request.app.state
    counts: Metrics = state.metrics
    answers = dict.fromkeys(OUTCOMES, 0) | counts.answers
    parts = [
        samples(
            "initserve_build_info", "gauge", "Version and stream.",
            {f'{{version="{__version__}",algorithm="{ALGORITHM}"}}': 1},
        ),
        samples("initserve_ready", "gauge", "1 where the golden digests agree.", {"": int(not state.disagreements)}),
        samples("initserve_bytes_in_flight", "gauge", "Memory granted to what is under way.", {"": state.budget.taken}),
        samples("initserve_bytes_in_flight_limit", "gauge", "The most that is granted.", {"": state.budget.limit}),
        samples("initserve_drawn_bytes_total", "counter", "Bytes of values made.", {"": state.sending.workers.made}),
        samples("initserve_sent_bytes_total", "counter", "Bytes of streamed answers sent.", {"": counts.sent_bytes}),
        samples("initserve_answers_total", "counter", "Streamed answers ended.", labelled("outcome", answers)),
        samples("initserve_problems_total", "counter", "Problems answered.", labelled("code", counts.problems)),
    ]  # fmt: skip
    return Response("".join(parts), media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})
