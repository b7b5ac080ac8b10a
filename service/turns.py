"""Work that takes seconds, one at a time and in turns: whoever has had its share lets the next one go on.

Each has a thread of its own, which rests while it is not its turn. It gives way between operations (stopping.py), so a
second one, however short, waits for a share of the first one's time and not for its end.
"""

import threading
import time
from collections import deque
from dataclasses import dataclass, field

from service.lines import Job

SHARE = 0.05  # seconds of one's turn while others wait


@dataclass(eq=False, slots=True)
class Turn:
    """A job's place among those that take turns."""

    job: Job
    come: threading.Event = field(default_factory=threading.Event)
    begun: bool = False
    since: float = 0.0  # when it came, the last time


class Turns:
    """Jobs under way, of which one works. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: Turn | None = None
        self._waiting: deque[Turn] = deque()
        self._moved = time.monotonic()

    def __len__(self) -> int:
        """Return how many wait for their turn."""
        return len(self._waiting)

    def seconds_still(self) -> float:
        """Return for how long the first that waits has seen no movement; 0 where none does."""
        return time.monotonic() - self._moved if self._waiting else 0.0

    def begin(self, job: Job) -> None:
        """Let a job take part, from its first turn on until it is done; it must not raise."""
        turn = Turn(job)
        job.stop.pause = lambda: self._let_others(turn)
        with self._lock:
            self._waiting.append(turn)
            if len(self._waiting) == 1:
                self._moved = time.monotonic()
            if self._now is None:
                self._next()
        threading.Thread(target=self._take_part, args=(turn,), name="in-turns", daemon=True).start()

    def leave(self, job: Job) -> bool:
        """Take out a job that has not begun; return whether there was one. What has begun ends at its next check."""
        with self._lock:
            for turn in self._waiting:
                if turn.job is job and not turn.begun:
                    self._waiting.remove(turn)
                    turn.come.set()
                    return True
        return False

    def _take_part(self, turn: Turn) -> None:
        turn.come.wait()
        with self._lock:
            if turn is not self._now:  # it has left
                return
        turn.begun = True
        try:
            turn.job.run()
        finally:
            with self._lock:
                self._next()

    def _let_others(self, turn: Turn) -> None:
        """Wait for one's next turn, where others wait and this one's share is used up."""
        if not self._waiting or turn.job.stop.asked or time.monotonic() - turn.since < SHARE:
            return
        with self._lock:
            turn.come.clear()
            self._waiting.append(turn)
            self._next()
        turn.come.wait()

    def _next(self) -> None:
        """Under the lock: give the turn to the first that waits; to one that is to end before all others."""
        self._moved = time.monotonic()
        ending = (turn for turn in self._waiting if turn.job.stop.asked)
        self._now = next(ending, self._waiting[0]) if self._waiting else None
        if self._now is not None:
            self._waiting.remove(self._now)
            self._now.since = self._moved
            self._now.come.set()
