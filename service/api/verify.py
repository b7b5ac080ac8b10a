"""POST /verify: is this file what its spec gives? Read as it comes in, and never held as a whole."""

from fastapi import APIRouter, Request, Response

from service.api.comparing import HELD, Comparing
from service.api.crew import Crew
from service.api.described import content, problems, query
from service.api.door.visits import visit_of, whose
from service.api.routing import DirectRoute, read_query
from service.api.sent import FILES, FORM, Sent
from service.api.services import Services, services_of
from service.api.store import text_of
from service.api.weights import EXAMPLE
from service.formats import FORMATS
from service.formats.description import dumps
from service.specs.addresses import digest_in, unpacked

router = APIRouter(tags=["weights"], route_class=DirectRoute)
BINARY = {"schema": {"type": "string", "format": "binary"}}
# Files of the spec that an address holds: a safetensors file says its spec itself.
EXAMPLES = {
    FORMATS[name].media_type: {"examples": {name: {"summary": summary, "x-address": f"weights/{EXAMPLE}{end}"}}}
    for name, summary, end in (
        ("safetensors", "A file of this service, which says its own spec", ".safetensors"),
        ("npz", "The same arrays, for ?spec= to say the spec", ".npz"),
        ("npy", "One of them", "/hidden/kernel.npy"),
    )
}
FIELDS = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "spec": {
            "type": "string",
            "description": "The spec in JSON, as /init takes it; empty for the one that a safetensors file of this "
            "service holds. It stands before a file of more than a MiB.",
            "example": "",
        },
        "file": {"type": "string", "format": "binary", "description": "A safetensors, .npz or .npy file."},
    },
}
BODY = {
    "requestBody": {
        "required": True,
        "description": "A file: as it is, or as the field `file` of a form, with its spec in the field `spec`.",
        "content": {FORM: {"schema": FIELDS}, **{file: BINARY | EXAMPLES.get(file, {}) for file in FILES}},
    }
}
SPEC = {
    "name": "spec",
    "in": "query",
    "description": "The spec as a link of this service holds it, or `sha256-…` of one that is kept here. Left out: as "
    "the form's field, or as a safetensors file of this service says itself.",
    "schema": {"type": "string"},
    "examples": {
        "own": {"summary": "As the file says itself", "value": ""},
        "link": {"summary": "What a link holds", "value": EXAMPLE},
    },
}


@router.post(
    "/verify",
    operation_id="verify",
    summary="Is this file what its spec gives?",
    status_code=200,
    response_class=Response,
    responses={
        200: {"description": "What is equal, what differs first and where.", "content": content("VerifyAnswer")},
        **problems(400, 404, 408, 413, 415, 422, 503),
    },
    openapi_extra=BODY | query(SPEC),
)
async def verify(request: Request) -> Response:
    """Compare a safetensors, .npz or .npy file with what its spec gives, bit for bit, while it comes in.

    A file of any size takes a few MiB of memory; of which kind it is, its first bytes tell.
    """
    services = services_of(request)
    asked = read_query(request, ("spec",))
    with services.room.for_large(whose(request), HELD) as grant:
        crew = Crew(services.workers, request)
        sent = Sent(request, services.settings, await in_address(asked.get("spec"), services, crew))
        with visit_of(request).phase("compare"):
            answer = await Comparing(services, request, grant, crew).answer(sent)
    return Response(dumps(answer), media_type="application/json", headers={"cache-control": "no-store"})


async def in_address(address: str | None, services: Services, crew: Crew) -> bytes | None:
    """Return the spec that an address holds, or names."""
    if address is None:
        return None
    if (digest := digest_in(address)) is not None:
        return (await text_of(digest, services.store)).encode()
    return (await crew.call(lambda: unpacked(address, services.settings.max_body_bytes))).encode()
