"""Lets requests in one after the other where many come at once: by turns between clients, not as they came.

What the event loop does for a request at once (read it, plan it where that is light, refuse it) takes up to some
milliseconds. Fifty that one client sends together would be done before it looks for another's: so a few are let in at
a time, and between them it looks who else has come.
"""

import asyncio

from service.lines import Line
from service.shares import Shares

AT_ONCE = 4  # requests between two looks: each look takes a tenth of what a small request does
EACH = 1e-3  # seconds of the loop that count for each, whatever it asks


class Entry:
    """The requests that wait to be let in, for the event loop alone."""

    def __init__(self) -> None:
        self._shares = Shares()
        self._line: Line[asyncio.Future[None]] = Line(self._shares)
        self._free = AT_ONCE
        self._looking = False

    async def wait(self, client: str) -> None:
        """Return when a request of a client may go on, which is at once where few come."""
        loop = asyncio.get_running_loop()
        if not self._looking:
            self._looking = True
            loop.call_soon(self._look, loop)
        if self._free and not self._line:
            self._free -= 1
            return
        let_in: asyncio.Future[None] = loop.create_future()
        self._shares.enter(client)
        self._line.add(client, let_in)
        try:
            await let_in
        finally:
            if self._line.remove(client, let_in):  # it is given up
                self._shares.leave(client)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let in those whose turn it is, after whoever came meanwhile has its place in the line."""
        came = self._free < AT_ONCE
        self._free = AT_ONCE
        while self._free and (first := self._line.first()) is not None:
            client = first[1]
            self._free -= 1
            self._line.take(client).set_result(None)
            self._shares.charge(client, EACH)
            self._shares.leave(client)
        self._looking = came or self._free < AT_ONCE
        if self._looking:
            loop.call_soon(self._look, loop)
