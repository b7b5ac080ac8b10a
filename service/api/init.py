"""POST /init: a spec in, initial weights out."""

from typing import Annotated

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Query, Request
from pydantic.json_schema import SkipJsonSchema

from service.api.body import parse_spec, read_body
from service.api.examples import EXAMPLES
from service.api.limits import admit
from service.api.negotiation import choose_format, read_include
from service.api.openapi import PROBLEM_RESPONSES, reference
from service.api.problems import RequestProblem
from service.api.streaming import Answer
from service.formats import FORMATS
from service.settings import Settings

BINARY = {
    format.media_type: {"schema": {"type": "string", "format": "binary"}}
    for name, format in FORMATS.items()
    if name != "json"
}
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
        **PROBLEM_RESPONSES,
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": reference("Spec"), "examples": EXAMPLES}},
        }
    },
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
) -> Answer:
    """Take layer specs and return initial weights: the same spec gives the same bytes, everywhere.

    A layer that names no scheme gets the one its activation recommends, with the reason. `seed` left out draws a
    fresh one, which the answer holds.
    """
    settings: Settings = request.app.state.settings
    limiter: CapacityLimiter = request.app.state.limiter
    refuse_unknown_parameters(request)
    wanted = read_include(include)
    if format is not None and format not in FORMATS:
        raise RequestProblem("invalid-query", f"format is one of {', '.join(FORMATS)}, not {format!r}")
    chosen = choose_format(format, request.headers.get("accept", ""))
    body = await read_body(request, settings)

    def prepare() -> Answer:
        plan = parse_spec(body).plan()
        admit(plan, chosen.name, wanted, settings)
        payload = chosen.format.encode(plan, wanted)
        headers = {"vary": "accept", "cache-control": "no-store"}
        if chosen.name != "json":
            headers["content-disposition"] = f'attachment; filename="weights{chosen.format.suffix}"'
        return Answer(payload, chosen.media_type, limiter, headers)

    return await to_thread.run_sync(prepare, limiter=limiter)


def refuse_unknown_parameters(request: Request) -> None:
    names = list(request.query_params.keys())
    unknown = [name for name in names if name not in ("include", "format")]
    if unknown or len(request.query_params.multi_items()) > len(names):
        raise RequestProblem("invalid-query", "the parameters are include and format, each once")
