"""The application around all routes: every request comes through here, and every answer leaves through here."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.door.clients import Proxies, client_of
from service.api.door.visits import Visit


class Gate:
    """Lets a request in as somebody's, and adds to its answer what every answer says."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit = scope["visit"] = Visit(client_of(scope, self._proxies))

        async def leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                visit.status = message["status"]
                message["headers"] = [*message.get("headers", ()), *visit.headers]
            else:
                visit.sent += len(message.get("body", b""))
            await send(message)

        await self._app(scope, receive, leave)
