"""Turns on the event loop, by client: not as requests and chunks came, of which one client may have any number there.

What the loop does at once (a light request read and planned, a chunk handed to the system) takes up to some
milliseconds. Fifty such that one client sends together would be done before it looks for another's: so it does a few
and looks who else has come; where several clients wait, one at a time, of whom has had least.
"""

import asyncio
from dataclasses import dataclass

from service.lines import Line
from service.shares import LEAD, Shares


@dataclass(eq=False, slots=True)
class Waiting:
    cost: float
    come: asyncio.Future[None]


class LoopTurns:
    """What waits for its turn, for the event loop alone; so much of it, by cost, goes on between two looks."""

    def __init__(self, at_once: float) -> None:
        self._at_once = self._free = at_once
        self._shares = Shares()
        self._line: Line[Waiting] = Line(self._shares)
        self._went_on: list[str] = []  # whose turn it was last: they may have more that waits by the next look
        self._looking = False

    async def wait(self, client: str, cost: float) -> None:
        """Return when it is a client's turn, which is at once where there is little to do."""
        loop = asyncio.get_running_loop()
        if not self._looking:
            self._looking = True
            loop.call_soon(self._look, loop)
        if self._free > 0 and not self._line:
            self._free -= cost
            self._charge(client, cost)
            return
        waiting = Waiting(cost, loop.create_future())
        self._shares.enter(client)
        self._line.add(client, waiting)
        try:
            await waiting.come
        finally:
            if self._line.remove(client, waiting):  # it is given up
                self._shares.leave(client)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give turns to those who come first, after whoever came meanwhile has its place in the line."""
        went_on, self._went_on = self._went_on, []
        came = self._free < self._at_once
        self._free = self._at_once
        alone = self._line.clients < 2
        while self._free > 0 and (first := self._line.first()) is not None:
            client = first[1]
            waiting = self._line.take(client)
            self._free -= waiting.cost if alone else self._at_once
            if not waiting.come.done():  # else it is given up, and its task only has not gone on yet
                waiting.come.set_result(None)
            self._charge(client, waiting.cost)
            self._went_on.append(client)
        for client in went_on:
            self._shares.leave(client)
        self._looking = came or bool(self._went_on)
        if self._looking:
            loop.call_soon(self._look, loop)

    def _charge(self, client: str, cost: float) -> None:
        """Count a turn: who has had a hundred more than another waits for no more of its."""
        self._shares.charge(client, LEAD / 100 * cost / self._at_once)
