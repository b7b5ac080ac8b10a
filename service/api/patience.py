"""How long a connection's client may make an answer wait: a bounded time, earned back by taking bytes."""

import asyncio

from service.settings import Settings

LOOKS = 8  # at what was taken, in the time that a client which takes nothing has


class Patience:
    """The time that a client has left. Seconds in which it is waited for count, and bytes that it takes then."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, settings: Settings) -> None:
        self.lost = False  # the connection was dropped
        self._transport = transport
        self._loop = loop
        self._most = settings.send_timeout_seconds
        self._rate = settings.min_send_bytes_per_second
        self._used = 0.0  # seconds
        self._unsent = 0
        self._since = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Count the time from now on."""
        self._unsent, self._since = self._transport.get_write_buffer_size(), self._loop.time()
        self._timer = self._loop.call_later(self._most / LOOKS, self._look)

    def end(self) -> None:
        """Count no more: the client has taken enough for more to be sent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._count()

    def _count(self) -> None:
        unsent, now = self._transport.get_write_buffer_size(), self._loop.time()
        earned = (self._unsent - unsent) / self._rate
        self._used = max(0.0, self._used + now - self._since - earned)
        self._unsent, self._since = unsent, now

    def _look(self) -> None:
        self._count()
        if self._used >= self._most:
            self.lost = True
            self._transport.abort()
        else:
            self._timer = self._loop.call_later(min(self._most / LOOKS, self._most - self._used), self._look)
