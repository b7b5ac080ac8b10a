"""POST /init: a spec in, initial weights out. POST /plan: the same without the numbers."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from service.api.admission import held_by_answer, held_by_request
from service.api.body import expected_length, parse_spec, read_body
from service.api.examples import EXAMPLES
from service.api.limits import admit
from service.api.negotiation import choose_format, read_include
from service.api.openapi import PROBLEM_RESPONSES, reference
from service.api.problems import RequestProblem
from service.api.streaming import Answer, in_worker
from service.formats import FORMATS
from service.formats.base64_json import describe_plan, dumps
from service.formats.payload import HEAVY
from service.settings import Settings

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
# Elements of an answer that is made in one go: some tenths of a millisecond.
SMALL = 2**18
router = APIRouter(tags=["weights"])


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
    openapi_extra=REQUEST,
)
async def init(
    request: Request,
    include: Annotated[
        str,
        Query(
            description="What a JSON answer holds: `weights`, `statistics` or `weights,statistics`.",
            json_schema_extra={"enum": ["weights", "statistics", "weights,statistics"]},
        ),
    ] = "weights",
    format: Annotated[
        str | SkipJsonSchema[None],
        Query(description="Format of the answer; wins over Accept.", json_schema_extra={"enum": list(FORMATS)}),
    ] = None,
) -> Response:
    """Take layer specs and return initial weights: the same spec gives the same bytes, everywhere.

    A layer that names no scheme gets the one its activation recommends, with the reason. `seed` left out draws a
    fresh one, which the answer holds.
    """
    state = request.app.state
    settings: Settings = state.settings
    refuse_unknown_parameters(request, ("include", "format"))
    wanted = read_include(include)
    if format is not None and format not in FORMATS:
        raise RequestProblem("invalid-query", f"format is one of {', '.join(FORMATS)}, not {format!r}")
    chosen = choose_format(format, request.headers.get("accept", ""))

    def prepare(body: bytes) -> Response:
        plan = parse_spec(body).plan()
        admit(plan, chosen.name, wanted, settings)
        payload = chosen.format.encode(plan, wanted)
        headers = {"vary": "accept", "cache-control": "no-store"}
        if chosen.name != "json":
            headers["content-disposition"] = f'attachment; filename="weights{chosen.format.suffix}"'
        if plan.elements <= SMALL and plan.operations <= HEAVY:
            return Response(b"".join(payload.chunks()), media_type=chosen.media_type, headers=headers)
        grant = state.budget.take(held_by_answer(plan, payload))
        return Answer(payload, chosen.media_type, headers, state.sending, grant.release)

    return await answer(request, prepare)


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
    refuse_unknown_parameters(request, ())

    def prepare(body: bytes) -> Response:
        content = dumps(describe_plan(parse_spec(body).plan()))
        return Response(content, media_type="application/json", headers={"cache-control": "no-store"})

    return await answer(request, prepare)


async def answer(request: Request, prepare: Callable[[bytes], Response]) -> Response:
    """Read a request's body and return what a worker thread makes of it, within the budget of bytes in flight."""
    state = request.app.state
    settings: Settings = state.settings
    with state.budget.take(held_by_request(expected_length(request, settings))):
        body = await read_body(request, settings)
        return await in_worker(state.sending.workers, lambda: prepare(body))


def refuse_unknown_parameters(request: Request, known: tuple[str, ...]) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    if not set(given) <= set(known) or len(set(given)) < len(given):
        taken = f"the parameters are {' and '.join(known)}, each once" if known else "this address takes no parameters"
        raise RequestProblem("invalid-query", taken)
