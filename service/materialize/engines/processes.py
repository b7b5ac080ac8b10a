"""The local engine: processes of this machine, one a processor, each of which makes one number after the other."""

import asyncio
import os
import pickle
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, Self

from service.compiling import Compilation
from service.materialize.engines.engine import TRIES, Outcome, T, Told, Work
from service.materialize.engines.worker import GRACE, Word
from service.processors import processors

PROGRAM = [sys.executable, "-P", "-m", "service.materialize.engines.worker"]
ROOT = Path(__file__).parents[3]


class Processes:
    """`workers` processes (None: one a processor), begun for each map; kernels are compiled before, once."""

    tells = True

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or processors()

    def __enter__(self) -> Self:
        asyncio.run(Compilation().run())
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def threads(self, count: int) -> int:
        return max(1, processors() // max(1, min(self.workers, count)))

    def map(self, work: Work[T], numbers: Sequence[int], told: Told) -> Generator[Outcome[T], None, None]:
        crew = Crew(self.workers, pickle.dumps(work), numbers, told)
        try:
            while crew.busy:
                yield from crew.outcomes()
        finally:
            crew.end()


class Crew:
    """Workers, at most so many, and what is left to be given to them."""

    def __init__(self, most: int, work: bytes, numbers: Sequence[int], told: Told) -> None:
        self._most, self._work, self._told = most, work, told
        self._waiting, self._tried = deque(numbers), Counter[int]()
        self._workers: list[Worker] = []

    @property
    def busy(self) -> bool:
        return bool(self._waiting) or any(each.number is not None for each in self._workers)

    def outcomes(self) -> Iterator[Outcome[Any]]:
        """Give everybody something to do, wait until somebody says something or has ended; tell what it comes to."""
        while self._waiting and len(self._workers) < self._most:
            self._workers.append(Worker(self._work))
        for idle in [each for each in self._workers if each.number is None][: len(self._waiting)]:
            idle.begin(self._waiting.popleft())
        by_connection: dict[Any, Worker] = {each.connection: each for each in self._workers}
        for heard in wait(list(by_connection)):
            worker = by_connection[heard]
            try:
                word: Word = worker.connection.recv()
            except (EOFError, OSError):
                found = self._lost(worker)
            else:
                found = self._heard(worker, *word)
            if found is not None:
                yield found

    def _heard(self, worker: "Worker", more: int, result: tuple[Any] | None, error: str | None) -> Outcome[Any] | None:
        worker.told += more
        self._told(more)
        if result is None and error is None:
            return None
        number = worker.number
        assert number is not None
        if result is None:
            self._told(-worker.told)
        worker.number = None
        return Outcome(number, None if result is None else result[0], error)

    def _lost(self, worker: "Worker") -> Outcome[Any] | None:
        """Let somebody else have what a worker was at when it ended, but not for ever."""
        self._workers.remove(worker)
        number, status = worker.number, worker.end()
        if number is None:
            return None
        self._told(-worker.told)
        self._tried[number] += 1
        if self._tried[number] < TRIES:
            self._waiting.append(number)
            return None
        how = f"by signal {-status}" if status < 0 else f"with {status}"
        return Outcome(number, None, f"{TRIES} processes ended over it, the last {how}")

    def end(self) -> None:
        """Let workers clear away what they have begun, and end those that do not."""
        for each in self._workers:
            each.connection.close()
        until = time.monotonic() + GRACE
        for each in self._workers:
            try:
                each.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()


class Worker:
    """A process, the number that it is at, and the bytes that it has told of."""

    def __init__(self, work: bytes) -> None:
        ours, theirs = Pipe()
        self.connection: Connection[bytes, Word] = ours
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        number = theirs.fileno()
        with theirs:
            self.process = subprocess.Popen(
                [*PROGRAM, str(number)], env=environment, stdin=subprocess.DEVNULL, pass_fds=[number]
            )
        self.number: int | None = None
        self.told = 0
        self._say(work)

    def begin(self, number: int) -> None:
        self.number, self.told = number, 0
        self._say(str(number).encode())

    def _say(self, content: bytes) -> None:
        with suppress(OSError):  # it has ended, which is heard of
            self.connection.send_bytes(content)

    def end(self) -> int:
        self.connection.close()
        return self.process.wait()
