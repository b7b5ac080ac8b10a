"""Ray: numbers are tasks of a Ray cluster that is there, or of one on this machine, begun for the while."""

from __future__ import annotations  # a function that is sent takes its annotations along: as text, they need no module

import socket
import tempfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Self

import ray
from ray.exceptions import RayError, RayTaskError

from service.materialize.engines.engine import TRIES, EngineError, Outcome, T, Told, Work
from service.materialize.engines.sent import Answer, outcome, sent
from service.processors import processors

LOCAL = "local"
PATIENCE = 10.0  # seconds for a cluster to be reached
LEAST_AHEAD = 100  # tasks: what a cluster that grows with what waits for it has to see
OBJECTS = 100 * 2**20  # bytes of shared memory: digests need no more
GRACE = 5.0  # seconds to clear away what was begun


class Ray:
    """`workers` tasks at once (None: one a processor of the cluster), each with a processor to itself.

    `address` is one that Ray takes ("host:6379", "ray://host:10001", "auto"); without it a cluster is begun. Raises
    EngineError where none is reached.
    """

    tells = False

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address = address or LOCAL
        self._most = workers
        self.workers = workers or processors()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        quiet = {"log_to_driver": False, "logging_level": "error"}
        try:
            if self._address == LOCAL:
                ray.init(LOCAL, **self._of_a_local_one(), **quiet)
            else:
                reach(self._address)
                ray.init(self._address, **quiet)
        except (OSError, RuntimeError, ValueError, ImportError, RayError) as error:
            self._open.close()
            raise EngineError(f"--engine ray: {one_line(error)}") from error
        self._open.callback(ray.shutdown)
        if self._most is None:
            self.workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        return self

    def _of_a_local_one(self) -> dict[str, Any]:
        """Return what a cluster of this process has; its files go with it."""
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True))
        return {
            "num_cpus": self.workers,
            "include_dashboard": False,
            "object_store_memory": OBJECTS,
            "_temp_dir": folder,
        }

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def threads(self, count: int) -> int:
        """Return one: a task has one processor."""
        return 1

    def map(self, work: Work[T], numbers: Sequence[int], told: Told) -> Generator[Outcome[T], None, None]:
        """Yield outcomes, as Engine says; `told` hears nothing."""
        text, carry = sent(work)

        def task(text: bytes, number: int) -> Answer:  # it goes by its code, as `carry` does
            return carry(text, number, lambda more: None)

        submit = ray.remote(name="initserve", num_cpus=1, max_retries=TRIES - 1, retry_exceptions=False)(task).remote
        there, waiting = ray.put(text), iter(numbers)
        ahead = self._most or max(LEAST_AHEAD, 2 * self.workers)
        running: dict[Any, int] = {}
        try:
            while True:
                while len(running) < ahead and (number := next(waiting, None)) is not None:
                    running[submit(there, number)] = number
                if not running:
                    return
                (done, *_), _ = ray.wait(list(running), num_returns=1)
                yield come_of(running.pop(done), done)
        finally:
            cancel(list(running))


def come_of(number: int, done: Any) -> Outcome[Any]:
    """Return what a task that has ended came to."""
    try:
        answer = ray.get(done)
    except RayTaskError as error:  # what was sent could not be read there
        return Outcome(number, None, one_line(error.cause or error))
    except RayError as error:  # its workers died, one after the other
        return Outcome(number, None, f"{TRIES} workers ended over it, the last so: {one_line(error)}")
    return outcome(number, answer)


def cancel(running: Sequence[Any]) -> None:
    """Interrupt tasks, and give them a moment to clear away what they have begun."""
    for each in running:
        with suppress(RayError):
            ray.cancel(each)
    if running:
        with suppress(RayError):
            ray.wait(list(running), num_returns=len(running), timeout=GRACE)


def reach(address: str) -> None:
    """Raise EngineError where nobody listens at HOST:PORT: Ray would look for two minutes, and end this process."""
    host, _, port = address.partition("://")[2 if "://" in address else 0].rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()
    except OSError as error:
        raise EngineError(f"no Ray cluster answers at {address}: {error}") from error


def one_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).strip()
