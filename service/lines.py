"""Work that waits: in lines that are fair between clients, and that a client who has left leaves at once."""

import heapq
import time
from collections import deque
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

from service.shares import Shares
from service.stopping import Pause, Stop, stoppable


class LineFull(Exception):
    """As many jobs wait as may; the message says how many."""


class ShareUsedUp(LineFull):
    """There is room, but not for more of this client."""


@dataclass(eq=False, slots=True)
class Job:
    """Work of a client that waits for a thread, or that one is at; it must not raise."""

    work: Callable[[], None]
    client: str = ""
    stop: Stop = field(default_factory=Stop)

    def run(self, pause: Pause | None = None) -> None:
        with stoppable(self.stop, pause):
            self.work()


def refuse_beyond_share(own: int, waiting: int, most: int, what: str) -> None:
    """Raise LineFull where `waiting` of `most` wait, `own` of them this client's: as many as are left, and no more."""
    if waiting >= most:
        raise LineFull(f"{waiting} {what} wait already")
    if own >= most - waiting:
        raise ShareUsedUp(f"{own} {what} of yours wait already, and {most - waiting} may still come of all others")


T = TypeVar("T")


class Line(Generic[T]):
    """What waits, by client: first who has used least of the processor; of one client, first come, first served.

    Its owner's lock is held around every call.
    """

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._waiting: dict[str, deque[T]] = {}
        self._order: list[tuple[float, int, str]] = []  # a heap: each client's time, when it was last looked at
        self._places: dict[str, int] = {}  # which of its entries there counts
        self._numbers = count()
        self._count = 0
        self._moved = time.monotonic()  # when something was last taken, or came to an empty line

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[T]:
        for waiting in self._waiting.values():
            yield from waiting

    @property
    def clients(self) -> int:
        """Return of how many clients something waits."""
        return len(self._waiting)

    def of(self, client: str) -> int:
        """Return how much of a client waits."""
        return len(self._waiting.get(client, ()))

    def add(self, client: str, item: T) -> None:
        if not self._count:
            self._moved = time.monotonic()
        self._count += 1
        waiting = self._waiting.get(client)
        if waiting is None:
            self._waiting[client] = waiting = deque()
            self._place(client)
        waiting.append(item)

    def first(self, but: Container[str] = ()) -> tuple[float, str] | None:
        """Return the time of the client that comes first, and its name; `but` are those whom it is not the turn of."""
        aside = []
        found = None
        while self._order:
            time, number, client = self._order[0]
            if self._places.get(client) != number:
                heapq.heappop(self._order)
            elif self._shares.time(client) > time:
                heapq.heappop(self._order)
                self._place(client)
            elif client in but:
                aside.append(heapq.heappop(self._order))
            else:
                found = time, client
                break
        for entry in aside:
            heapq.heappush(self._order, entry)
        return found

    def take(self, client: str) -> T:
        """Return what of a client comes first; it waits no longer, and the client comes after others like it."""
        self._moved = time.monotonic()
        self._count -= 1
        waiting = self._waiting[client]
        item = waiting.popleft()
        self._settle(client)
        return item

    def remove(self, client: str, item: T) -> bool:
        """Return whether it was still waiting; it waits no longer."""
        waiting = self._waiting.get(client, ())
        if item not in waiting:
            return False
        assert isinstance(waiting, deque)
        waiting.remove(item)
        self._count -= 1
        self._settle(client)
        return True

    def seconds_still(self) -> float:
        """Return for how long the line has seen no movement; 0 where nothing waits."""
        return time.monotonic() - self._moved if self._count else 0.0

    def _settle(self, client: str) -> None:
        """Give a client its place anew, after those whose time is the same; none where nothing of it waits."""
        if self._waiting[client]:
            self._place(client)
        else:
            del self._waiting[client], self._places[client]

    def _place(self, client: str) -> None:
        self._places[client] = number = next(self._numbers)
        heapq.heappush(self._order, (self._shares.time(client), number, client))
