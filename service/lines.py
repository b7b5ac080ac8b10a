"""Jobs that wait for a thread: in bounded lines, which a job whose client has left leaves at once."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from service.stopping import Stop, stoppable


class LineFull(Exception):
    """As many jobs wait as may; the message says how many."""


@dataclass(eq=False, slots=True)
class Job:
    """Work that waits for a thread, or that one is at; it must not raise."""

    work: Callable[[], None]
    stop: Stop = field(default_factory=Stop)

    def run(self) -> None:
        with stoppable(self.stop):
            self.work()


class Line:
    """Jobs, first come, first served; at most `most` wait. The workers' lock is held around every call."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._jobs: deque[Job] = deque()
        self._moved = time.monotonic()  # when a job was last taken, or came to an empty line

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def full(self) -> bool:
        return len(self._jobs) >= self.most

    def add(self, job: Job) -> None:
        """Let a job wait, in a full line too: of what was admitted already."""
        if not self._jobs:
            self._moved = time.monotonic()
        self._jobs.append(job)

    def take(self) -> Job:
        self._moved = time.monotonic()
        return self._jobs.popleft()

    def remove(self, job: Job) -> bool:
        """Return whether the job was still waiting; it waits no longer."""
        if job not in self._jobs:
            return False
        self._jobs.remove(job)
        return True

    def seconds_still(self) -> float:
        """Return for how long the first job has seen no movement; 0 in an empty line."""
        return time.monotonic() - self._moved if self._jobs else 0.0
