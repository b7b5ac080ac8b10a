"""GET /metrics: what is under way and how answers ended, as Prometheus reads it (text format 0.0.4)."""

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from service import __version__
from service.api.counters import OUTCOMES
from service.api.services import services_of
from service.stream.streams import ALGORITHM

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
router = APIRouter(tags=["operations"])


def samples(name: str, kind: str, meaning: str, values: dict[str, float]) -> str:
    """Return one metric; `values` are by label set, "" for none."""
    lines = [f"{name}{labels} {value}" for labels, value in values.items()]
    return "\n".join([f"# HELP {name} {meaning}", f"# TYPE {name} {kind}", *lines]) + "\n"


def labelled(label: str, counts: Mapping[str, int]) -> dict[str, float]:
    return {f'{{{label}="{value}"}}': count for value, count in sorted(counts.items())}


@router.get("/metrics", operation_id="metrics", summary="Counters for Prometheus", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Say what is under way and how answers ended."""
    services = services_of(request)
    counts, room = services.counters, services.room
    waiting = {name: count for name, (count, _) in services.workers.lines().items()}
    answers = dict.fromkeys(OUTCOMES, 0) | counts.answers
    parts = [
        samples(
            "initserve_build_info", "gauge", "Version and stream.",
            {f'{{version="{__version__}",algorithm="{ALGORITHM}"}}': 1},
        ),
        samples(
            "initserve_ready", "gauge", "1 where the golden digests of initserve/1 agree.",
            {"": int(services.readiness.is_ready(ALGORITHM))},
        ),
        samples("initserve_bytes_in_flight", "gauge", "Memory granted to what is under way.", {"": room.memory.taken}),
        samples(
            "initserve_standing_bytes_in_flight", "gauge", "Memory granted to what is made as a whole.",
            {"": room.standing.taken},
        ),
        samples("initserve_waiting", "gauge", "Jobs that wait for a thread.", labelled("line", waiting)),
        samples("initserve_bytes_in_flight_limit", "gauge", "The most that is granted.", {"": room.memory.limit}),
        samples("initserve_drawn_bytes_total", "counter", "Bytes of values made.", {"": services.workers.made}),
        samples("initserve_sent_bytes_total", "counter", "Bytes of streamed answers sent.", {"": counts.sent_bytes}),
        samples(
            "initserve_answers_total", "counter", "Streamed or abandoned answers, ended.", labelled("outcome", answers)
        ),
        samples("initserve_problems_total", "counter", "Problems answered.", labelled("code", counts.problems)),
    ]  # fmt: skip
    return Response("".join(parts), media_type=MEDIA_TYPE, headers={"cache-control": "no-store"})
