"""uvicorn as this service runs it: its deadlines, and connections that can be dropped."""

import uvicorn
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service.api.app import create_app
from service.api.streaming import ABORT
from service.settings import Settings

# Clients keep connections for a minute or so: a server that closes sooner resets them in mid-request.
KEEP_ALIVE = 75


class Connection(HttpToolsProtocol):
    """A connection that an answer can drop; closing one waits until all was sent, for ever where nobody reads."""

    answering: RequestResponseCycle | None = None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered, too: uvicorn tells the newest, which may wait behind it."""
        if self.answering is not None and not self.answering.response_complete:
            self.answering.disconnected = True
            self.answering.message_event.set()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


def run(settings: Settings) -> None:
    """Serve until interrupted; what is still being sent then has some time to end."""
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        http=Connection,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        server_header=False,
    )
