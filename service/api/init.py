"""POST /init: a spec in, initial weights out. POST /plan: the same without the numbers."""

from fastapi import APIRouter, Request, Response

from service.api.admission import held_by_answer, held_by_request
from service.api.body import expected_length, read_body
from service.api.examples import EXAMPLES
from service.api.limits import admit
from service.api.negotiation import choose_format, read_include
from service.api.openapi import PROBLEM_RESPONSES, reference
from service.api.routing import DirectRoute, read_query
from service.api.streaming import Answer, WholeAnswer
from service.api.working import of_spec, whole
from service.formats import FORMATS, Payload
from service.formats.base64_json import describe_plan, dumps
from service.settings import Settings
from service.weights.model import Spec
from service.weights.plan import Plan

BINARY = {
    format.media_type: {"schema": {"type": "string", "format": "binary"}}
    for name, format in FORMATS.items()
    if name != "json"
}
REQUEST = {
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
            "description": "Format of the answer; wins over Accept.",
            "schema": {"type": "string", "enum": list(FORMATS)},
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
            "content": {"application/json": {"schema": reference("InitAnswer")}, **BINARY},
        },
        **{status: PROBLEM_RESPONSES[status] for status in (400, 406, 408, 413, 415, 422, 503)},
    },
    openapi_extra=REQUEST | QUERY,
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
    chosen = choose_format(asked.get("format"), request.headers.get("accept", ""))
    headers = {"vary": "accept", "cache-control": "no-store"}
    if chosen.name != "json":
        headers["content-disposition"] = f'attachment; filename="weights{chosen.format.suffix}"'

    def prepare(spec: Spec) -> tuple[Plan, Payload]:
        plan = spec.plan()
        admit(plan, chosen.name, wanted, settings)
        return plan, chosen.format.encode(plan, wanted)

    with state.budget.take(held_by_request(expected_length(request, settings))):
        body = await read_body(request, settings)
        plan, payload = await of_spec(body, prepare, state.sending.workers)
        content = await whole(plan, payload, state.sending.workers)
        if content is not None:
            grant = state.budget.take(len(content))
            return WholeAnswer(content, chosen.media_type, headers, state.sending.stall, grant.release)
        grant = state.budget.take(held_by_answer(plan, payload))
        return Answer(payload.pieces, payload.length, chosen.media_type, headers, state.sending, grant.release)


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
    openapi_extra=REQUEST,
)
async def plan(request: Request) -> Response:
    """Return every parameter of a spec with its shape, bytes, fans, scheme and reason; nothing is drawn.

    A spec of any size has a plan: what /init would refuse as too large too.
    """
    read_query(request, ())

    state = request.app.state
    with state.budget.take(held_by_request(expected_length(request, state.settings))):
        body = await read_body(request, state.settings)
        content = await of_spec(body, lambda spec: dumps(describe_plan(spec.plan())), state.sending.workers)
    return Response(content, media_type="application/json", headers={"cache-control": "no-store"})
