"""Threads that make answers: several at once, each a bounded way ahead of whoever takes it, a turn for everyone.

A run is an answer under way. Its pieces are made by any thread and finished in order; what they come to is handed to
`deliver` by whichever thread has it. A turn is one piece, so that a large answer keeps nobody waiting for longer than
a piece takes; short jobs (a request read and planned, a small answer made) have every second turn. Heavy pieces
(matrix decompositions) have a thread of their own, heavy jobs (diagnoses) one each, of which one works at a time. What
is closed or abandoned ends at its next check (service/stopping.py).
"""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from service.formats.payload import Chunk, Drawn, Finish, Piece
from service.lines import Job, Line, LineFull
from service.processors import processors
from service.stopping import Stop, stoppable
from service.turns import Turns

# Bytes of an answer that are being made or wait to be taken: enough to keep two threads busy while one chunk is sent.
AHEAD = 4 * 2**20
# Chunks are put together up to this size before they are handed on.
SMALL = 2**16


@dataclass(frozen=True, slots=True)
class Delivery:
    """A chunk, in order; or the end, with what went wrong if anything did. `weight` is to be given back when taken."""

    chunk: Chunk = b""
    weight: int = 0
    last: bool = False
    error: BaseException | None = None


Deliver: TypeAlias = Callable[[Delivery], None]


@dataclass(eq=False, slots=True)
class Place:
    """A piece's place in the order; `finish` is there once the piece is made."""

    piece: Piece
    job: Job | None = None  # of a heavy piece, once it waits for its thread
    finish: Finish | None = None


@dataclass(eq=False, slots=True)
class Run:
    """An answer under way. Everything here is read and written under the workers' lock, but for the pieces."""

    pieces: Iterator[Piece]
    deliver: Deliver
    ahead: int = 0  # bytes that were asked for and not taken yet
    order: deque[Place] = field(default_factory=deque)  # asked for, not finished
    threads: int = 0  # at work on it
    asking: bool = False  # it stands in the queue, or a thread asks for its next piece
    finishing: bool = False  # a thread finishes what is made
    heavy: Place | None = None  # the piece that must be made alone
    ended: bool = False  # there are no more pieces
    end_delivered: bool = False  # the last Delivery was handed over
    closed: bool = False
    stop: Stop = field(default_factory=Stop)
    when_idle: Callable[[], None] | None = None

    def may_ask(self, waiting: int) -> bool:
        """Whether it may have a turn while `waiting` others wait for theirs: the more do, the less it goes ahead."""
        far = self.ahead and self.ahead * (1 + waiting) >= AHEAD
        return not (far or self.asking or self.heavy or self.ended or self.closed)

    def released(self) -> Callable[[], None] | None:
        """Return what is to be called, once, when no thread is at work on a closed run any more."""
        if self.threads or not self.closed:
            return None
        found, self.when_idle = self.when_idle, None
        self.pieces = iter(())  # a thread may remember the run for a while; what it holds must go now
        return found


@dataclass(slots=True)
class Gathered:
    """Small chunks that are to be handed on together, and their weight."""

    chunks: list[Chunk] = field(default_factory=list)
    size: int = 0
    weight: int = 0

    def add(self, chunk: Chunk, weight: int) -> None:
        self.chunks.append(chunk)
        self.size += len(chunk)
        self.weight += weight


class Workers:
    """`threads` threads (0: one a processor) that take turns at runs and jobs, one for heavy pieces, one a heavy job.

    At most `most_jobs` short jobs wait, at most `most_heavy` heavy jobs, and as many heavy pieces.
    """

    def __init__(self, threads: int = 0, most_jobs: int = 512, most_heavy: int = 16) -> None:
        self.drawn: Counter[tuple[str, str]] = Counter()  # bytes of values, by algorithm and dtype
        self._lock = threading.Lock()
        self._work_there = threading.Condition(self._lock)
        self._heavy_there = threading.Condition(self._lock)
        self._jobs = Line(most_jobs)
        self._heavy = Line(most_heavy)
        self._most_heavy = most_heavy
        self._turns = Turns()
        self._runs: deque[Run] = deque()
        self._jobs_turn = True
        self._stopped = False
        for number in range(threads or processors()):
            threading.Thread(target=self._work, name=f"draw-{number}", daemon=True).start()
        threading.Thread(target=self._work_heavily, name="draw-heavy", daemon=True).start()

    def stop(self) -> None:
        """Let every thread end once it has done what it is doing."""
        with self._lock:
            self._stopped = True
            self._work_there.notify_all()
            self._heavy_there.notify_all()

    def submit(self, work: Callable[[], None], heavy: bool = False) -> Job:
        """Have work done, short unless it is heavy; it must not raise. Raises LineFull where too much waits."""
        job = Job(work)
        with self._lock:
            waiting, most = (len(self._turns), self._most_heavy) if heavy else (len(self._jobs), self._jobs.most)
            if waiting >= most:
                raise LineFull(f"{waiting} {'heavy ' if heavy else ''}requests wait already")
            if heavy:
                self._turns.begin(job)
            else:
                self._jobs.add(job)
                self._work_there.notify()
        return job

    def abandon(self, job: Job) -> bool:
        """Give up a job; return whether it was still waiting. One that has begun ends at its next check."""
        job.stop.ask()
        with self._lock:
            return self._jobs.remove(job) or self._turns.leave(job)

    def refuse_heavy(self) -> None:
        """Raise LineFull where no more heavy work should be begun."""
        with self._lock:
            if self._heavy.full:
                raise LineFull(f"{len(self._heavy)} heavy requests wait already")

    def lines(self) -> dict[str, tuple[int, float]]:
        """Return how many jobs wait in each line, and for how many seconds it has not moved."""
        with self._lock:
            heavy = len(self._heavy) + len(self._turns)
            still = max(self._heavy.seconds_still(), self._turns.seconds_still())
            return {"short": (len(self._jobs), self._jobs.seconds_still()), "heavy": (heavy, still)}

    def start(self, pieces: Iterator[Piece], deliver: Deliver) -> Run:
        """Begin to make an answer. `deliver` is called by the threads, one call at a time, until the last."""
        run = Run(pieces, deliver)
        with self._lock:
            self._queue(run)
        return run

    def taken(self, run: Run, weight: int) -> None:
        """Say that something delivered has been taken, so that more may be made."""
        with self._lock:
            run.ahead -= weight
            self._queue(run)

    def close(self, run: Run, when_idle: Callable[[], None]) -> None:
        """Make no more of an answer; `when_idle` is called once no thread is at work on it, which may be now."""
        run.stop.ask()
        with self._lock:
            run.closed, run.when_idle = True, when_idle
            run.order.clear()
            if run.heavy is not None and run.heavy.job is not None:
                self._heavy.remove(run.heavy.job)
            released = run.released()
        if released is not None:
            released()

    def _queue(self, run: Run) -> None:
        """Under the lock: let the run have a turn, if it may."""
        if run.may_ask(len(self._runs)):
            run.asking = True
            self._runs.append(run)
            self._work_there.notify()

    def _work(self) -> None:
        while True:
            with self._lock:
                while not (self._jobs or self._runs or self._stopped):
                    self._work_there.wait()
                if self._stopped:
                    return
                if self._jobs and (self._jobs_turn or not self._runs):
                    todo: Job | Run = self._jobs.take()
                    self._jobs_turn = False
                else:
                    todo = self._runs.popleft()
                    todo.threads += 1
                    self._jobs_turn = True
            if isinstance(todo, Run):
                self._guarded(self._turn, todo)
            else:
                todo.run()

    def _work_heavily(self) -> None:
        while True:
            with self._lock:
                while not (self._heavy or self._stopped):
                    self._heavy_there.wait()
                if self._stopped:
                    return
                job = self._heavy.take()
            job.run()

    def _guarded(self, work: Callable[[Run], None], run: Run) -> None:
        """Do a thread's share of a run; whatever goes wrong ends the run, not the thread."""
        try:
            with stoppable(run.stop):
                work(run)
        except BaseException as error:
            with self._lock:
                tell = not (run.closed or run.end_delivered)
                run.ended = run.end_delivered = True
                run.order.clear()
            if tell:
                run.deliver(Delivery(last=True, error=error))
        with self._lock:
            run.threads -= 1
            released = run.released()
        if released is not None:
            released()

    def _turn(self, run: Run) -> None:
        """Ask for the next piece, and make it unless it is heavy."""
        piece = None if run.closed else next(run.pieces, None)
        with self._lock:
            run.asking = False
            if run.closed:
                return
            if piece is None:
                run.ended = True
            else:
                place = Place(piece)
                run.order.append(place)
                run.ahead += piece.weight
                run.heavy = place if piece.heavy else None
                self._queue(run)
        if piece is not None and not piece.heavy:
            self._make(run, place)
        self._finish(run)

    def count(self, drawn: Drawn | None) -> None:
        """Count values that are drawn otherwise than in a run."""
        with self._lock:
            self._count(drawn)

    def _count(self, drawn: Drawn | None) -> None:
        """Under the lock: count values that were drawn."""
        if drawn is not None:
            self.drawn[drawn.algorithm, drawn.dtype] += drawn.bytes

    def _make(self, run: Run, place: Place) -> None:
        finish = place.piece.make()
        with self._lock:
            place.finish = finish
            self._count(place.piece.drawn)

    def _heavy_turn(self, run: Run) -> None:
        with self._lock:
            run.threads += 1
        self._guarded(self._make_heavy, run)

    def _make_heavy(self, run: Run) -> None:
        if run.closed or run.heavy is None:
            return
        self._make(run, run.heavy)
        self._finish(run)
        with self._lock:
            run.heavy = None
            self._queue(run)

    def _next_made(self, run: Run) -> Place | None:
        """Under the lock: take the first in order if it is made; have a heavy one made that has become the first."""
        first = run.order[0] if run.order else None
        if first is None or first.finish is not None:
            return run.order.popleft() if first else None
        if first is run.heavy and first.job is None:
            first.job = Job(partial(self._heavy_turn, run), run.stop)
            self._heavy.add(first.job)
            self._heavy_there.notify()
        return None

    def _finish(self, run: Run) -> None:
        """Finish and deliver what is made, in order; a thread that finds another at it leaves its piece to that."""
        with self._lock:
            if run.finishing:
                return
            run.finishing = True
        gathered = Gathered()
        while True:
            with self._lock:
                place = self._next_made(run)
                if place is None and not gathered.chunks:
                    last = self._end_finishing(run)
                    break
            chunk = place.finish() if place is not None and place.finish is not None else b""
            if place is None or gathered.size + len(chunk) > SMALL:
                self._hand_on(run, gathered)
                gathered = Gathered()
            if place is not None:
                gathered.add(chunk, place.piece.weight)
        if last:
            run.deliver(Delivery(last=True))

    def _end_finishing(self, run: Run) -> bool:
        """Under the lock: leave what will still be made to other threads; return whether that is the end."""
        run.finishing = False
        last = run.ended and not (run.order or run.closed or run.end_delivered)
        run.end_delivered = run.end_delivered or last
        return last

    def _hand_on(self, run: Run, gathered: Gathered) -> None:
        """Deliver what was gathered; a single large chunk is not copied."""
        chunks = gathered.chunks
        chunk = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if len(chunk):
            run.deliver(Delivery(chunk, gathered.weight))
        elif chunks:
            self.taken(run, gathered.weight)
