"""A client of an initserve service that waits for its answers."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from os import PathLike
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

import httpx
from numpy.typing import NDArray

from initserve.answers import no_answer
from initserve.errors import InitserveError
from initserve.lazy import Arrays, LazyArray
from initserve.service import Service
from initserve.specs import Spec
from initserve.steps import Ask, Do, Head, Pause, Step, Steps

URL = "http://127.0.0.1:8000"
TRIES = 7  # in a row without a byte: for a quarter of a minute, unless the service asks for more
SILENCE = httpx.Timeout(60.0, pool=None)  # seconds; for a connection of their own requests wait as long as it takes
HEADERS = {"accept-encoding": "identity", "user-agent": "initserve-client/0.1.0"}
T = TypeVar("T")


def headers_with(key: str | None) -> dict[str, str]:
    """Return what every request says; with a key, or else with that of the environment."""
    key = os.environ.get("INITSERVE_KEY") if key is None else key
    return {**HEADERS, "authorization": f"Bearer {key}"} if key else HEADERS


class Client:
    """An initserve service. Every method raises InitserveError for what it refuses, or does not answer `tries` times.

    All that is asked has the same answer every time, so what breaks off or comes broken is asked for again. A client
    may be used by several threads. `key` is an API key, where the service wants one; left out, it is INITSERVE_KEY of
    the environment.
    """

    def __init__(self, url: str = URL, *, tries: int = TRIES, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._service = Service(tries)
        self._http = httpx.Client(headers=headers_with(key), timeout=SILENCE)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def init(self, spec: Spec) -> Arrays[NDArray[Any]]:
        """Return a spec's arrays by name. bfloat16 comes as float32, with exactly the same values."""
        return self._take(self._service.init(spec))

    def open(self, spec: Spec) -> Arrays[LazyArray]:
        """Return a spec's arrays by name; each is fetched when it is indexed, and as far as it is indexed."""
        found = self._take(self._service.open(spec))

        def lazy(entry: Any) -> LazyArray:
            return LazyArray(
                entry.name,
                entry.shape,
                entry.kind,
                lambda text, shape: self._take(self._service.part(found.at, entry, text, shape)),
                lambda text, out: self._take(self._service.part_into(found.at, entry, text, out)),
            )

        return Arrays({entry.name: lazy(entry) for entry in found.entries}, found.plan)

    def save(self, spec: Spec, path: str | PathLike[str], progress: bool = True) -> Path:
        """Write a spec's arrays to PATH (.safetensors or .npz), which is there when it is whole.

        Until then it is PATH.part; what an earlier process left of the same file is gone on with. On a terminal a bar
        shows how far it is. Raises OSError where it cannot be written.
        """
        return self._take(self._service.save(spec, Path(path), progress))

    def plan(self, spec: Spec) -> dict[str, Any]:
        """Return what a spec comes to, before a number is drawn: the answer of POST /plan."""
        return self._take(self._service.plan(spec))

    def diagnose(self, spec: Spec) -> dict[str, Any]:
        """Return whether a network starts well: the answer of POST /diagnose."""
        return self._take(self._service.diagnose(spec))

    def verify(self, path: str | PathLike[str], spec: Spec | None = None) -> dict[str, Any]:
        """Return whether a file is what its spec gives: the answer of POST /verify. Left out: the one that it holds."""
        return self._take(self._service.verify(Path(path), spec))

    def _take(self, steps: Steps[T]) -> T:
        """Take one step after the other; return what they come to."""
        with closing(steps), closing(Exchange(self._http, self.url)) as exchange:
            go: Callable[[], Step] = partial(next, steps)
            while True:
                try:
                    step = go()
                except StopIteration as end:
                    result: T = end.value
                    return result
                try:
                    go = partial(steps.send, exchange.came_of(step))
                except Exception as failure:
                    go = partial(steps.throw, failure)


class Exchange:
    """The request that is under way, of one row of steps."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http, self._url = http, url
        self._answer: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def close(self) -> None:
        answer, self._answer = self._answer, None
        if answer is not None:
            with suppress(httpx.TransportError):
                answer.close()

    def came_of(self, step: Step) -> Any:
        """Return what a step comes to; raises Broken where it fails."""
        match step:
            case Pause(seconds):
                self.close()
                return sleep(seconds)
            case Do(work):
                return work()
        try:
            return self._ask(step) if isinstance(step, Ask) else next(self._chunks, b"")
        except httpx.UnsupportedProtocol as error:
            raise InitserveError("no-answer", f"{self._url}: {error}") from None
        except httpx.TransportError as error:
            raise no_answer(self._url, str(error) or type(error).__name__) from error

    def _ask(self, step: Ask) -> Head:
        self.close()
        content = step.content() if callable(step.content) else step.content
        request = self._http.build_request(step.method, self._url + step.path, headers=step.headers, content=content)
        self._answer = self._http.send(request, stream=True)
        self._chunks = self._answer.iter_raw()
        return Head(self._answer.status_code, self._answer.headers)
