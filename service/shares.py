"""Who comes first: of those who wait, the client that has used least of the processor.

Every client has a time of its own, which goes on by the seconds of a processor that its work takes (fair queueing in
virtual time, as in Demers, Keshav and Shenker 1989). Who was away has saved nothing up meanwhile, and who used much
while nobody else wanted it owes no more than `LEAD`. For any thread.
"""

import threading
from collections import Counter
from collections.abc import Callable

LEAD = 0.25  # seconds that a client can be ahead of those who wait: so long, at the most, they come before it
FORGET = 1024  # clients beyond which those who owe nothing are forgotten


class Shares:
    """The times of all clients, in whatever line they wait."""

    def __init__(self, spent: Callable[[str, float], None] | None = None) -> None:
        self._spent = spent  # is told of all seconds, beside
        self._lock = threading.Lock()
        self._now = 0.0  # the least time of any client that waits or is worked for
        self._times: dict[str, float] = {}  # of those who are, or who are ahead of it
        self._present: Counter[str] = Counter()  # how much of each waits or is worked on

    def enter(self, client: str) -> None:
        """Count work of a client, from when it begins to wait until `leave`."""
        with self._lock:
            if not self._present[client]:
                self._times[client] = max(self._times.get(client, 0.0), self._now)
            self._present[client] += 1

    def leave(self, client: str) -> None:
        with self._lock:
            self._present[client] -= 1
            if not self._present[client]:
                del self._present[client]
                self._go_on()
                if len(self._times) > FORGET:
                    self._times = {
                        name: time for name, time in self._times.items() if name in self._present or time > self._now
                    }

    def charge(self, client: str, seconds: float) -> None:
        """Count seconds of a processor that work of a client has taken."""
        if self._spent is not None:
            self._spent(client, seconds)
        with self._lock:
            time = max(self._times.get(client, 0.0), self._now)
            self._times[client] = time + seconds
            self._go_on()
            self._times[client] = max(time, min(time + seconds, self._now + LEAD))

    def time(self, client: str) -> float:
        """Return a client's time; where several wait, the one with the least comes first."""
        return self._times.get(client, 0.0)

    def _go_on(self) -> None:
        """Under the lock: let the time of all be that of the last of those who are there."""
        if self._present:
            self._now = max(self._now, min(self._times[client] for client in self._present))
