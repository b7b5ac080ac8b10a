"""The application around all routes: every request comes through here, and every answer leaves through here."""

import asyncio
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.door.access import Access
from service.api.door.bounds import Bounds
from service.api.door.guards import for_one_client
from service.api.door.visits import Visit
from service.api.services import Services
from service.api.streaming import Line, line_of
from service.api.telemetry.identity import REQUEST_ID, current, identify
from service.api.telemetry.phases import server_timing
from service.api.telemetry.requests import tell


class Gate:
    """Lets a request in as somebody's, adds to its answer what every answer says, and tells of both."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = Bounds(app)
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        access, metrics, spans, outcome = self._access, services.metrics, services.spans, ""
        identity = identify(scope["headers"], traced=spans is not None)
        current.set(identity)
        visit = scope["visit"] = Visit(
            access.client_of(scope), identity, services.accounts, headers=access.origins.of(scope["headers"])
        )
        line = line_of(scope)

        async def leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.answered, visit.status = time.monotonic(), message["status"]
                headers = message.get("headers", ())
                own = for_one_client(headers) if visit.private else headers
                told = [*told_of(visit), *services.accounts.headers(visit.client.name)]
                message["headers"] = [*own, *visit.headers, *access.guards.of(headers), *told]
            else:
                visit.sent += len(message.get("body", b""))
                visit.complete = not (message.get("more_body", False) or (line is not None and line.left.is_set()))
            await send(message)

        metrics.under_way += 1
        try:
            await (access.origins.preflight(scope) or self._app)(scope, receive, leave)
        except asyncio.CancelledError:
            outcome = "cut"
            raise
        finally:
            metrics.under_way -= 1
            tell(scope, visit, metrics, spans, outcome or outcome_of(line, visit))


def told_of(visit: Visit) -> list[tuple[bytes, bytes]]:
    """Return the headers that say what a request is called, and what it has gone through so far."""
    called = (REQUEST_ID, visit.identity.request_id.encode())
    return [called, (b"server-timing", server_timing(visit.phases))] if visit.phases else [called]


def outcome_of(line: Line | None, visit: Visit) -> str:
    """Return how an answer ended, once nobody is at work on it; who leaves with all of it has not left too early."""
    if visit.complete:
        return "complete"
    if line is not None and line.stalled:
        return "stalled"
    return "client-gone" if line is not None and line.left.is_set() else "failed"
