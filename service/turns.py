"""Work that takes long, in turns: whoever has had its share lets the next one go on, fair between clients.

Each has a thread of its own, which rests while it is not its turn. It gives way between operations (stopping.py), so a
second one, however short, waits for a share of the first one's time and not for its end. One that is in a single
operation for longer is passed over: the next goes on beside it, and the system shares the processor between them; no
other work of the same client begins meanwhile.
"""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

from service.lines import Job, Line
from service.shares import Shares
from service.stopping import Stop

SHARE = 0.05  # seconds of one's turn while others wait
PATIENCE = 0.2  # seconds after which one that does not give way is passed over


@dataclass(eq=False, slots=True)
class Turn:
    """One's place among those that take turns."""

    client: str
    stop: Stop
    heavy: bool  # it was known to be, before it began
    begun: bool = False
    since: float = 0.0  # when its turn came, the last time
    used: float = 0.0  # of its thread's time, as far as it is charged
    passed_over: bool = False  # it works though it is not its turn any more
    come: threading.Event = field(default_factory=threading.Event)


class Turns:
    """Work under way, of which `at_once` go on at a time. For any thread."""

    def __init__(self, shares: Shares | None = None, at_once: int = 1) -> None:
        self._shares = shares or Shares()
        self.at_once = at_once
        self._lock = threading.Lock()
        self._now: list[Turn] = []  # whose turn it is
        self._passed_over: Counter[str] = Counter()  # by client
        self._line: Line[Turn] = Line(self._shares)

    def __len__(self) -> int:
        """Return how many wait for their turn."""
        return len(self._line)

    def waiting(self, client: str | None = None) -> int:
        """Return how many of the heavy ones wait, of all clients or of one."""
        with self._lock:
            return sum(turn.heavy and client in (None, turn.client) for turn in self._line)

    def seconds_still(self) -> float:
        """Return for how long those that wait have seen no movement; 0 where none does."""
        return self._line.seconds_still()

    def begin(self, job: Job, heavy: bool = True) -> None:
        """Let a job take part, from its first turn on until it is done; it must not raise."""
        turn = Turn(job.client, job.stop, heavy)
        self._enter(turn)
        threading.Thread(target=self._take_part, args=(turn, job), name="in-turns", daemon=True).start()

    def join(self, client: str, stop: Stop) -> Turn:
        """Let what this thread is at take part from now on, until `end`; returns when its turn comes."""
        turn = Turn(client, stop, heavy=False, begun=True, used=time.thread_time())
        self._enter(turn)
        self._rest(turn)
        return turn

    def give_way(self, turn: Turn) -> None:
        """Wait for one's next turn, where others wait and this one's share is used up."""
        if turn.stop.asked or (not turn.passed_over and (not self._line or time.monotonic() - turn.since < SHARE)):
            return
        with self._lock:
            self._let_go(turn)
            self._line.add(turn.client, turn)
            self._go_on()
        self._rest(turn)

    def end(self, turn: Turn) -> None:
        """Let the next go on: this one is done."""
        with self._lock:
            self._let_go(turn)
            self._shares.leave(turn.client)
            self._go_on()

    def leave(self, stop: Stop) -> bool:
        """Have work end at once, though it rests; return whether some of it had not begun."""
        stop.ask()
        with self._lock:
            found = [turn for turn in self._line if turn.stop is stop]
            for turn in found:
                self._line.remove(turn.client, turn)
                turn.come.set()
        return any(not turn.begun for turn in found)

    def _enter(self, turn: Turn) -> None:
        self._shares.enter(turn.client)
        with self._lock:
            self._line.add(turn.client, turn)
            self._go_on()

    def _take_part(self, turn: Turn, job: Job) -> None:
        self._rest(turn)
        try:
            if turn in self._now:  # else it has left
                turn.begun, turn.used = True, time.thread_time()
                job.run(partial(self.give_way, turn))
        finally:
            self.end(turn)

    def _rest(self, turn: Turn) -> None:
        while not turn.come.wait(PATIENCE):
            with self._lock:
                late = time.monotonic() - PATIENCE
                for other in [each for each in self._now if each.since < late]:
                    self._now.remove(other)
                    other.passed_over = True
                    self._passed_over[other.client] += 1
                    self._shares.charge(other.client, PATIENCE)  # it is not known before it gives way
                self._go_on()

    def _let_go(self, turn: Turn) -> None:
        """Under the lock: it is not this one's turn any more; called by its own thread, whose time is charged."""
        used = time.thread_time()
        self._shares.charge(turn.client, used - turn.used)
        turn.used = used
        turn.come.clear()
        if turn in self._now:
            self._now.remove(turn)
        if turn.passed_over:
            turn.passed_over = False
            self._passed_over[turn.client] -= 1

    def _go_on(self) -> None:
        """Under the lock: give the turn to those who come first."""
        while len(self._now) < self.at_once and self._line:
            first = self._line.first(+self._passed_over)
            if first is None:
                return
            turn = self._line.take(first[1])
            turn.since = time.monotonic()
            self._now.append(turn)
            turn.come.set()
