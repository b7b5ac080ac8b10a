"""Receives a request's body: bounded in size and time, and in what it inflates to where it is compressed."""

import asyncio
import zlib

from fastapi import Request

from service.api.admission import SMALL_BODY, Grant
from service.api.door.visits import visit_of
from service.api.problems import ClientGone, RequestProblem
from service.api.routing import ACCEPT_QUERY
from service.api.services import Services
from service.api.working import in_worker

GZIP = ("gzip", "x-gzip")
WBITS = 31  # zlib's number for gzip's format


async def read_body(request: Request, services: Services, grant: Grant) -> bytes:
    """Return the body's bytes, inflated, what they become counted in the grant.

    Refuses another type than JSON, too many bytes, and a client that does not send.
    """
    coding = coding_of(request)
    if coding not in ("", *GZIP):
        raise compressed(coding, "gzip, identity")
    declared = ", ".join(request.headers.getlist("content-type"))
    media_type, _, parameters = declared.partition(";")
    charset = parameters.replace(" ", "").lower()
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        taken = {"accept": "application/json"} | (ACCEPT_QUERY if request.method == "QUERY" else {})
        detail = f"the body is {declared or 'of no declared type'}, not JSON"
        raise RequestProblem("unsupported-media-type", detail, headers=taken)
    with visit_of(request).phase("read"):
        content = await receive_body(request, services, grant)
        if coding:
            limit = services.settings.max_body_bytes
            content = await in_worker(services.workers, request, lambda: inflated(content, limit))
            services.room.for_body(grant, len(content))
    visit_of(request).went_by("kernels", await services.readiness.admit(content))
    return content


def inflated(content: bytes, most: int) -> bytes:
    """Return what was compressed by gzip, of at most `most` bytes."""
    inflating = zlib.decompressobj(WBITS)
    try:
        found = inflating.decompress(content, most + 1)
    except zlib.error:
        raise RequestProblem("malformed-json", "the body is declared to be compressed by gzip, and is not") from None
    if len(found) > most:
        raise RequestProblem("body-too-large", f"the body inflates to more than {most} bytes")
    if not inflating.eof:
        raise RequestProblem("malformed-json", "the body ends before what was compressed does")
    if inflating.unused_data:
        raise RequestProblem("malformed-json", "something follows what was compressed in the body")
    return found


async def receive_body(request: Request, services: Services, grant: Grant) -> bytes:
    """Return the body's bytes, of whatever type, bounded in number and in time."""
    settings = services.settings
    limit = settings.max_body_bytes
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise RequestProblem("body-too-large", f"the body has {length[:20]} bytes; at most {limit} are read")
    body = bytearray()
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            while True:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                body += part
                if len(body) > limit:
                    raise RequestProblem("body-too-large", f"the body has more than {limit} bytes")
                if len(body) > SMALL_BODY:
                    services.room.for_more(grant, len(part))
                if not message.get("more_body", False):
                    services.room.for_body(grant, len(body))
                    break
    except TimeoutError:
        seconds = settings.body_timeout_seconds
        raise RequestProblem("request-timeout", f"the body was not complete after {seconds:g} s") from None
    return bytes(body)


def declared_type(request: Request) -> str:
    """Return what a body is declared to be; refuses one that is compressed."""
    if coding := coding_of(request):
        raise compressed(coding, "identity")
    return ", ".join(request.headers.getlist("content-type"))


def coding_of(request: Request) -> str:
    """Return what a body is declared to be compressed by, "" where it is as it is."""
    codings = ", ".join(request.headers.getlist("content-encoding")).lower()
    return ", ".join(name for part in codings.split(",") if (name := part.strip()) not in ("", "identity"))


def compressed(coding: str, accepted: str) -> RequestProblem:
    detail = f"the body is declared to be compressed by {coding}; this address takes {accepted}"
    return RequestProblem("unsupported-media-type", detail, headers={"accept-encoding": accepted})
