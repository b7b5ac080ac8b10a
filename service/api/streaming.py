"""Sends an answer while it is made: never on the event loop, and no longer than there is somebody who reads it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.formats import Payload
from service.pipeline import Delivery, Workers

# What service/api/server.py puts into a request's scope: a function that drops the connection, unsent bytes and all.
ABORT = "initserve.abort"
logger = logging.getLogger("initserve")
T = TypeVar("T")


async def in_worker(workers: Workers, work: Callable[[], T]) -> T:
    """Return what `work` returns, done by one of the threads."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if future.cancelled():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def job() -> None:
        try:
            outcome: tuple[T | None, BaseException | None] = (work(), None)
        except BaseException as error:
            outcome = (None, error)
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(tell, *outcome)

    workers.submit(job)
    return await future


class Answer(Response):
    """A payload as the body of a response, its exact length declared.

    `release` is called once no thread is at work on it any more, however it ends. A client that takes nothing for
    `stall` seconds, or goes away, ends it: the connection is dropped, and the answer is visibly short.
    """

    def __init__(
        self,
        payload: Payload,
        media_type: str,
        headers: Mapping[str, str],
        workers: Workers,
        release: Callable[[], None],
        stall: float,
    ) -> None:
        super().__init__(media_type=media_type, headers={**headers, "content-length": str(payload.length)})
        self.payload = payload
        self.workers = workers
        self.release = release
        self.stall = stall

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        inbox: asyncio.Queue[Delivery] = asyncio.Queue()

        def deliver(delivery: Delivery) -> None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(inbox.put_nowait, delivery)

        abort: Callable[[], None] = scope.get("extensions", {}).get(ABORT, {}).get("abort", lambda: None)
        gone = loop.create_task(client_gone(receive))
        gone.add_done_callback(lambda _: inbox.put_nowait(Delivery(last=True)))
        run = self.workers.start(self.payload, deliver)
        try:
            delivery = await inbox.get()
            if delivery.error is not None:
                raise delivery.error
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while not delivery.last:
                alarm = loop.call_later(self.stall, abort)
                await send({"type": "http.response.body", "body": delivery.chunk, "more_body": True})
                alarm.cancel()
                self.workers.taken(run, delivery.weight)
                delivery = await inbox.get()
            if delivery.error is not None:
                logger.error("%s %s broke off", scope["method"], scope["path"], exc_info=delivery.error)
                abort()
            elif not gone.done():
                await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self.workers.close(run, self.release)


async def client_gone(receive: Receive) -> None:
    """Return when the client has left: sending to it goes on as if all were well, so that only this tells."""
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
