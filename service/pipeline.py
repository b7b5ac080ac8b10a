"""Threads that make answers: several at once, each a bounded way ahead of whoever takes it, a turn for everyone.

A run is an answer under way. Its pieces are made by any thread and finished in order; what they come to is handed to
`deliver` by whichever thread has it. A turn is one piece, so that a large answer keeps nobody waiting for longer than
a piece takes; of what one client asks, short jobs (a request read and planned, a small answer made) have every second
turn. Between clients the one comes first that has used least of the processor (service/shares.py). What takes long
takes turns of its own (service/turns.py): heavy pieces (matrix decompositions), heavy jobs (diagnoses), and whatever
turns out to, once others wait for its thread. What is closed or abandoned ends at its next check (service/stopping.py).
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

from service.formats.payload import Drawn, Piece
from service.lines import Job, Line, LineFull, refuse_beyond_share
from service.processors import processors
from service.runs import AHEAD, Deliver, Delivery, Gathered, Place, Run
from service.shares import Shares
from service.stopping import stoppable
from service.turns import Turn, Turns

__all__ = ["AHEAD", "Delivery", "LineFull", "Run", "Workers"]

# Chunks are put together up to this size before they are handed on.
SMALL = 2**16
# Seconds after which what a thread is at takes turns, so that the thread is there for others; and how much at once may.
LONG, MOST_LONG = 0.02, 256


class Workers:
    """`threads` threads (0: one a processor) that take turns at runs and jobs, and one for each that takes long.

    At most `most_jobs` jobs wait, at most `most_heavy` heavy jobs and pieces; of one client as many as are left for all
    others. `spent` is told of every client's seconds of a processor, as they are measured.
    """

    def __init__(
        self,
        threads: int = 0,
        most_jobs: int = 512,
        most_heavy: int = 16,
        spent: Callable[[str, float], None] | None = None,
    ) -> None:
        self.drawn: Counter[tuple[str, str]] = Counter()  # bytes of values, by algorithm and dtype
        self._most_jobs, self._most_heavy = most_jobs, most_heavy
        self._lock = threading.Lock()
        self._work_there = threading.Condition(self._lock)
        self.shares = Shares(spent)
        self._jobs: Line[Job] = Line(self.shares)
        self._runs: Line[Run] = Line(self.shares)
        self.turns = Turns(self.shares, max(1, processors() // 2))
        self._jobs_turn = True
        self._stopped = False
        self._long = 0  # threads that began with something short
        for _ in range(threads or processors()):
            self._begin_thread()

    def stop(self) -> None:
        """Let every thread end once it has done what it is doing."""
        with self._lock:
            self._stopped = True
            self._work_there.notify_all()

    def submit(self, work: Callable[[], None], client: str = "", heavy: bool = False, long: bool = False) -> Job:
        """Have work of a client done; it must not raise. Raises LineFull where too much waits.

        Heavy work takes seconds and is bounded as such; long work is a job like others, known to take a while.
        """
        job = Job(work, client)
        if heavy:
            self.refuse_heavy(client)
        else:
            with self._lock:
                waiting = len(self._jobs)
                refuse_beyond_share(self._jobs.of(client), waiting, self._most_jobs, "requests")
        if heavy or long:
            self.turns.begin(job, heavy)
            return job
        self.shares.enter(client)
        with self._lock:
            self._jobs.add(client, job)
            self._work_there.notify()
        return job

    def abandon(self, job: Job) -> bool:
        """Give up a job; return whether it was still waiting. One that has begun ends at its next check."""
        job.stop.ask()
        with self._lock:
            waited = self._jobs.remove(job.client, job)
        if waited:
            self.shares.leave(job.client)
        return self.turns.leave(job.stop) or waited

    def refuse_heavy(self, client: str = "") -> None:
        """Raise LineFull where no more heavy work of a client should be begun."""
        own, waiting = self.turns.waiting(client), self.turns.waiting()
        refuse_beyond_share(own, waiting, self._most_heavy, "heavy requests")

    def lines(self) -> dict[str, tuple[int, float]]:
        """Return how many jobs wait in each line, and for how many seconds it has not moved."""
        with self._lock:
            short = len(self._jobs), self._jobs.seconds_still()
        return {"short": short, "heavy": (self.turns.waiting(), self.turns.seconds_still())}

    def start(self, pieces: Iterator[Piece], deliver: Deliver, client: str = "") -> Run:
        """Begin to make an answer. `deliver` is called by the threads, one call at a time, until the last."""
        run = Run(pieces, deliver, client)
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
            run.closed, run.when_idle, run.heavy = True, when_idle, None
            run.order.clear()
            if waited := self._runs.remove(run.client, run):
                self.shares.leave(run.client)
            released = run.released()
        if not waited:
            self.turns.leave(run.stop)
        if released is not None:
            released()

    def count(self, drawn: Drawn | None) -> None:
        """Count values that are drawn otherwise than in a run."""
        with self._lock:
            self._count(drawn)

    def _count(self, drawn: Drawn | None) -> None:
        """Under the lock: count values that were drawn."""
        if drawn is not None:
            self.drawn[drawn.algorithm, drawn.dtype] += drawn.bytes

    def _queue(self, run: Run) -> None:
        """Under the lock: let the run have a turn, if it may."""
        if run.may_ask(self._runs.of(run.client)):
            run.asking = True
            self.shares.enter(run.client)
            self._runs.add(run.client, run)
            self._work_there.notify()

    def _begin_thread(self) -> None:
        threading.Thread(target=self._work, name="draw", daemon=True).start()

    def _work(self) -> None:
        while (todo := self._next()) is not None:
            shift = Shift(self, todo)
            with stoppable(todo.stop, shift.give_way):
                if isinstance(todo, Run):
                    self._guarded(self._turn, todo)
                else:
                    todo.work()
            if shift.end():
                with self._lock:
                    self._long -= 1
                return

    def _next(self) -> Job | Run | None:
        """Wait for something to do; None where the workers are stopped."""
        with self._lock:
            while not (self._jobs or self._runs or self._stopped):
                self._work_there.wait()
            if self._stopped:
                return None
            job, run = self._jobs.first(), self._runs.first()
            if job and (not run or job[0] < run[0] or (job[0] == run[0] and self._jobs_turn)):
                self._jobs_turn = False
                return self._jobs.take(job[1])
            assert run is not None
            self._jobs_turn = True
            found = self._runs.take(run[1])
            found.threads += 1
            return found

    def replace(self) -> bool:
        """Let another thread take the place of one that will take turns; return whether that is needed and possible."""
        with self._lock:
            if not (self._jobs or self._runs) or self._long == MOST_LONG:
                return False
            self._long += 1
        self._begin_thread()
        return True

    def _guarded(self, work: Callable[[Run], None], run: Run) -> None:
        """Do a thread's share of a run; whatever goes wrong ends the run, not the thread."""
        try:
            work(run)
        except BaseException as error:
            with self._lock:
                tell = run.end_with_error()
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
        if (heavy := run.heavy) is None:
            return
        self._make(run, heavy)
        self._finish(run)
        with self._lock:
            run.heavy = None
            self._queue(run)

    def _finish(self, run: Run) -> None:
        """Finish and deliver what is made, in order; a thread that finds another at it leaves its piece to that."""
        with self._lock:
            if run.finishing:
                return
            run.finishing = True
        gathered = Gathered()
        while True:
            with self._lock:
                place = run.next_made()
                if place is None and not gathered.chunks:
                    last, heavy = run.end_finishing(), self._heavy_to_begin(run)
                    break
            chunk = place.finish() if place is not None and place.finish is not None else b""
            if place is None or gathered.size + len(chunk) > SMALL:
                self._hand_on(run, gathered)
                gathered = Gathered()
            if place is not None:
                gathered.add(chunk, place.piece.weight)
        if heavy is not None:
            self.turns.begin(heavy)
        if last:
            run.deliver(Delivery(last=True))

    def _heavy_to_begin(self, run: Run) -> Job | None:
        """Under the lock: return what makes a heavy piece that has become the first in order, once."""
        first = run.order[0] if run.order else None
        if first is None or first is not run.heavy or first.job is not None:
            return None
        first.job = Job(partial(self._heavy_turn, run), run.client, run.stop)
        return first.job

    def _hand_on(self, run: Run, gathered: Gathered) -> None:
        """Deliver what was gathered."""
        chunk = gathered.whole()
        if len(chunk):
            run.deliver(Delivery(chunk, gathered.weight))
        elif gathered.chunks:
            self.taken(run, gathered.weight)


class Shift:
    """What a thread of the workers is at; where that turns out to take long, it takes turns from then on."""

    def __init__(self, workers: Workers, todo: Job | Run) -> None:
        self._workers, self._todo = workers, todo
        self._began, self._used = time.monotonic(), time.thread_time()
        self._turn: Turn | None = None

    def give_way(self) -> None:
        """Let others go on, where they wait and this has gone on for long."""
        if self._turn is not None:
            self._workers.turns.give_way(self._turn)
        elif time.monotonic() - self._began >= LONG and self._workers.replace():
            self._charge()
            self._turn = self._workers.turns.join(self._todo.client, self._todo.stop)

    def end(self) -> bool:
        """Return whether another thread has taken this one's place."""
        if self._turn is not None:
            self._workers.turns.end(self._turn)
        else:
            self._charge()
        self._workers.shares.leave(self._todo.client)
        return self._turn is not None

    def _charge(self) -> None:
        self._workers.shares.charge(self._todo.client, time.thread_time() - self._used)
