"""Sends an answer while it is made: never on the event loop, and no longer than there is somebody who reads it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.api.metrics import Metrics
from service.formats import Payload
from service.pipeline import Delivery, Run, Workers

# What service/api/server.py puts into a request's scope: a function that drops the connection, unsent bytes and all.
ABORT = "initserve.abort"
logger = logging.getLogger("initserve")


@dataclass(frozen=True, slots=True)
class Sending:
    """What every streamed answer needs: who makes it, who counts, and for how many seconds a client may stall."""

    workers: Workers
    metrics: Metrics
    stall: float


class Answer(Response):
    """A payload as the body of a response, its exact length declared.

    `release` is called once no thread is at work on it any more, however it ends. A client that takes nothing for
    too long, or goes away, ends it: the connection is dropped, and the answer is visibly short.
    """

    def __init__(
        self,
        payload: Payload,
        media_type: str,
        headers: Mapping[str, str],
        sending: Sending,
        release: Callable[[], None],
    ) -> None:
        super().__init__(media_type=media_type, headers={**headers, "content-length": str(payload.length)})
        self.payload = payload
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
        run = self.sending.workers.start(self.payload, deliver)
        outcome = "failed"
        try:
            outcome = await self._send(scope, send, inbox, run, gone)
        finally:
            gone.cancel()
            self.sending.workers.close(run, self.release)
            self.sending.metrics.answers[outcome] += 1

    async def _send(
        self, scope: Scope, send: Send, inbox: asyncio.Queue[Delivery], run: Run, gone: asyncio.Task[None]
    ) -> str:
        """Send what comes into `inbox`; return how it ended."""
        loop, metrics = asyncio.get_running_loop(), self.sending.metrics
        stalled: list[bool] = []

        def cut_off() -> None:
            stalled.append(True)
            scope.get("extensions", {}).get(ABORT, {"abort": gone.cancel})["abort"]()

        delivery = await inbox.get()
        if delivery.error is not None:
            raise delivery.error  # nothing was sent yet: it becomes a problem document
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while not delivery.last:
            alarm = loop.call_later(self.sending.stall, cut_off)
            await send({"type": "http.response.body", "body": delivery.chunk, "more_body": True})
            alarm.cancel()
            metrics.sent_bytes += len(delivery.chunk)
            self.sending.workers.taken(run, delivery.weight)
            delivery = await inbox.get()
        if delivery.error is not None:
            logger.error("%s %s broke off", scope["method"], scope["path"], exc_info=delivery.error)
            cut_off()
            return "failed"
        if gone.done():
            return "stalled" if stalled else "client-gone"
        await send({"type": "http.response.body", "body": b""})
        return "complete"


async def client_gone(receive: Receive) -> None:
    """Return when the client has left: sending to it goes on as if all were well, so that only this tells."""
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
