"""The local engine: processes of this machine, one a processor, each of which makes one number after the other."""

import asyncio
import os
import pickle
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Pipe, wait
from pathlib import Path
from typing import Any, Self

from service.compiling import Compilation
from service.materialize.engines.engine import TRIES, Outcome, T, Told, Work
from service.materialize.engines.worker import GRACE
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
        waiting, tried, text = deque(numbers), Counter[int](), pickle.dumps(work)
        crew: list[Worker] = []
        try:
            while waiting or any(each.number is not None for each in crew):
                while waiting and len(crew) < self.workers:
                    crew.append(Worker(text))
                for idle in (each for each in crew if each.number is None):
                    if waiting:
                        idle.begin(waiting.popleft())
                for worker in heard(crew):
                    try:
                        more, result, error = worker.connection.recv()
                    except (EOFError, OSError):
                        crew.remove(worker)
                        number, status = worker.number, worker.end()
                        if number is None:
                            continue
                        told(-worker.told)
                        tried[number] += 1
                        if tried[number] < TRIES:
                            waiting.append(number)
                        else:
                            yield Outcome(number, None, f"{TRIES} workers ended over it, the last with {status}")
                        continue
                    worker.told += more
                    told(more)
                    if result is None and error is None:
                        continue
                    number, worker.number = worker.number, None
                    assert number is not None
                    if error is not None:
                        told(-worker.told)
                    yield Outcome(number, None if result is None else result[0], error)
        finally:
            end(crew)


class Worker:
    """A process, and the number that it is at, with the bytes that it has told of."""

    def __init__(self, work: bytes) -> None:
        self.connection, theirs = Pipe()
        path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
        with theirs:
            self.process = subprocess.Popen(
                [*PROGRAM, str(theirs.fileno())], env=environment, pass_fds=[theirs.fileno()]
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


def heard(crew: Sequence[Worker]) -> list[Worker]:
    """Wait until somebody says something, or has ended; return who."""
    by_connection: dict[Any, Worker] = {each.connection: each for each in crew}
    return [by_connection[each] for each in wait(list(by_connection))]


def end(crew: Sequence[Worker]) -> None:
    """Let workers clear away what they have begun, and end those that do not."""
    for each in crew:
        each.connection.close()
    until = time.monotonic() + GRACE
    for each in crew:
        try:
            each.process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            each.process.kill()
            each.process.wait()
