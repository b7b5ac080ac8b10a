"""A file in a request's body, as it comes: in windows of bounded size, for as long as it moves."""

import asyncio

from fastapi import Request

from service.api.problems import ClientGone, RequestProblem
from service.settings import Settings

WINDOW = 2**21  # bytes handed on at a time: some blocks of values, for threads to share


class Upload:
    """A body. Its client is borne with for a bounded time, which it earns back by sending."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self._request = request
        self._most = settings.max_file_bytes
        self._seconds, self._rate = settings.upload_timeout_seconds, settings.min_receive_bytes_per_second
        self._used = 0.0  # seconds
        self._count = 0
        self._ended = False
        self._wanted = 1  # the beginning at once: it may be refused
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._most:
            raise RequestProblem("body-too-large", f"the body has {length[:20]} bytes; at most {self._most} are read")

    async def window(self) -> bytes:
        """Return the next bytes; none at the end."""
        window = bytearray()  # of however many parts
        while len(window) < self._wanted and not self._ended:
            window += await self._receive()
        self._wanted = WINDOW
        return bytes(window)

    async def _receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self._seconds - self._used):
                message = await self._request.receive()
        except TimeoutError:
            detail = f"the body came at less than {self._rate:,} bytes a second, for {self._seconds:g} s"
            raise RequestProblem("request-timeout", detail) from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        body: bytes = message.get("body", b"")
        self._used = max(0.0, self._used + loop.time() - began - len(body) / self._rate)
        self._ended = not message.get("more_body", False)
        self._count += len(body)
        if self._count > self._most:
            raise RequestProblem("body-too-large", f"the body has more than {self._most} bytes")
        return body
