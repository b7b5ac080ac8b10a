"""Compares a file while it comes in, by the workers; what that takes is admitted before, and charged."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from fastapi import Request

from service.api.admission import Grant, admit_cost, refuse_beyond
from service.api.crew import Crew
from service.api.door.visits import visit_of, whose
from service.api.parsing import parse_spec, pointing_into
from service.api.planning import admitted, held
from service.api.problems import RequestProblem
from service.api.sent import Sent
from service.api.services import Services
from service.api.working import refuse_heavy
from service.formats.payload import cost_of_drawing
from service.networks.arrays import Cost
from service.prices import comparing, reading
from service.verification import Result, Verification

# Bytes held for a file that is compared: a window that comes in and one that is worked on, a block that is put
# together, and what the threads draw beside it.
HELD = 12 * 2**20


class Comparing:
    """A file that is compared while it comes in; what it takes beyond a window's memory is charged to a grant."""

    def __init__(self, services: Services, request: Request, grant: Grant, crew: Crew) -> None:
        self._services, self._request, self._grant, self._crew = services, request, grant, crew
        self._walked = 0  # operations
        self._standing = 0  # bytes that are granted for what must stand in memory
        self._verification = Verification(self)
        self._result: Result | None = None

    async def answer(self, sent: Sent) -> dict[str, Any]:
        """Return what comes of the file, once."""
        try:
            await self._compare(self._verification, sent)
        finally:
            del (
                self._verification
            )  # which leads back here: the bytes that it holds would stay until rings are looked for
        assert self._result is not None
        return await self._crew.call(self._result.answer)

    async def _compare(self, verification: Verification, sent: Sent) -> None:
        async with aclosing(ahead(sent.file())) as windows:
            async for window in windows:
                await self._crew.do(verification.pieces(window))
                if verification.waits_for_plan:
                    await self._begin(sent.spec)
        await self._crew.do(verification.pieces(last=True))
        if verification.waits_for_plan:
            await self._begin(sent.spec)

    async def _begin(self, given: bytes | None) -> None:
        """Plan the spec, once the file's beginning is there, and go on with the bytes that came already."""
        listing, settings = self._verification.listing, self._services.settings
        inside = None if listing is None or listing.spec is None else listing.spec.encode()
        text = given or inside
        if text is None:
            detail = (
                "this file does not say what spec it was made of: give it by ?spec=, or as the field spec of a form"
            )
            raise RequestProblem("invalid-query", detail)
        if len(text) > settings.max_body_bytes:
            raise RequestProblem("body-too-large", f"the spec has {len(text)} bytes; at most {settings.max_body_bytes}")
        self._services.room.for_body(self._grant, len(text))
        visit_of(self._request).went_by("kernels", await self._services.readiness.admit(text))
        result, cost = await self._crew.call(lambda: self._prepared(text))
        self._admit(cost)
        self._result = result
        self._verification.begin(result)
        await self._crew.do(self._verification.pieces())

    def _prepared(self, text: bytes) -> tuple[Result, Cost]:
        """Return what is to be compared, and what it takes; raises what is wrong with the spec."""
        with held(reading(text), self._request), pointing_into(text):
            spec = parse_spec(text)
        with pointing_into(text), admitted(spec, self._request):
            result = Result.of_spec(spec)
        refuse_beyond(len(result.plan.layers), self._services.settings.max_layers, "layers", "in one spec")
        drawn = self._verification.drawn(result)
        return result, cost_of_drawing(((each, 0, each.elements) for each in drawn), sum(each.bytes for each in drawn))

    def _admit(self, cost: Cost) -> None:
        """Refuse what takes too much, whatever else is under way, and what takes too much beside that."""
        settings, workers = self._services.settings, self._services.workers
        admit_cost(cost, settings, "in one file")
        refuse_heavy(cost, workers, whose(self._request))
        self._grant.also(visit_of(self._request).hold(comparing(cost.bytes, cost)))
        self.stand(cost.standing)

    @property
    def most(self) -> int:
        return self._services.settings.max_file_bytes

    def hold(self, count: int) -> None:
        self._services.room.for_more(self._grant, count)

    def walk(self, operations: int) -> None:
        self._walked += operations
        admit_cost(Cost(0, 0, self._walked, 0, self._walked), self._services.settings)

    def stand(self, count: int) -> None:
        settings, room = self._services.settings, self._services.room
        most = min(settings.max_standing_bytes, settings.max_standing_bytes_in_flight)
        refuse_beyond(count, most, "bytes in memory at once", "for one parameter")
        if count > self._standing:
            self._grant.grow(room.standing, count - self._standing)
            self._standing = count


async def ahead(windows: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """Yield what comes; the next window comes in meanwhile."""

    async def following() -> bytes | None:
        return await anext(windows, None)

    coming = asyncio.create_task(following())
    try:
        while (window := await coming) is not None:
            coming = asyncio.create_task(following())
            yield window
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)
