"""python -m service.serving.child: one of several processes that serve the connections that their parent accepts.

Its arguments are numbers of files that it inherits: sockets to its parent, for words and for connections.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from service.api.connection import Connection
from service.api.telemetry.snapshots import Snapshot
from service.serving import messages
from service.serving.messages import Channel
from service.serving.passing import Receiver
from service.serving.server import Server
from service.settings import Settings

PATIENCE = 3.0  # seconds for the parent to find out what the others count


class Child(Server):
    """A server that does what its parent says, and ends when that is gone."""

    def __init__(self, settings: Settings, words: socket.socket, connections: socket.socket) -> None:
        super().__init__(settings)
        self._words, self._connections = words, connections
        self._others: asyncio.Future[Snapshot] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        self._parent = await Channel.over(self._words)
        self._receiver = Receiver(self._connections, self._connection)
        self.services.metrics.others = self.others
        self._following = asyncio.create_task(self._follow())
        self._compiling = asyncio.create_task(self._say_when_compiled())
        self._parent.say(messages.OPEN)

    def _connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)

    async def stop_listening(self, sockets: list[socket.socket] | None) -> None:
        self._parent.say(messages.ENOUGH)
        await self._receiver.last.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._compiling.cancel()
        await super().shutdown(sockets)
        self._tell()
        self._following.cancel()
        await self._parent.close()

    async def _say_when_compiled(self) -> None:
        await self.services.readiness.compiled()
        self._parent.say(messages.READY)

    async def _follow(self) -> None:
        """Do what the parent says."""
        async for word, content in self._parent.heard():
            if word == messages.TELL:
                self._tell()
            elif word == messages.LEAVE:
                self.leave()
            elif word == messages.OTHERS and self._others is not None and not self._others.done():
                self._others.set_result(Snapshot.of_json(content))
        self.handle_exit(signal.SIGTERM, None)  # the parent is gone: somebody else will start it anew

    def _tell(self) -> None:
        self._parent.say(messages.FIGURES, Snapshot.of(self.services.metrics.registry).to_json())

    async def others(self) -> Sequence[Snapshot]:
        """Return what the other processes count, and those have counted that have ended."""
        if self._others is None or self._others.done():
            self._others = asyncio.get_running_loop().create_future()
            self._parent.say(messages.ASK)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                return (await asyncio.shield(self._others),)
        return ()


def main() -> None:
    """Serve until the parent says otherwise; ends with 1, and says why, where that cannot be."""
    words, connections = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    for each in (words, connections):
        each.set_inheritable(False)
    try:
        server = Child(Settings(), words, connections)
    except (OSError, ValueError) as error:
        raise SystemExit(f"initserve: {error}") from None
    server.run()


if __name__ == "__main__":
    main()
