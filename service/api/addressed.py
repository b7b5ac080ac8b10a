"""The words of OpenAPI for what has an address: GET and HEAD, conditions, ranges (service/api/representation.py)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from fastapi import APIRouter, Request, Response

from service.api.described import problems, told
from service.api.routing import DirectRoute
from service.api.streaming import Answer

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


def asked(name: str, description: str, example: str) -> dict[str, Any]:
    """Return a header that a request may have."""
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}, "example": example}


CONDITIONS = [
    asked("If-None-Match", "Answer 304, without a number drawn, where this is what the client has.", ""),
    asked("If-Match", "Answer 412 where this is not what is here.", ""),
]
RANGES = [
    asked("Range", "`bytes=a-b`, `a-`, `-n`, or up to 64 of these: only those bytes, at their own cost.", ""),
    asked("If-Range", "Send all where this is not what is here, instead of the range.", ""),
]
DIGEST = [asked("Want-Repr-Digest", "`sha-256=1` asks for the digest of all of it, where that takes little.", "")]
BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
HEADERS = {
    "ETag": told("Strong: another one is other bytes."),
    "Cache-Control": told("A year, immutable: the bytes at an address never change."),
    "Accept-Ranges": told("`bytes`"),
    "Content-Disposition": told("A name for the file."),
    "Repr-Digest": told("SHA-256 of all of it (RFC 9530), where it was asked for and is known or takes little."),
}


def responses(
    schemas: Mapping[str, dict[str, Any]], refusals: tuple[int, ...], method: str
) -> dict[int | str, dict[str, Any]]:
    """Return what such an address answers: these schemas by media type, problems of these statuses."""
    found: dict[int | str, dict[str, Any]] = {
        200: {"description": "All of it.", "headers": HEADERS},
        304: {"description": "The client has it already (If-None-Match)."},
    }
    if method == "get":
        found[200]["content"] = {media_type: {"schema": schema} for media_type, schema in schemas.items()}
        some = {"Content-Range": told("Which bytes, and of how many."), **HEADERS}
        ranges = {
            media_type: {"type": "string"} if media_type == "application/json" else schema  # a part of JSON is none
            for media_type, schema in schemas.items()
        } | {"multipart/byteranges": BINARY}
        part = {media_type: {"schema": schema} for media_type, schema in ranges.items()}
        found[206] = {"description": "The ranges that were asked for.", "headers": some, "content": part}
        found |= problems(*refusals, 416)
    else:  # what a HEAD answers has no body
        found |= {status: {"description": each["description"]} for status, each in problems(*refusals).items()}
    return dict(sorted(found.items(), key=lambda each: int(each[0])))


def addressed(
    router: APIRouter,
    path: str,
    operation_id: str,
    summary: str,
    schemas: Mapping[str, dict[str, Any]],
    parameters: list[dict[str, Any]],
    refusals: tuple[int, ...] = (400, 404, 412, 422, 503),
) -> Callable[[Handler], Handler]:
    """Register a handler for GET and HEAD of a path that holds or names a spec."""

    def register(handler: Handler) -> Handler:
        for method, more in (("get", [*CONDITIONS, *RANGES, *DIGEST]), ("head", [*CONDITIONS, *DIGEST])):
            router.add_api_route(
                path,
                handler,
                methods=[method.upper()],
                operation_id=operation_id if method == "get" else f"head_{operation_id}",
                summary=summary if method == "get" else f"{summary}: headers alone",
                status_code=200,
                response_class=Answer,
                responses=responses(schemas, refusals, method),
                openapi_extra={"parameters": [*parameters, *more]},
            )
            route = router.routes[-1]
            assert isinstance(route, DirectRoute)
            route.also = frozenset(("GET", "HEAD"))
        return handler

    return register
