"""The application around all routes: every request comes through here, and every answer leaves through here."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.door.access import Access
from service.api.door.guards import for_one_client
from service.api.door.visits import Visit


class Gate:
    """Lets a request in as somebody's, and adds to its answer what every answer says."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        access = self._access
        visit = scope["visit"] = Visit(access.client_of(scope), headers=access.origins.of(scope))

        async def leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                headers = message.get("headers", ())
                own = for_one_client(headers) if visit.private else headers
                message["headers"] = [*own, *visit.headers, *access.guards.of(headers)]
            else:
                visit.sent += len(message.get("body", b""))
            await send(message)

        await (access.origins.preflight(scope) or self._app)(scope, receive, leave)
