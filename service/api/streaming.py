"""Sends an answer while it is made: never on the event loop, and no longer than there is somebody who reads it."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Protocol

from fastapi import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.door.visits import whose
from service.api.leaving import client_gone
from service.api.loop_turns import LoopTurns
from service.api.services import Services
from service.api.telemetry.effort import pieces_counted
from service.api.telemetry.routes import route_of
from service.formats.payload import Piece
from service.pipeline import Delivery, Run

# What service/api/connection.py puts into the extensions of a request's scope: its connection.
CONNECTION = "initserve.connection"
# Bytes that a connection may hold on to without anybody waiting: uvicorn's own high-water mark.
BUFFERED = 2**16
AT_ONCE = 2**20  # bytes of a long answer that are handed to it: what it cannot send yet, it moves in memory each time
logger = logging.getLogger("initserve")


class Line(Protocol):
    """A connection that can be dropped, unsent bytes and all; `stalled` once that was done to a client too slow.

    `left` is set once it is gone, whoever ended it.
    """

    left: asyncio.Event

    @property
    def stalled(self) -> bool: ...
    def drop(self) -> None: ...


def line_of(scope: Scope) -> Line | None:
    """Return the connection of a request; None under a server that does not give it away."""
    found: Line | None = scope.get("extensions", {}).get(CONNECTION, {}).get("line")
    return found


class Answer(Response):
    """Pieces as the body of a response, its exact length declared where it is known.

    `release` is called once no thread is at work on it any more, however it ends. A client that takes too little for
    too long, or goes away, ends it: the connection is dropped, and the answer is visibly short.
    """

    def __init__(
        self,
        pieces: Iterator[Piece],
        *,
        status: int = 200,
        length: int | None = None,
        headers: Mapping[str, str],
        services: Services,
        release: Callable[[], None],
    ) -> None:
        super().__init__(status_code=status, headers=dict(headers))
        del self.headers["content-length"]  # that of no body at all
        if length is not None:
            self.headers["content-length"] = str(length)
        self.pieces = pieces
        self.services = services
        self.release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[Delivery] = asyncio.Queue()

        def deliver(delivery: Delivery) -> None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(inbox.put_nowait, delivery)

        workers, metrics = self.services.workers, self.services.metrics
        gone = loop.create_task(client_gone(receive))
        gone.add_done_callback(lambda _: inbox.put_nowait(Delivery(last=True)))
        seconds = metrics.processor_seconds.labels(route_of(scope))
        run = workers.start(pieces_counted(self.pieces, seconds), deliver, scope["visit"].client.name)
        outcome = "failed"
        try:
            outcome = await self._send(scope, send, inbox, run, gone)
        finally:
            gone.cancel()
            workers.close(run, self.release)
            metrics.answers.labels(outcome).inc()

    async def _send(
        self, scope: Scope, send: Send, inbox: asyncio.Queue[Delivery], run: Run, gone: asyncio.Task[None]
    ) -> str:
        """Send what comes into `inbox`; return how it ended."""
        line, visit = line_of(scope), scope["visit"]
        with visit.phase("draw"):
            delivery = await inbox.get()
        if delivery.error is not None:
            raise delivery.error  # nothing was sent yet: it becomes a problem document
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while not delivery.last:
            await self.services.sending.wait(visit.client.name, len(delivery.chunk))
            await send({"type": "http.response.body", "body": delivery.chunk, "more_body": True})
            self.services.metrics.sent_bytes.inc(len(delivery.chunk))
            self.services.workers.taken(run, delivery.weight)
            delivery = await inbox.get()
        if delivery.error is not None:
            logger.error("%s %s broke off", scope["method"], scope["path"], exc_info=delivery.error)
            if line is not None:
                line.drop()
            return "failed"
        if not gone.done():
            await send({"type": "http.response.body", "body": b""})
        if line is not None and line.stalled:
            return "stalled"
        return "client-gone" if gone.done() else "complete"


class WholeAnswer(Response):
    """An answer that is there as a whole; `release` is called when most of it is on its way."""

    def __init__(
        self,
        content: bytes,
        *,
        status: int,
        headers: Mapping[str, str],
        sending: LoopTurns,
        release: Callable[[], None],
    ) -> None:
        super().__init__(content, status_code=status, headers=dict(headers))
        self.sending = sending
        self.release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for start in range(0, len(self.body), AT_ONCE):  # each waits until the connection takes more
                await self.sending.wait(scope["visit"].client.name, min(AT_ONCE, len(self.body) - start))
                await send(
                    {"type": "http.response.body", "body": self.body[start : start + AT_ONCE], "more_body": True}
                )
            await send({"type": "http.response.body", "body": b""})
        finally:
            self.release()


def whole_answer(
    content: bytes, status: int, headers: Mapping[str, str], services: Services, request: Request
) -> Response:
    """Return an answer that is there as a whole; one that waits for its client holds memory until it is sent."""
    if len(content) <= BUFFERED:
        return Response(content, status, headers)
    held = services.room.for_large(whose(request), len(content))
    return WholeAnswer(content, status=status, headers=headers, sending=services.sending, release=held.release)
