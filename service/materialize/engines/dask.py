"""Dask: numbers are tasks of a Dask cluster that is there, or of processes of this machine, begun for the while."""

from __future__ import annotations  # a function that is sent takes its annotations along: as text, they need no module

import logging
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any, Self

import dask
from distributed import Client, Future, LocalCluster, as_completed
from distributed.scheduler import KilledWorker

from service.materialize.engines.engine import TRIES, EngineError, Outcome, T, Told, Work
from service.materialize.engines.sent import Answer, Sent, outcome, sent
from service.processors import processors

PATIENCE = 10.0  # seconds for a cluster to be reached
LEAST_AHEAD = 100  # tasks: what a cluster that grows with what waits for it has to see
SETTINGS = {
    "distributed.scheduler.allowed-failures": TRIES - 1,
    "distributed.scheduler.worker-saturation": 1.0,  # a task waits at the scheduler, not at a worker that may die
    "distributed.deploy.lost-worker-timeout": "1 day",  # a worker that dies is begun anew, however often
}


class Dask:
    """`workers` tasks at once (None: one a thread of the cluster's workers).

    `address` is the scheduler's ("tcp://host:8786"); without it Dask's own setting is read, DASK_SCHEDULER_ADDRESS, and
    where there is neither, a cluster of `workers` processes (None: one a processor) is begun. Raises EngineError where
    none is reached.
    """

    tells = False

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address: str | None = address or dask.config.get("scheduler-address", None)
        self._most = workers
        self.workers = workers or processors()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what ends a worker is told of by an outcome
        try:
            there = self._address or self._open.enter_context(self._local())
            self._client = self._open.enter_context(Client(there, timeout=PATIENCE, set_as_default=False))
        except (OSError, ValueError) as error:
            self._open.close()
            raise EngineError(f"--engine dask: no Dask scheduler answers at {self._address}: {error}") from error
        if self._most is None:
            self.workers = max(1, sum(self._client.nthreads().values()))
        return self

    def _local(self) -> LocalCluster:
        """Return a cluster of processes with a thread each: drawing holds the interpreter now and then."""
        self._open.enter_context(dask.config.set(SETTINGS))
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="dask", ignore_cleanup_errors=True))
        return LocalCluster(
            n_workers=self.workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address=None,
            memory_limit=0,
            local_directory=folder,
            silence_logs=logging.CRITICAL,
        )

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def threads(self, count: int) -> int:
        """Return one: a task has one thread."""
        return 1

    def map(self, work: Work[T], numbers: Sequence[int], told: Told) -> Generator[Outcome[T], None, None]:
        """Yield outcomes, as Engine says; `told` hears nothing."""
        begun, what, waiting = Begun(self._client), sent(work), iter(numbers)
        task = announced(what, begun.topic)
        running: dict[Future, int] = {}
        ended = as_completed(loop=self._client.loop)

        def submit(numbers: Sequence[int]) -> None:
            futures = self._client.map(task, numbers, text=what.text, pure=False)
            running.update(zip(futures, numbers, strict=True))
            ended.update(futures)

        try:
            submit([*islice(waiting, self._most or max(LEAST_AHEAD, 2 * self.workers))])
            for batch in ended.batches():
                again = [each for each in batch if begun.may_be_again(running[each], each)]
                submit([running.pop(each) for each in again])
                done = {each: running.pop(each) for each in batch if each in running}
                submit([*islice(waiting, len(done))])
                yield from self._come_of(done)
        finally:
            self._client.cancel(list(running))
            begun.close()

    def _come_of(self, done: dict[Future, int]) -> Iterator[Outcome[Any]]:
        """Yield what tasks that have ended came to: answers together, and one by one where any of them is none."""
        try:
            answers = self._client.gather(list(done))
        except Exception:
            yield from (come_of(number, future) for future, number in done.items())
        else:
            yield from (outcome(number, answer) for number, answer in zip(done.values(), answers, strict=True))


class Begun:
    """How often each number was begun, as workers say before they begin it.

    When a worker dies, Dask blames all that was given to it, and after some deaths (its own setting, four by default)
    gives up a task that had not even begun: such a number is tried again.
    """

    def __init__(self, client: Client) -> None:
        self.topic = f"initserve-{uuid.uuid4().hex}"
        self._client = client
        self._begun, self._given_up = Counter[int](), Counter[int]()
        client.subscribe_topic(self.topic, lambda event: self._begun.update([event[1]]))

    def may_be_again(self, number: int, ended: Future) -> bool:
        """Whether a number was given up by Dask and has had fewer than its TRIES."""
        if ended.status != "error" or not isinstance(ended.exception(), KilledWorker):
            return False
        self._given_up[number] += 1
        return self._begun[number] < TRIES and self._given_up[number] < TRIES

    def close(self) -> None:
        self._client.unsubscribe_topic(self.topic)


def announced(what: Sent, topic: str) -> Callable[..., Answer]:
    """Return a task that tells a topic of its number, and then does the work until nobody waits for it any more."""
    carry = what.carry

    def task(number: int, text: bytes) -> Answer:  # it goes by its code, as `carry` does
        from concurrent.futures import CancelledError

        from distributed import get_worker
        from distributed.utils import sync

        worker = get_worker()
        key = worker.get_current_task()
        sync(worker.loop, worker.scheduler.log_event, topic=topic, msg=number)

        def told(more: int) -> None:
            state = worker.state.tasks.get(key)
            if state is None or state.state == "cancelled":
                raise CancelledError("nobody waits for it")

        return carry(text, number, told)

    return task


def come_of(number: int, future: Future) -> Outcome[Any]:
    """Return what a task that has ended came to. Its answer is where it was made: if that is lost, it is made again."""
    try:
        answer = future.result()
    except KilledWorker as error:
        return Outcome(number, None, f"{TRIES} workers ended over it, the last at {error.last_worker.address}")
    except Exception as error:  # what was sent could not be read there, or the scheduler has gone
        return Outcome(number, None, str(error) or type(error).__name__)
    return outcome(number, answer)
