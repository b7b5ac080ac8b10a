"""Has the workers do what comes of a file, part after part; ends it when the client leaves."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from fastapi import Request

from service.api.door.visits import whose
from service.api.problems import ClientGone
from service.api.streaming import line_of
from service.api.telemetry.effort import pieces_counted
from service.api.telemetry.metrics import Metrics
from service.api.telemetry.routes import route_of
from service.formats.payload import Finish, Piece
from service.pipeline import Delivery, Workers

T = TypeVar("T")


class Crew:
    """The workers, at the service of one request whose body is still coming in.

    Nothing here takes of the body: whether the client is there is asked of its connection.
    """

    def __init__(self, workers: Workers, request: Request) -> None:
        self._workers, self._client = workers, whose(request)
        metrics: Metrics = request.app.state.services.metrics
        self._seconds = metrics.processor_seconds.labels(route_of(request.scope))
        line = line_of(request.scope)
        self._left = asyncio.Event() if line is None else line.left

    async def do(self, pieces: Iterator[Piece]) -> None:
        """Return when all pieces are done; raises what went wrong, and ClientGone, once no thread is at work."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[BaseException | None] = loop.create_future()
        idle: asyncio.Future[None] = loop.create_future()

        def settle(future: asyncio.Future[T], result: T) -> None:
            if not future.done():
                future.set_result(result)

        def deliver(delivery: Delivery) -> None:
            if delivery.last:
                with suppress(RuntimeError):  # the loop was closed
                    loop.call_soon_threadsafe(settle, done, delivery.error)

        def rest() -> None:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, idle, None)

        left = loop.create_task(self._left.wait())
        run = self._workers.start(pieces_counted(pieces, self._seconds), deliver, self._client)
        try:
            await asyncio.wait((done, left), return_when=asyncio.FIRST_COMPLETED)
        finally:
            left.cancel()
            self._workers.close(run, rest)
            await idle
        if not done.done():
            raise ClientGone
        if (error := done.result()) is not None:
            try:
                raise error
            finally:
                del error, done  # by its traceback an error leads here, and would lead to itself

    async def call(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, done by one of the workers."""
        found: list[T] = []

        def make() -> Finish:
            found.append(work())
            return bytes

        await self.do(iter([Piece(make)]))
        return found[0]
