"""POST /init: a spec in, initial weights out. POST /plan: the same without the numbers."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.admission import admit
from service.api.body import read_body
from service.api.described import WHEN_READ, content, json_body, one_of, problems, query, told
from service.api.door.visits import whose
from service.api.examples import EXAMPLES, LARGE_EXAMPLES
from service.api.links import location_of, of_plan
from service.api.negotiation import (
    SVG,
    Chosen,
    accept_of,
    choose_format,
    choose_picture,
    read_include,
    read_network,
    read_shard_bytes,
)
from service.api.planning import admitted, held
from service.api.problems import RequestProblem
from service.api.routing import ACCEPT_QUERY, DirectRoute, asked_by, read_query
from service.api.services import services_of
from service.api.shards import SHARD
from service.api.streaming import Answer, whole_answer
from service.api.working import SMALL, made_whole, room_for
from service.formats import FORMATS, PICTURE, Payload
from service.formats.description import encode_plan
from service.networks.arrays import Cost
from service.networks.plan import Plan
from service.prices import describing
from service.specs.joined import joined
from service.specs.spec import Spec

BINARY = {
    format.media_type: {"schema": {"type": "string", "format": "binary"}}
    for name, format in FORMATS.items()
    if name != "json"
}


INCLUDE = one_of(
    "include",
    "What a JSON answer holds: `weights`, `statistics` or `weights,statistics`.",
    ["weights", "statistics", "weights,statistics"],
    default="weights",
)
FORMAT = one_of(
    "format",
    "Format of the answer; wins over Accept. `svg` needs include=statistics, and shows them.",
    [*FORMATS, "svg"],
)
NETWORK = one_of("include", "`network` adds how the layers are joined, a recipe's written out.", ["network"])
router = APIRouter(tags=["weights"], route_class=DirectRoute)


WEIGHTS: dict[str, Any] = {
    "status_code": 200,
    "response_class": Answer,
    "responses": {
        200: {
            "description": "The weights: in JSON, or as one file.",
            "headers": {
                "Content-Location": told("Where a GET gives these very bytes again, here or on another replica."),
                "Accept-Query": told("What QUERY takes in its body (RFC 10008)."),
            },
            "content": content("InitAnswer", SVG) | BINARY,
        },
        **problems(406, *WHEN_READ),
    },
    "openapi_extra": json_body("Spec", EXAMPLES) | query(INCLUDE, FORMAT),
}


@asked_by(
    router,
    "/init",
    ("POST", "init", "Initial weights of a network"),
    ("QUERY", "query_init", "The same, for clients and caches that know QUERY to be safe to repeat"),
    **WEIGHTS,
)
async def init(request: Request) -> Response:
    """Take layer specs and return initial weights: the same spec gives the same bytes, everywhere.

    A layer that names no scheme gets the one its activation recommends, with the reason. `seed` left out draws a
    fresh one, which the answer holds. POST and QUERY (RFC 10008) are one; nothing is changed by either.
    """
    services = services_of(request)
    asked = read_query(request, ("include", "format"))
    wanted = read_include(asked.get("include", "weights"))
    accept = accept_of(request)
    drawn = choose_picture(asked.get("format"), accept, wanted)
    chosen = Chosen("svg", PICTURE, SVG) if drawn else choose_format(asked.get("format"), accept)
    headers = {"content-type": chosen.media_type, "vary": "accept", "cache-control": "no-store", **ACCEPT_QUERY}
    if chosen.name not in ("json", "svg"):
        if wanted.statistics:
            raise RequestProblem("invalid-query", f"{chosen.name} holds weights alone; ask for statistics in JSON")
        headers["content-disposition"] = f'attachment; filename="weights{chosen.format.suffix}"'

    def prepare(spec: Spec) -> Plan:
        if not drawn and spec.has_more_than(SMALL):  # a refusal is to take much less than what it makes room for
            services.room.refuse_large(whose(request))
        with admitted(spec, request):
            plan = spec.plan()
        admit(plan, chosen.name, wanted, services.settings)
        return plan

    def lay_out(plan: Plan) -> tuple[Payload, Cost]:
        payload = chosen.format.encode(plan, wanted)
        return payload, payload.cost() if drawn else plan.cost  # a figure shows some parameters alone

    with services.room.for_request(whose(request)) as grant:
        body = await read_body(request, services, grant)
        plan, (payload, cost) = await of_plan(body, prepare, lay_out, request)
        headers |= location_of(plan, chosen.name, wanted)
        every = (0, payload.length)
        content = await made_whole(payload, every, cost, services.workers, request)
        if content is not None:
            return whole_answer(content, 200, headers, services, request)
        release = room_for(cost, payload.length, services.room, services.workers, request).release
        return Answer(payload.pieces(), length=payload.length, headers=headers, services=services, release=release)


@router.post(
    "/plan",
    operation_id="plan",
    summary="What a spec comes to, before a number is drawn",
    status_code=200,
    response_class=Response,
    responses={
        200: {"description": "The plan.", "content": content("PlanAnswer")},
        **problems(*WHEN_READ),
    },
    openapi_extra=json_body("Spec", EXAMPLES | LARGE_EXAMPLES) | query(SHARD, NETWORK),
)
async def plan(request: Request) -> Response:
    """Return every parameter of a spec with its shape, bytes, shard, fans, scheme and reason; nothing is drawn.

    A spec of any size has a plan: what /init would refuse as too large too. `include=network` adds how its layers are
    joined: a recipe's written out, to be drawn or changed, and a published model's config.json.
    """
    asked = read_query(request, ("shard_bytes", "include"))
    shard_bytes, with_network = read_shard_bytes(asked), read_network(asked)
    services = services_of(request)
    networks: list[dict[str, Any] | None] = []

    def prepare(spec: Spec) -> Plan:
        with admitted(spec, request):
            plan = spec.plan()
        if with_network:
            networks.append(joined(spec))
        return plan

    def describe(plan: Plan) -> bytes:
        with held(describing(len(plan.parameters)), request):
            return encode_plan(plan, shard_bytes, {"network": networks[0]} if with_network else {})

    with services.room.for_request(whose(request)) as grant:
        body = await read_body(request, services, grant)
        _, content = await of_plan(body, prepare, describe, request)
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        return whole_answer(content, 200, headers, services, request)
