"""POST /specs keeps a spec, of whatever size, under the digest of its canonical text; GET /specs/… gives that text."""

from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.addressed import addressed
from service.api.body import read_body
from service.api.described import WHEN_READ, content, json_body, problems
from service.api.door.visits import whose
from service.api.examples import EXAMPLES, LARGE_EXAMPLES
from service.api.openapi import reference
from service.api.planning import admitted
from service.api.problems import RequestProblem
from service.api.representation import Representation, answer
from service.api.routing import DirectRoute, read_query
from service.api.services import services_of
from service.api.store import StoreFull, text_of
from service.api.working import of_spec
from service.formats import Payload
from service.formats.description import dumps
from service.formats.links import links_of
from service.formats.payload import Known
from service.networks.plan import Plan
from service.specs.addresses import digest_in, under_digest
from service.specs.spec import Spec

router = APIRouter(tags=["addresses"], route_class=DirectRoute)
JSON = "application/json"
DIGEST: dict[str, Any] = {
    "name": "digest",
    "in": "path",
    "required": True,
    "description": "`sha256-` and 64 hexadecimal digits: what `POST /specs` answers.",
    "schema": {"type": "string", "pattern": "^sha256-[0-9a-f]{64}$"},
}


@router.post(
    "/specs",
    operation_id="keep_spec",
    summary="Keep a spec under its digest",
    status_code=201,
    response_class=Response,
    responses={
        200: {"description": "It was kept already.", "content": content("KeptSpecAnswer")},
        201: {"description": "It is kept, for good.", "content": content("KeptSpecAnswer")},
        **problems(*WHEN_READ, 501, 507),
    },
    openapi_extra=json_body("Spec", EXAMPLES | LARGE_EXAMPLES),
)
async def keep_spec(request: Request) -> Response:
    """Keep a spec's canonical text, and return the addresses that name it by its digest, however long it is.

    A seed that is left out is drawn, and kept. To keep the same again changes nothing.
    """
    read_query(request, ())
    services = services_of(request)
    if services.store is None:
        raise RequestProblem("no-store", "this service keeps no specs: INITSERVE_SPECS is not set")
    with services.room.for_request(whose(request)) as grant:
        body = await read_body(request, services, grant)
        plan = await of_spec(body, lambda spec: named(spec, request), services.workers, request)
    try:
        new = await services.store.keep(plan.digest, plan.canonical_json())
    except StoreFull:
        raise RequestProblem("store-full", "all the room for specs that this service has is taken") from None
    location = f"/specs/{plan.address}"
    size = len(plan.canonical_json().encode())
    told = {"digest": plan.address, "seed": str(plan.seed), "bytes": size, "spec": location, **links_of(plan)}
    return Response(dumps(told), 201 if new else 200, {"location": location, "cache-control": "no-store"}, JSON)


def named(spec: Spec, request: Request) -> Plan:
    """Return a spec's plan with the address that names it; its text is written and digested here, which takes time."""
    with admitted(spec, request):
        plan = under_digest(spec.plan())
    _ = plan.digest
    return plan


@addressed(
    router,
    "/specs/{digest}",
    "show_spec",
    "A kept spec's text",
    {JSON: reference("Spec")},
    [DIGEST],
    (404, 412, 422, 503),
)
async def show_spec(request: Request) -> Response:
    """Answer the canonical text of a spec (RFC 8785), whose SHA-256 the address is."""
    read_query(request, ())
    name = request.path_params["digest"]
    digest = digest_in(name)
    if digest is None:
        raise RequestProblem(
            "unknown-spec", "a kept spec is named by sha256- and 64 hexadecimal digits in small letters"
        )
    text = await text_of(digest, services_of(request).store)

    async def lay_out() -> Payload:
        return Payload([Known(text.encode())])

    return await answer(
        request, Representation(f"{name}.json", JSON, (digest, "spec"), lay_out, lambda: None, shown=True)
    )
