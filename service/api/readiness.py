"""Which streams this process has found to give everyone's bytes: initserve/1 before it serves, the others after.

A framework's stream is ready once its kernels are compiled and its golden digest comes out. A request for one that is
not yet ready waits, and has its kernels compiled next; one for a stream whose digest comes out otherwise is refused.
"""

import asyncio
import logging
import time
from functools import partial
from typing import Any

from anyio import to_thread

from service.api.parsing import parse_json
from service.api.problems import RequestProblem
from service.api.working import LIGHT_BODY
from service.compiling import Compilation
from service.replay import ALGORITHMS
from service.specs.self_test import agrees
from service.stream.streams import ALGORITHM

PATIENCE = 60.0  # seconds that a request waits: clients and proxies wait for as long or longer
logger = logging.getLogger("initserve")


def module_of(name: str) -> str:
    """Return the module in which a replay begins, from which its kernels are imported."""
    construct: Any = ALGORITHMS[name].construct
    module: str = (construct.func if isinstance(construct, partial) else construct).__module__
    return module


def stream_in(body: bytes) -> str:
    """Return the framework's stream that a body asks for, if any; what is wrong with the body is told by others."""
    try:
        document = parse_json(body)
    except RequestProblem:
        return ""
    name = document.get("algorithm") if isinstance(document, dict) else None
    return name if isinstance(name, str) and name in ALGORITHMS else ""


class Readiness:
    def __init__(self, compilation: Compilation, disagreements: list[str]) -> None:
        self.disagreements = disagreements  # golden digests of initserve/1 that come out otherwise
        self.wrong: list[str] = []  # the others whose digest does
        self._compilation = compilation
        self._looked_at = {name: asyncio.Event() for name in ALGORITHMS}
        self._settled = False

    def is_ready(self, name: str) -> bool:
        if name == ALGORITHM:
            return not self.disagreements
        return self._looked_at[name].is_set() and name not in self.wrong

    async def compiled(self) -> None:
        """Return once all kernels are compiled."""
        await self._compilation.wait()

    async def settle(self) -> None:
        """Look at every framework's stream once its kernels are compiled."""
        started = time.monotonic()
        one_at_a_time = asyncio.Lock()

        async def look_at(name: str) -> None:
            await self._compilation.wait_for(module_of(name))
            async with one_at_a_time:
                right = await to_thread.run_sync(agrees, name)
            if not right:
                self.wrong.append(name)
                logger.error("%s comes out in other bytes than everywhere else: it is refused", name)
            self._looked_at[name].set()

        await asyncio.gather(*map(look_at, ALGORITHMS))
        self._settled = not self.wrong
        if self._compilation.needed:
            logger.info("All streams are ready: kernels compiled in %.0f s", time.monotonic() - started)

    async def admit(self, body: bytes) -> float:
        """Wait until the stream that a body asks for is ready; return the seconds that it took."""
        if self._settled:
            return 0.0
        return await self.wait_for(
            stream_in(body) if len(body) <= LIGHT_BODY else await to_thread.run_sync(stream_in, body)
        )

    async def wait_for(self, name: str) -> float:
        """Wait until a framework's stream is ready; return the seconds that it took."""
        if name not in ALGORITHMS or self.is_ready(name):
            return 0.0
        started = time.monotonic()
        self._compilation.prefer(module_of(name))
        try:
            async with asyncio.timeout(PATIENCE):
                await self._looked_at[name].wait()
        except TimeoutError:
            detail = f"kernels of {name} are being compiled, for the first time on this machine"
            raise RequestProblem("stream-not-ready", detail, retry_after=10) from None
        if name in self.wrong:
            detail = f"{name} comes out in other bytes here than everywhere else; ask another replica"
            raise RequestProblem("stream-not-ready", detail)
        return time.monotonic() - started
