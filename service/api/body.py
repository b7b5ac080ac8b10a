"""Receives a request's body: bounded in size and time."""

import asyncio

from fastapi import Request

from service.api.admission import Grant
from service.api.problems import ClientGone, RequestProblem
from service.api.routing import ACCEPT_QUERY
from service.api.services import Services


async def read_body(request: Request, services: Services, grant: Grant) -> bytes:
    """Return the body's bytes, what they become counted in the grant.

    Refuses another type than JSON, too many bytes, and a client that does not send.
    """
    declared = declared_type(request)
    media_type, _, parameters = declared.partition(";")
    charset = parameters.replace(" ", "").lower()
    if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8", 'charset="utf-8"'):
        taken = {"accept": "application/json"} | (ACCEPT_QUERY if request.method == "QUERY" else {})
        detail = f"the body is {declared or 'of no declared type'}, not JSON"
        raise RequestProblem("unsupported-media-type", detail, headers=taken)
    content = await receive_body(request, services, grant)
    request.state.waited = await services.readiness.admit(content)
    return content


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
                body += message.get("body", b"")
                if len(body) > limit:
                    raise RequestProblem("body-too-large", f"the body has more than {limit} bytes")
                if not message.get("more_body", False):
                    services.room.for_body(grant, len(body))
                    break
    except TimeoutError:
        seconds = settings.body_timeout_seconds
        raise RequestProblem("request-timeout", f"the body was not complete after {seconds:g} s") from None
    return bytes(body)


def declared_type(request: Request) -> str:
    """Return what a body is declared to be; refuses one that is compressed."""
    codings = ", ".join(request.headers.getlist("content-encoding")).lower()
    if coding := ", ".join(name for part in codings.split(",") if (name := part.strip()) not in ("", "identity")):
        detail = f"the body is declared to be compressed by {coding}: send it as it is"
        raise RequestProblem("unsupported-media-type", detail, headers={"accept-encoding": "identity"})
    return ", ".join(request.headers.getlist("content-type"))
