"""Sends an answer: drawn in worker threads, never on the event loop; stopped when the client goes away."""

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.formats import Payload

SMALL = 2**18  # an answer up to here is made in one piece


class Answer(Response):
    """A payload as the body of a response, its exact length declared."""

    def __init__(self, payload: Payload, media_type: str, limiter: CapacityLimiter, headers: dict[str, str]) -> None:
        super().__init__(media_type=media_type, headers=headers | {"content-length": str(payload.length)})
        self.payload = payload
        self.limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        chunks = self.payload.chunks
        if self.payload.length <= SMALL:
            body = await to_thread.run_sync(b"".join, chunks, limiter=self.limiter)
            await send(start)
            await send({"type": "http.response.body", "body": body})
            return
        async with anyio.create_task_group() as group:
            group.start_soon(self._stop_when_client_leaves, receive, group.cancel_scope)
            await send(start)
            while (chunk := await to_thread.run_sync(next, chunks, None, limiter=self.limiter)) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            group.cancel_scope.cancel()

    @staticmethod
    async def _stop_when_client_leaves(receive: Receive, scope: anyio.CancelScope) -> None:
        # A send to a client that has left returns as if all were well, so that only this notices.
        while (await receive())["type"] != "http.disconnect":
            pass
        scope.cancel()
