"""A process that serves: uvicorn with this service's own connections, and an end in steps.

Told to stop, it says so in /readyz at once, goes on as before for `drain_seconds`, then refuses new requests, and ends
once the answers under way are sent; those that are not by `shutdown_seconds` are cut.
"""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from uvicorn.server import HANDLED_SIGNALS

from service.api.app import create_app
from service.api.connection import Connection
from service.api.draining import Draining
from service.api.services import Services
from service.serving.logs import log_config
from service.settings import Settings

LOOK = 0.05  # seconds between two looks whether all is done
LAST = 1.0  # seconds for what was cut to be cleared away
# Seconds that connections without a request stay open when another process has this one's place: closed at once, they
# might cross with a request; so they mostly end with the answer to their next one.
PARTING = 5.0


class Server(uvicorn.Server):
    """One process's server. Raises what create_app does."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            uvicorn.Config(
                create_app(settings),
                log_config=log_config(settings),
                access_log=False,  # requests are told of by the service itself, each in one line
                http=Connection,
                ws="none",
                server_header=False,
                proxy_headers=False,  # who is asked for: the door says whom it believes
            )
        )
        self.settings = settings
        self.told: signal.Signals | None = None  # to end
        self.replaced = False  # others go on listening

    @property
    def services(self) -> Services:
        """What requests use, once the server has started."""
        found: Services = self.lifespan.state["services"]
        return found

    @property
    def draining(self) -> Draining:
        return self.services.draining

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take signals while serving. What they would have done to the process is left to whoever runs this."""
        before = {number: signal.signal(number, self.handle_exit) for number in HANDLED_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; Ctrl-C waits for no load balancer, and the second one for nobody."""
        super().handle_exit(sig, frame)
        self.told = signal.Signals(sig)
        if self.started:
            self.draining.leaving = self.draining.unready = True

    def leave(self) -> None:
        """Begin to end, while other processes go on listening on the same sockets."""
        self.replaced = self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End in steps."""
        now = asyncio.get_running_loop().time()
        end = now + self.settings.shutdown_seconds
        self.draining.leaving = True
        if self.replaced:
            await self.stop_listening(sockets)
            await self._until(lambda: not self.server_state.connections, min(now + PARTING, end))
        else:
            self.draining.unready = True
            await self._until(lambda: self.told == signal.SIGINT, min(now + self.settings.drain_seconds, end))
            self.draining.refusing = True
            # What is listened on stays open, so that whoever looks after this process is answered.
            await self._until(lambda: not self.server_state.tasks, end)
            await self.stop_listening(sockets)
        await self._end_connections(end)
        if not self.force_exit:
            await self.lifespan.shutdown()

    async def stop_listening(self, sockets: list[socket.socket] | None) -> None:
        """Return once no new connection can come."""
        for server in self.servers:
            server.close()
        for each in sockets or ():
            each.close()

    async def _end_connections(self, end: float) -> None:
        """Close connections where nothing is under way; cut the others at the end of their time."""
        connections, tasks = self.server_state.connections, self.server_state.tasks
        for connection in list(connections):
            connection.shutdown()
        await self._until(lambda: not (connections or tasks), end)
        for connection in list(connections):
            assert isinstance(connection, Connection)
            connection.cut()
        await self._until(lambda: not (connections or tasks), asyncio.get_running_loop().time() + LAST)
        for task in list(tasks):
            task.cancel()

    async def _until(self, true: Callable[[], bool], end: float) -> None:
        """Return once something is true, the time is over, or somebody has lost patience."""
        while not (true() or self.force_exit) and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK)
