"""POST /train: which starts learn? A short training run from each, as one answer or as it goes."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request, Response

from service.analysis.threads import keep_to_one_thread
from service.analysis.trainable import TrainRequest, held_by
from service.analysis.training import Event, answer, train
from service.api.body import read_body
from service.api.described import BY_ACCEPT, WHEN_READ, content, json_body, one_of, problems, query
from service.api.door.visits import visit_of, whose
from service.api.negotiation import accept_of, choose_among
from service.api.parsing import parse_document, pointing_into
from service.api.planning import admitted
from service.api.routing import DirectRoute, read_query
from service.api.services import services_of
from service.api.streaming import Answer
from service.api.working import in_worker
from service.errors import InvalidSpec
from service.formats.description import dumps
from service.formats.payload import Piece, text
from service.prices import multiplications, reading, training

MEDIA_TYPES = {"json": "application/json", "events": "text/event-stream", "jsonl": "application/jsonl"}
QUESTIONS: dict[str, dict[str, Any]] = {
    "moons": {
        "summary": "Two moons, from three starts",
        "value": {
            "seed": 1,
            "task": "moons",
            "schemes": ["he_normal", "zeros", {"name": "random_normal", "mean": 0.0, "stddev": 0.001}],
            "layers": [
                {"type": "dense", "shape": [2, 16], "activation": "relu"},
                {"type": "dense", "shape": [16, 16], "activation": "relu"},
                {"type": "dense", "shape": [16, 2], "activation": "softmax"},
            ],
        },
    },
    "torch": {
        "summary": "PyTorch's own numbers, and how they learn",
        "value": {
            "seed": 0,
            "task": "moons",
            "algorithm": "torch-cpu/1",
            "schemes": ["auto"],
            "layers": [
                {"type": "dense", "shape": [2, 16], "activation": "relu"},
                {"type": "dense", "shape": [16, 2]},
            ],
        },
    },
    "sequence": {
        "summary": "Digits read row by row by an LSTM, then attention over the rows",
        "value": {
            "seed": 1,
            "task": "digits",
            "schemes": ["auto"],
            "steps": 100,
            "learning_rate": 0.3,
            "input_shape": [8, 8],
            "layers": [
                {"name": "reads", "type": "lstm", "shape": [8, 16]},
                {"name": "attends", "type": "multi_head_attention", "shape": [16, 2, 8]},
                {"name": "all", "type": "flatten"},
                {"name": "out", "type": "dense", "shape": [128, 10]},
            ],
        },
    },
}
router = APIRouter(tags=["analysis"], route_class=DirectRoute)


def rendered(request: TrainRequest, events: Iterator[Event], format: str) -> Iterator[Piece]:
    """Return what happens as pieces; one piece is some milliseconds of training, so that everybody gets a turn."""
    if format == "json":
        seen: list[Event] = []
        for event in events:
            seen.append(event)
            yield text(b"")
        yield text(dumps(answer(request, seen)))
        return
    for event in events:
        if format == "jsonl":
            yield text(dumps({"event": event.name, **event.data}) + b"\n")
        else:
            yield text(b"event: " + event.name.encode() + b"\ndata: " + dumps(event.data) + b"\n\n")


def check_watched(request: TrainRequest, format: str) -> None:
    """Refuse to tell how a training goes on in an answer that comes at its end."""
    if request.watch and format == "json":
        detail = "a training is watched as it goes: ask for text/event-stream or application/jsonl"
        raise InvalidSpec(detail, "/watch", {"watch": False})


@router.post(
    "/train",
    operation_id="train",
    summary="Which starts learn?",
    status_code=200,
    response_class=Answer,
    responses={
        200: {
            "description": "Loss and gradient of every run, and which of them learnt; or events while they run.",
            "content": content("TrainAnswer", MEDIA_TYPES["events"], MEDIA_TYPES["jsonl"]),
        },
        **problems(406, *WHEN_READ),
    },
    openapi_extra=json_body("TrainRequest", QUESTIONS) | query(one_of("format", BY_ACCEPT, MEDIA_TYPES)),
)
async def start_training(request: Request) -> Response:
    """Train a network on a small task by plain gradient descent, from several starts side by side.

    A bare stack of dense layers goes fastest; any other graph whose sizes fit the task runs as in /diagnose: what reads
    images gets the digits as images of 8 × 8.

    As events, `watch` also shows the examples, the boundary that the network draws between two classes, or its answers,
    and histograms of its weights, fifty times a run.

    Each scheme is put on all weights in turn, and started anew with the next seeds as often as `restarts` says.
    """
    services = services_of(request)
    asked = read_query(request, ("format",))
    chosen = choose_among(MEDIA_TYPES, asked.get("format"), accept_of(request))
    with services.room.for_request(whose(request)) as grant:
        body = await read_body(request, services, grant)

        def begin() -> tuple[Iterator[Piece], int, float]:
            keep_to_one_thread()
            wanted = parse_document(body, TrainRequest)
            with pointing_into(body), admitted(wanted, request):
                check_watched(wanted, chosen)
                most = multiplications(services.settings.max_processor_seconds)
                return rendered(wanted, train(wanted, most), chosen), held_by(wanted), training(wanted)

        with visit_of(request).phase("plan"):
            pieces, bytes_held, seconds = await in_worker(services.workers, request, begin, reading(body))
        held = services.room.for_large(whose(request), bytes_held)
        try:
            held.grow(services.room.heavy, 1)
            held.also(visit_of(request).hold(seconds))
        except BaseException:
            held.release()
            raise
    headers = {"content-type": MEDIA_TYPES[chosen], "vary": "accept", "cache-control": "no-store"}
    headers |= {"x-accel-buffering": "no"}
    return Answer(pieces, headers=headers, services=services, release=held.release)
