"""Connections on their way from the parent, which accepts them, to the processes that serve, in turn.

Left to whoever is quickest, most of them would come to one process; and nobody is refused while one begins or ends.
Each is passed with one byte, over a socket between the two, whose end says that no more come.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

AT_ONCE = 64  # connections that are passed before others have a turn
FULL = 0.01  # seconds until one is offered again that no process takes now
FAILED = 1.0  # seconds until more are accepted where that fails: too many files are open, say
NOT_INHERITED = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
logger = logging.getLogger("initserve")


class Acceptor:
    """Accepts connections and passes them on, to the next of `takers` each time; where there is none, they wait."""

    def __init__(self, listeners: Sequence[socket.socket], takers: Callable[[], Sequence[socket.socket]]) -> None:
        self._listeners, self._takers = listeners, takers
        self._loop = asyncio.get_running_loop()
        self._held: socket.socket | None = None  # accepted, and not passed on
        self._turn = 0
        for listener in listeners:
            listener.setblocking(False)
        self._go_on()

    def close(self) -> None:
        """Accept no more."""
        self._stop()
        self._takers = tuple
        if self._held is not None:
            self._held.close()

    def _stop(self) -> None:
        for listener in self._listeners:
            self._loop.remove_reader(listener)

    def _go_on(self, after: float = 0.0) -> None:
        self._stop()
        if after:
            self._loop.call_later(after, self._go_on)
        elif self._passed():
            for listener in self._listeners:
                self._loop.add_reader(listener, self._accept, listener)
        else:
            self._loop.call_later(FULL, self._go_on)

    def _accept(self, listener: socket.socket) -> None:
        """Accept what waits, as long as it is taken."""
        try:
            for _ in range(AT_ONCE):
                self._held, _ = listener.accept()
                if not self._passed():
                    self._go_on(FULL)
                    return
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:
            logger.error("Connections cannot be accepted: %s", error.strerror)
            self._go_on(FAILED)

    def _passed(self) -> bool:
        """Pass on the connection that is held; return whether none is held any more."""
        if self._held is None:
            return True
        takers = self._takers()
        for count in range(len(takers)):
            try:
                socket.send_fds(takers[(self._turn + count) % len(takers)], [b"c"], [self._held.fileno()])
            except OSError:  # it is full, or gone
                continue
            self._turn += count + 1
            self._held.close()
            self._held = None
            return True
        return False


class Receiver:
    """Takes connections that are passed here; `last` is set once no more come."""

    def __init__(self, end: socket.socket, protocol: Callable[[], asyncio.Protocol]) -> None:
        self.last = asyncio.Event()
        self._end, self._protocol = end, protocol
        self._loop = asyncio.get_running_loop()
        self._beginning: set[asyncio.Task[None]] = set()
        end.setblocking(False)
        self._loop.add_reader(end, self._receive)

    def _receive(self) -> None:
        for _ in range(AT_ONCE):
            try:
                said, files, _, _ = socket.recv_fds(self._end, 1, 1, NOT_INHERITED)
            except BlockingIOError:
                return
            except OSError:  # the other side is gone
                said, files = b"", []
            for file in files:
                task = self._loop.create_task(self._begin(socket.socket(fileno=file)))
                self._beginning.add(task)
                task.add_done_callback(self._beginning.discard)
            if not said:
                self._loop.remove_reader(self._end)
                self.last.set()
                return

    async def _begin(self, connection: socket.socket) -> None:
        try:
            if connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setblocking(False)
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:  # whoever connected has left already
            connection.close()
