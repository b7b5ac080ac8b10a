"""Everything that can go wrong, as RFC 9457 problem documents; the only place where errors meet statuses.

To add one, add a row to PROBLEMS. A problem's `type` is the address of its own page here.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from service.api.door.visits import visit_of
from service.api.telemetry.identity import Identity
from service.errors import InitserveError, InvalidAddress

MOST_ERRORS = 20
LONGEST_TEXT = 600
# Bytes in JSON, whose escapes take six a character: an answer stays below 16 KiB whatever it quotes.
LARGEST_ERRORS, LARGEST_REMEDY = 4096, 4096
logger = logging.getLogger("initserve")


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str
    meaning: str


PROBLEMS: dict[str, Kind] = {
    "malformed-json": Kind(
        400,
        "The body is not JSON as RFC 8259 has it",
        "Send one JSON document in UTF-8: no byte order mark, no NaN or Infinity, no number beyond a float64, no name "
        "twice in an object, no more than 64 members in one, and not nested without end.",
    ),
    "malformed-request": Kind(
        400,
        "The request is not HTTP as RFC 9110 and 9112 have it",
        "`detail` says what is wrong. A request of HTTP/1.1 has one Host header, lines that end in CR LF, and one way "
        "to tell where its body ends.",
    ),
    "invalid-address": Kind(
        400,
        "The address holds no spec",
        "An address of weights holds its whole spec, so it must be copied whole, from the `links` of an answer. "
        "`detail` says what is wrong with it.",
    ),
    "malformed-form": Kind(
        400,
        "The body is not a form of several parts as RFC 7578 has it",
        "Send multipart/form-data with the boundary that its type names, and in it the fields `spec` and `file`.",
    ),
    "key-needed": Kind(
        401,
        "An API key is needed for this",
        "Send the header `Authorization: Bearer KEY`, with a key of whoever runs this service. `detail` says for what; "
        "the rest needs none.",
    ),
    "unknown-key": Kind(
        401,
        "The API key is none of this service",
        "It may have been replaced by another, or not be whole. Keys begin with `initserve_`, and are sent as "
        "`Authorization: Bearer KEY`, once; `initserve keys new NAME` makes one for a service of your own.",
    ),
    "scope-missing": Kind(
        403,
        "The client may not do this",
        "`detail` says what: ask whoever runs this service for a key that opens it. On a service of your own scopes "
        "stand in the file of keys (INITSERVE_API_KEYS_FILE), and what is open to all in INITSERVE_OPEN_SCOPES.",
    ),
    "not-found": Kind(404, "There is nothing here", "See /docs for every address that answers."),
    "unknown-repository": Kind(
        404,
        "There is no such repository on this Hub",
        "Repositories are `init/RECIPE`, with `-SIZE` and `-HEAD` where these are meant, after GET /recipes, and "
        "`spec/sha256-DIGEST` for a stored spec.",
    ),
    "unknown-revision": Kind(
        404,
        "The repository has no such revision",
        "`seed-N` is one for every seed N, `torch-seed-N` for what PyTorch draws, `main` is `seed-0`; or a commit id.",
    ),
    "unknown-file": Kind(
        404,
        "The repository has no such file",
        "`GET /api/models/REPOSITORY/tree/REVISION` lists those that it has.",
    ),
    "unknown-spec": Kind(
        404,
        "No spec is kept under this digest",
        "`POST /specs` keeps one and answers its digest, which the replicas know that share a store (INITSERVE_SPECS).",
    ),
    "method-not-allowed": Kind(405, "This address takes another method", "The Allow header lists those that it takes."),
    "not-acceptable": Kind(
        406, "No format that is offered is acceptable", "Ask for one that `detail` lists, in Accept or with ?format=."
    ),
    "request-timeout": Kind(408, "The request did not come in time", "Send the request again, all of it at once."),
    "precondition-failed": Kind(
        412,
        "What is here is not what the request asks for",
        "The ETag header says what is here; leave If-Match out to take it as it is.",
    ),
    "body-too-large": Kind(
        413,
        "The body is too large",
        "A spec is a few kilobytes; send fewer layers at a time. "
        "`detail` says what a file to be compared may have; `initserve verify` on your machine takes any.",
    ),
    "uri-too-long": Kind(414, "The address is too long", "Send the spec in the body of a POST."),
    "unsupported-media-type": Kind(
        415,
        "The body is not declared to be what this address takes, or is compressed",
        "Send the header `content-type` as `detail` says (`application/json` for a spec). Of codings a spec may have "
        "gzip, all else none.",
    ),
    "range-not-satisfiable": Kind(
        416,
        "There are no such bytes",
        "The Content-Range header says how many there are. A range is bytes=a-b, bytes=a- or bytes=-n; 64 may be asked "
        "for at once, with commas between them.",
    ),
    "invalid-spec": Kind(
        422,
        "The spec says something that cannot be",
        "Each of `errors` points (RFC 6901) to a member of the body and says what it takes.",
    ),
    "invalid-file": Kind(
        422,
        "The file cannot be read",
        "`detail` says where it is cut short, damaged or otherwise than its format has it. What can be compared are "
        "safetensors, .npz (stored or deflated) and .npy files.",
    ),
    "invalid-query": Kind(422, "The address has a parameter that cannot be", "`detail` says which, and what it takes."),
    "invalid-slice": Kind(
        422,
        "The array has no such slice",
        "A slice is written as NumPy takes it: an index for each axis, with commas between, each a place (`3`), a "
        "range (`0:128`, `::2`, `::-1`) or `...`; `try` has one that this array has.",
    ),
    "unsupported-combination": Kind(
        422,
        "Each part is possible, together they are not",
        "`detail` says which two exclude each other; `try` has a change that works.",
    ),
    "not-exact": Kind(
        422,
        "The framework's own bits cannot be promised",
        "A framework's stream gives what that framework would, to the bit, or nothing. `detail` says why this cannot "
        'be promised; `"exact": false` in the spec takes what comes near, and the answer says so.',
    ),
    "too-large": Kind(
        422,
        "The answer would cost more than this service may spend on one",
        "Ask for fewer layers at a time, for ?include=statistics, or for a format that allows more; or set a higher "
        "limit (docs/settings.md) on a service of your own.",
    ),
    "too-many-requests": Kind(
        429,
        "You have more under way than your share, or have used it up",
        "`detail` says of what. Ask again after the seconds that the Retry-After header says, with fewer requests at "
        "once; the RateLimit headers of every answer tell what is left. Other clients are answered meanwhile.",
    ),
    "headers-too-large": Kind(
        431, "The headers are too large", "Send shorter ones, or fewer; no request here needs more than a few."
    ),
    "busy": Kind(
        503,
        "The service has all that it can do at once",
        "Ask again after the seconds that the Retry-After header says, or ask another replica.",
    ),
    "stream-not-ready": Kind(
        503,
        "The framework's stream that is asked for is not ready here",
        "`GET /algorithms` says which are. Kernels are compiled at a first start, for a minute or so: ask again after "
        "the seconds that the Retry-After header says. Where there is none, this machine is faulty: ask another.",
    ),
    "store-unavailable": Kind(
        503,
        "The store of specs does not answer",
        "Ask again after the seconds that the Retry-After header says. Specs that their addresses hold need no store.",
    ),
    "store-full": Kind(
        507,
        "The store of specs is full",
        "A service of your own has another store (INITSERVE_SPECS) and another bound (INITSERVE_MAX_SPECS_BYTES); a "
        "spec whose address is short enough needs none.",
    ),
    "no-store": Kind(
        501,
        "This service keeps no specs",
        "Set INITSERVE_SPECS on a service of your own (docs/settings.md). A spec of ordinary length needs no store: "
        "`POST /plan` answers links that hold it.",
    ),
    "transfer-encoding": Kind(
        501, "The body comes in a transfer encoding that is not understood", "Send it chunked, or with its length."
    ),
    "http-version": Kind(
        505, "The request is of another version of HTTP", "Use HTTP/1.1; a proxy in front can take the others."
    ),
    "internal-error": Kind(500, "The service failed", "This is a fault of the service. Please report it."),
}
NOBODY = 499  # nginx's word, in logs, for a client that left before it was answered
BY_STATUS = {404: "not-found", 405: "method-not-allowed", 413: "body-too-large", 415: "unsupported-media-type"}


class RequestProblem(Exception):
    """A problem with the request itself, or with room for it."""

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Iterable[Mapping[str, str]] = (),
        retry_after: int | None = None,
        remedy: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.remedy = remedy
        self.reason = reason  # of a refusal, for operators: a word of its own for each bound
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["retry-after"] = str(retry_after)


class ClientGone(Exception):
    """The client has left: there is nobody to answer."""


class PointedError(BaseModel):
    pointer: str = Field(description="JSON Pointer (RFC 6901) of the member of the body that is at fault.")
    detail: str = Field(description="What is wrong with it, and what it takes.")


class Problem(BaseModel):
    """A problem document (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "type": "/problems/invalid-spec",
        "title": "The spec says something that cannot be",
        "status": 422,
        "detail": "1 error in the spec",
        "errors": [{"pointer": "/layers/0/shape/1", "detail": "this must be 1 or more, not -1"}],
    }]})  # fmt: skip

    type: str = Field(description="Address of a page that explains this kind of problem.")
    title: str
    status: int
    detail: str
    request_id: str | None = Field(
        None, description="What the request is called in the service's log: X-Request-Id as it was sent, or made here."
    )
    trace_id: str | None = Field(None, description="The trace that the request's traceparent names (W3C).")
    errors: list[PointedError] | None = Field(None, description=f"Where it went wrong; {MOST_ERRORS} at the most.")
    try_: dict[str, Any] | None = Field(
        None,
        alias="try",
        description="Members that would work: of the object that holds the one that the first pointer leads to, or, "
        "where that has no such member, of the whole body.",
    )


def cut(text: str) -> str:
    """Keep a text that may quote the request from growing with it, and free of what UTF-8 cannot hold."""
    text = text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
    return text.encode("utf-8", "replace").decode()


def problem(
    code: str,
    detail: str,
    errors: Iterable[Mapping[str, str]] = (),
    remedy: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    identity: Identity | None = None,
) -> JSONResponse:
    kind = PROBLEMS[code]
    body: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": cut(detail),
    }
    if identity is not None:
        body["request_id"] = identity.request_id
        if identity.trace_id:
            body["trace_id"] = identity.trace_id
    room = LARGEST_ERRORS
    listed: list[dict[str, str]] = []
    for error in errors:
        one = {"pointer": cut(error["pointer"]), "detail": cut(error["detail"])}
        room -= len(to_json(one))
        if listed and (room < 0 or len(listed) == MOST_ERRORS):
            break
        listed.append(one)
    if listed:
        body["errors"] = listed
    if remedy and can_be_said(remedy):
        body["try"] = dict(remedy)
    return JSONResponse(body, kind.status, dict(headers or {}), "application/problem+json")


def can_be_said(remedy: Mapping[str, Any]) -> bool:
    """Whether a change to the request is one that a request can hold: small, and of finite numbers."""
    try:
        return len(json.dumps(remedy, allow_nan=False)) <= LARGEST_REMEDY
    except ValueError:
        return False


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document, and count them."""

    def counted(
        code: str,
        request: Request,
        detail: str,
        errors: Iterable[Mapping[str, str]] = (),
        remedy: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        reason: str = "",
    ) -> JSONResponse:
        app.state.services.metrics.count_problem(code, reason)
        visit = visit_of(request)
        visit.problem = code
        return problem(code, detail, errors, remedy, headers, visit.identity)

    async def of_spec(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, InitserveError)
        # A pointer leads into a body, which the request of an address does not have.
        errors = [] if isinstance(error, InvalidAddress) else [{"pointer": error.pointer, "detail": error.detail}]
        return counted(error.code, request, error.detail, errors, error.remedy)

    async def of_request(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestProblem)
        if error.code == "too-many-requests":
            visit = visit_of(request)
            await visit.accounts.put_off(visit.client.name)
        return counted(error.code, request, error.detail, error.errors, error.remedy, error.headers, error.reason)

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code = BY_STATUS.get(error.status_code, "internal-error" if error.status_code >= 500 else "not-found")
        detail = f"{request.method} {request.url.path}: {PROBLEMS[code].title.lower()}"
        return counted(code, request, detail, headers=error.headers)

    async def of_query(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return counted("invalid-query", request, f"{error.errors()[0]['loc'][-1]} is not what this address takes")

    async def of_memory(request: Request, error: Exception) -> JSONResponse:
        logger.error("%s %s: out of memory", request.method, request.url.path, exc_info=error)
        return counted(
            "busy",
            request,
            "there was not enough memory for it just now",
            headers={"retry-after": "1"},
            reason="out-of-memory",
        )

    async def of_fault(request: Request, error: Exception) -> JSONResponse:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return counted("internal-error", request, "something failed here that should not; it has been logged")

    async def of_nobody(request: Request, error: Exception) -> Response:
        app.state.services.metrics.answers.labels("client-gone").inc()
        return Response(status_code=NOBODY)  # which goes nowhere

    app.add_exception_handler(ClientGone, of_nobody)
    app.add_exception_handler(InitserveError, of_spec)
    app.add_exception_handler(RequestProblem, of_request)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(RequestValidationError, of_query)
    app.add_exception_handler(MemoryError, of_memory)
    app.add_exception_handler(Exception, of_fault)
