"""The same client for asyncio: any number of its methods may be under way at once."""

from asyncio import sleep, to_thread
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, closing, suppress
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
from numpy.typing import NDArray

from initserve.answers import no_answer
from initserve.client import SILENCE, TRIES, URL, headers_with
from initserve.errors import InitserveError
from initserve.files import Entry, read_as
from initserve.lazy import Arrays, Described, Key, Part
from initserve.service import Service
from initserve.specs import Spec
from initserve.steps import Ask, Do, Head, Pause, Step, Steps

T = TypeVar("T")


class AsyncClient:
    """As `Client`, with methods to be awaited."""

    def __init__(self, url: str = URL, *, tries: int = TRIES, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._service = Service(tries)
        self._http = httpx.AsyncClient(headers=headers_with(key), timeout=SILENCE)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def init(self, spec: Spec) -> Arrays[NDArray[Any]]:
        """As `Client.init`."""
        return await self._take(self._service.init(spec))

    async def open(self, spec: Spec) -> "Arrays[AsyncLazyArray]":
        """As `Client.open`; what an index takes is awaited: `await array[:2]`, `await array[...]`."""
        found = await self._take(self._service.open(spec))
        lazy = {entry.name: AsyncLazyArray(self, found.at, entry) for entry in found.entries}
        return Arrays(lazy, found.plan)

    async def save(self, spec: Spec, path: str | PathLike[str], progress: bool = True) -> Path:
        """As `Client.save`."""
        return await self._take(self._service.save(spec, Path(path), progress))

    async def plan(self, spec: Spec) -> dict[str, Any]:
        """As `Client.plan`."""
        return await self._take(self._service.plan(spec))

    async def diagnose(self, spec: Spec) -> dict[str, Any]:
        """As `Client.diagnose`."""
        return await self._take(self._service.diagnose(spec))

    async def verify(self, path: str | PathLike[str], spec: Spec | None = None) -> dict[str, Any]:
        """As `Client.verify`."""
        return await self._take(self._service.verify(Path(path), spec))

    async def _take(self, steps: Steps[T]) -> T:
        with closing(steps):
            async with aclosing(AsyncExchange(self._http, self.url)) as exchange:
                go: Callable[[], Step] = partial(next, steps)
                while True:
                    try:
                        step = go()
                    except StopIteration as end:
                        result: T = end.value
                        return result
                    try:
                        go = partial(steps.send, await exchange.came_of(step))
                    except Exception as failure:
                        go = partial(steps.throw, failure)


class AsyncLazyArray(Described):
    """An array of which `await array[key]` fetches just that part."""

    def __init__(self, client: AsyncClient, at: str, entry: Entry) -> None:
        super().__init__(entry.name, entry.shape, read_as(entry.kind))
        self._client, self._at, self._entry = client, at, entry

    async def _fetch(self, part: Part) -> Any:
        if part.empty:
            return np.empty(part.shape, self.dtype)
        steps = self._client._service.part(self._at, self._entry, part.text, part.shape)
        return part.of(await self._client._take(steps))

    def __getitem__(self, key: Key) -> Any:
        return self._fetch(Part(key, self.shape))


class AsyncExchange:
    """The request that is under way, of one row of steps."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url
        self._answer: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def aclose(self) -> None:
        answer, self._answer, self._chunks = self._answer, None, None
        if answer is not None:
            with suppress(httpx.TransportError):
                await answer.aclose()

    async def came_of(self, step: Step) -> Any:
        """Return what a step comes to; raises Broken where it fails."""
        match step:
            case Pause(seconds):
                await self.aclose()
                return await sleep(seconds)
            case Do(work):
                return await to_thread(work)
        try:
            if isinstance(step, Ask):
                return await self._ask(step)
            return b"" if self._chunks is None else await anext(self._chunks, b"")
        except httpx.UnsupportedProtocol as error:
            raise InitserveError("no-answer", f"{self._url}: {error}") from None
        except httpx.TransportError as error:
            raise no_answer(self._url, str(error) or type(error).__name__) from error

    async def _ask(self, step: Ask) -> Head:
        await self.aclose()
        content = awaited(step.content()) if callable(step.content) else step.content
        request = self._http.build_request(step.method, self._url + step.path, headers=step.headers, content=content)
        self._answer = await self._http.send(request, stream=True)
        self._chunks = self._answer.aiter_raw()
        return Head(self._answer.status_code, self._answer.headers)


async def awaited(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield what is read of a file; another thread reads it."""
    while (chunk := await to_thread(next, chunks, None)) is not None:
        yield chunk
