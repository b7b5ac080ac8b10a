"""POST /init: a spec in, initial weights out. POST /plan: the same without the numbers."""

from collections.abc import Iterator

from fastapi import APIRouter, Request, Response

from service.api.admission import REQUEST, held_by_answer
from service.api.body import read_body
from service.api.examples import EXAMPLES
from service.api.limits import admit
from service.api.negotiation import SVG, accept_of, choose_format, choose_picture, read_include
from service.api.openapi import PROBLEM_RESPONSES, reference
from service.api.pictures import histograms
from service.api.problems import RequestProblem
from service.api.routing import DirectRoute, read_query
from service.api.streaming import BUFFERED, Answer, WholeAnswer
from service.api.working import of_spec, whole
from service.formats import FORMATS, Include, Payload
from service.formats.base64_json import describe_plan, dumps
from service.formats.payload import Piece
from service.networks.plan import Plan
from service.settings import Settings
from service.specs.spec import Spec

BINARY = {
    format.media_type: {"schema": {"type": "string", "format": "binary"}}
    for name, format in FORMATS.items()
    if name != "json"
}
BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": reference("Spec"), "examples": EXAMPLES}},
    }
}
QUERY = {
    "parameters": [
        {
            "name": "include",
            "in": "query",
            "description": "What a JSON answer holds: `weights`, `statistics` or `weights,statistics`.",
            "schema": {"type": "string", "enum": ["weights", "statistics", "weights,statistics"], "default": "weights"},
        },
        {
            "name": "format",
            "in": "query",
            "description": "Format of the answer; wins over Accept. `svg` needs include=statistics, and shows them.",
            "schema": {"type": "string", "enum": [*FORMATS, "svg"]},
        },
    ]
}
router = APIRouter(tags=["weights"], route_class=DirectRoute)


@router.post(
    "/init",
    operation_id="init",
    summary="Initial weights of a network",
    status_code=200,
    response_class=Answer,
    responses={
        200: {
            "description": "The weights: in JSON, or as one file.",
            "content": {
                "application/json": {"schema": reference("InitAnswer")},
                **BINARY,
                SVG: {"schema": {"type": "string"}},
            },
        },
        **{status: PROBLEM_RESPONSES[status] for status in (400, 406, 408, 413, 415, 422, 503)},
    },
    openapi_extra=BODY | QUERY,
)
async def init(request: Request) -> Response:
    """Take layer specs and return initial weights: the same spec gives the same bytes, everywhere.

    A layer that names no scheme gets the one its activation recommends, with the reason. `seed` left out draws a
    fresh one, which the answer holds.
    """
    state = request.app.state
    settings: Settings = state.settings
    asked = read_query(request, ("include", "format"))
    wanted = read_include(asked.get("include", "weights"))
    accept = accept_of(request)
    if choose_picture(asked.get("format"), accept, wanted):
        return await picture(request)
    chosen = choose_format(asked.get("format"), accept)
    headers = {"vary": "accept", "cache-control": "no-store"}
    if chosen.name != "json":
        if wanted.statistics:
            raise RequestProblem("invalid-query", f"{chosen.name} holds weights alone; ask for statistics in JSON")
        headers["content-disposition"] = f'attachment; filename="weights{chosen.format.suffix}"'

    def prepare(spec: Spec) -> tuple[Plan, Payload]:
        plan = spec.plan()
        admit(plan, chosen.name, wanted, settings)
        return plan, chosen.format.encode(plan, wanted)

    with state.budget.take(REQUEST) as grant:
        body = await read_body(request, state.settings, grant)
        plan, payload = await of_spec(body, prepare, state.sending.workers)
        content = await whole(plan, payload, state.sending.workers)
        if content is not None:
            if len(content) <= BUFFERED:
                return Response(content, media_type=chosen.media_type, headers=headers)
            held = state.budget.take(len(content))
            return WholeAnswer(content, chosen.media_type, headers, state.sending.stall, held.release)
        held = state.budget.take(held_by_answer(plan, payload.length))
        return Answer(payload.pieces, payload.length, chosen.media_type, headers, state.sending, held.release)


async def picture(request: Request) -> Response:
    """Return the histograms of a spec's parameters as a figure; its length is not known before."""
    state = request.app.state

    def prepare(spec: Spec) -> tuple[Plan, Iterator[Piece]]:
        plan = spec.plan()
        admit(plan, "json", Include(weights=False, statistics=True), state.settings)
        return plan, histograms(plan)

    with state.budget.take(REQUEST) as grant:
        body = await read_body(request, state.settings, grant)
        plan, pieces = await of_spec(body, prepare, state.sending.workers)
        held = state.budget.take(held_by_answer(plan, None))
    headers = {"vary": "accept", "cache-control": "no-store"}
    return Answer(pieces, None, SVG, headers, state.sending, held.release)


@router.post(
    "/plan",
    operation_id="plan",
    summary="What a spec comes to, before a number is drawn",
    status_code=200,
    response_class=Response,
    responses={
        200: {"description": "The plan.", "content": {"application/json": {"schema": reference("PlanAnswer")}}},
        **{status: PROBLEM_RESPONSES[status] for status in (400, 408, 413, 415, 422, 503)},
    },
    openapi_extra=BODY,
)
async def plan(request: Request) -> Response:
    """Return every parameter of a spec with its shape, bytes, fans, scheme and reason; nothing is drawn.

    A spec of any size has a plan: what /init would refuse as too large too.
    """
    read_query(request, ())

    state = request.app.state
    with state.budget.take(REQUEST) as grant:
        body = await read_body(request, state.settings, grant)
        content = await of_spec(body, lambda spec: dumps(describe_plan(spec.plan())), state.sending.workers)
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})
