"""Sends an answer while it is made: never on the event loop, and no longer than there is somebody who reads it."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from service.api.metrics import Metrics
from service.formats.payload import Piece
from service.pipeline import Delivery, Run, Workers

# What service/api/server.py puts into a request's scope: a function that drops the connection, unsent bytes and all.
ABORT = "initserve.abort"
# Bytes that a connection may hold on to without anybody waiting: uvicorn's own high-water mark.
BUFFERED = 2**16
logger = logging.getLogger("initserve")


@dataclass(frozen=True, slots=True)
class Sending:
    """What every streamed answer needs: who makes it, who counts, and for how many seconds a client may stall."""

    workers: Workers
    metrics: Metrics
    stall: float


class Line:
    """A connection that is dropped when it takes nothing for `stall` seconds."""

    def __init__(self, scope: Scope, send: Send, stall: float) -> None:
        self.scope = scope
        self.stalled = False
        self._send = send
        self._stall = stall
        self._loop = asyncio.get_running_loop()

    async def send(self, message: Message) -> None:
        """Send a message; returns early, as if all were well, on a connection that is gone."""
        alarm = self._loop.call_later(self._stall, self._cut_off)
        try:
            await self._send(message)
        finally:
            alarm.cancel()

    def drop(self) -> None:
        """Close the connection, unsent bytes and all; under a server that cannot, it ends when the answer does."""
        abort: Callable[[], None] | None = self.scope.get("extensions", {}).get(ABORT, {}).get("abort")
        if abort is not None:
            abort()

    def _cut_off(self) -> None:
        self.stalled = True
        self.drop()


class Answer(Response):
    """Pieces as the body of a response, its exact length declared where it is known.

    `release` is called once no thread is at work on it any more, however it ends. A client that takes nothing for
    too long, or goes away, ends it: the connection is dropped, and the answer is visibly short.
    """

    def __init__(
        self,
        pieces: Iterator[Piece],
        length: int | None,
        media_type: str,
        headers: Mapping[str, str],
        sending: Sending,
        release: Callable[[], None],
    ) -> None:
        super().__init__(media_type=media_type, headers=dict(headers))
        del self.headers["content-length"]  # that of no body at all
        if length is not None:
            self.headers["content-length"] = str(length)
        self.pieces = pieces
        self.sending = sending
        self.release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[Delivery] = asyncio.Queue()

        def deliver(delivery: Delivery) -> None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(inbox.put_nowait, delivery)

        gone = loop.create_task(client_gone(receive))
        gone.add_done_callback(lambda _: inbox.put_nowait(Delivery(last=True)))
        run = self.sending.workers.start(self.pieces, deliver)
        outcome = "failed"
        try:
            outcome = await self._send(Line(scope, send, self.sending.stall), inbox, run, gone)
        finally:
            gone.cancel()
            self.sending.workers.close(run, self.release)
            self.sending.metrics.answers[outcome] += 1

    async def _send(self, line: Line, inbox: asyncio.Queue[Delivery], run: Run, gone: asyncio.Task[None]) -> str:
        """Send what comes into `inbox`; return how it ended."""
        delivery = await inbox.get()
        if delivery.error is not None:
            raise delivery.error  # nothing was sent yet: it becomes a problem document
        await line.send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while not delivery.last:
            await line.send({"type": "http.response.body", "body": delivery.chunk, "more_body": True})
            self.sending.metrics.sent_bytes += len(delivery.chunk)
            self.sending.workers.taken(run, delivery.weight)
            delivery = await inbox.get()
        if delivery.error is not None:
            logger.error("%s %s broke off", line.scope["method"], line.scope["path"], exc_info=delivery.error)
            line.drop()
            return "failed"
        if not gone.done():
            await line.send({"type": "http.response.body", "body": b""})
        if line.stalled:
            return "stalled"
        return "client-gone" if gone.done() else "complete"


class WholeAnswer(Response):
    """A small answer that is there as a whole: no more of the connection's time than a chunk may take."""

    def __init__(
        self, content: bytes, media_type: str, headers: Mapping[str, str], stall: float, release: Callable[[], None]
    ) -> None:
        super().__init__(content, media_type=media_type, headers=dict(headers))
        self.stall = stall
        self.release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        line = Line(scope, send, self.stall)
        try:
            await line.send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await line.send({"type": "http.response.body", "body": self.body, "more_body": True})
            await line.send({"type": "http.response.body", "body": b""})  # waits until most of it is on its way
        finally:
            self.release()


async def client_gone(receive: Receive) -> None:
    """Return when the client has left: sending to it goes on as if all were well, so that only this tells."""
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
