"""How many connections there may be, and which one is closed for a new one where there are too many."""

import logging
import sys
import time
from typing import Protocol

# File descriptors for what is no connection: the program's own, pages being read, connections about to be refused.
RESERVED = 64
# Bytes that all connections together may have sent ahead of the answers to what they sent before.
MOST_AHEAD = 64 * 2**20
SILENCE = 60.0  # seconds between two lines in the log about the same thing
logger = logging.getLogger("initserve")


class Closable(Protocol):
    def end(self) -> None: ...


class Connections:
    """The open connections of a process, the idle ones in the order in which they became so.

    Idle is one that waits for its client: for a request, or for the rest of one.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.ahead = 0  # bytes that came and are not looked at yet
        self._idle: dict[Closable, None] = {}
        self._told = -SILENCE

    def enter(self) -> bool:
        """Count a new connection, and close the one that has been idle for longest where there are too many.

        Returns False where none is idle: then the new one has to go.
        """
        self.count += 1
        if self.count <= self.limit:
            return True
        if time.monotonic() - self._told >= SILENCE:
            self._told = time.monotonic()
            logger.warning("all %d connections are in use: idle ones are closed to let others in", self.limit)
        oldest = next(iter(self._idle), None)
        if oldest is None:
            return False
        del self._idle[oldest]
        oldest.end()
        return True

    def leave(self, connection: Closable) -> None:
        self.count -= 1
        self._idle.pop(connection, None)

    def idle(self, connection: Closable) -> None:
        """Note that a connection waits for its client, from now on."""
        self._idle.pop(connection, None)
        self._idle[connection] = None

    def busy(self, connection: Closable) -> None:
        self._idle.pop(connection, None)


def most_connections(wanted: int) -> int:
    """Return how many connections the process can have; lets it open as many files as it takes and it is allowed to."""
    if sys.platform == "win32":
        return wanted
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    needed = wanted + RESERVED
    if soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else max(soft, min(needed, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    possible = max(1, min(wanted, soft - RESERVED))
    if possible < wanted:
        logger.warning("at most %d connections at once, not %d: only %d files may be open", possible, wanted, soft)
    return possible
