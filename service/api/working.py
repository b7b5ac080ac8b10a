"""Where a request's work is done: in a worker thread, or at once where that takes less than the way there and back.

Handing work to a thread and its result back costs a few hundred microseconds under Python's lock, as much as reading
and planning a spec of a few layers. Only what is bounded by less stays on the event loop. Work whose client leaves is
given up, whether it waits or runs.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from fastapi import Request

from service.api.admission import Grant, Room, crowded
from service.api.door.visits import visit_of, whose
from service.api.leaving import client_gone
from service.api.parsing import parse_spec, pointing_into
from service.api.problems import ClientGone
from service.api.telemetry.effort import counted
from service.api.telemetry.metrics import Metrics
from service.api.telemetry.phases import Phase
from service.api.telemetry.routes import route_of
from service.formats import Payload
from service.formats.payload import HEAVY
from service.lines import LineFull
from service.networks.arrays import Cost
from service.pipeline import Workers
from service.prices import drawing, reading
from service.specs.spec import Spec
from service.stopping import Stopped
from service.stream.streams import ALGORITHM

# A body, its layers, the parts of an answer and the elements of these, up to which nothing takes longer than the way to
# a thread and back would.
LIGHT_BODY, LIGHT_LAYERS, LIGHT_PARTS, LIGHT_ELEMENTS = 2048, 4, 80, 4096
# Elements of an answer that is made in one go by one thread: a millisecond's work.
SMALL = 2**18
SMALL_BYTES = 2**22  # of which little is drawn: headers, and base64

# Seconds beyond which work takes turns from its beginning, with a thread of its own.
LONG = 0.05

T = TypeVar("T")


async def in_worker(
    workers: Workers, request: Request, work: Callable[[], T], price: float = 0.0, heavy: bool = False
) -> T:
    """Return what `work` returns, done by one of the threads: in turns with other work that takes long, where it does.

    `price` is in seconds of a processor. Raises RequestProblem where too much waits already, and ClientGone once nobody
    is there to take the result and no thread is at work on it any more.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    waiting = [future]
    metrics: Metrics = request.app.state.services.metrics
    seconds = metrics.processor_seconds.labels(route_of(request.scope))
    asked = time.monotonic()

    def tell(begun: float, result: T | None, error: BaseException | None) -> None:
        visit_of(request).phases.append(Phase("wait", asked, begun))
        metrics.waits.labels("heavy" if heavy else "short").observe(begun - asked)
        for future in waiting:
            if future.done():
                continue
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]
            else:
                future.set_exception(ClientGone() if isinstance(error, Stopped) else error)

    def do() -> None:
        begun = time.monotonic()
        try:
            with counted(seconds):
                outcome: tuple[T | None, BaseException | None] = (work(), None)
        except BaseException as error:  # it is raised again where it is waited for
            outcome = (None, error)
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(tell, begun, *outcome)
        del outcome  # an error leads here by its traceback, and would lead to itself

    client = whose(request)
    release = visit_of(request).hold(price)
    try:
        job = workers.submit(do, client, heavy, price > LONG)
    except LineFull as full:
        release()
        raise crowded(full) from None
    gone = loop.create_task(client_gone(request.receive))
    try:
        await asyncio.wait((future, gone), return_when=asyncio.FIRST_COMPLETED)
        if not future.done() and workers.abandon(job):
            raise ClientGone
        return await future
    except asyncio.CancelledError:  # the server is told to stop
        workers.abandon(job)
        raise
    finally:
        release()
        gone.cancel()
        waiting.clear()
        del future  # as above


def is_light(spec: Spec) -> bool:
    """Whether a spec is planned in no time: initserve's own stream, few layers, none of which stands for many."""
    few = spec.algorithm == ALGORITHM and len(spec.layers) <= LIGHT_LAYERS
    return few and all(vars(layer).get("num_layers", 1) == 1 for layer in spec.layers)


async def of_spec(body: bytes, work: Callable[[Spec], T], workers: Workers, request: Request) -> T:
    """Return what `work` makes of the spec in a request's body."""

    def pointed(spec: Spec) -> T:
        with pointing_into(body):
            return work(spec)

    seconds = reading(body)
    if len(body) > LIGHT_BODY or b'"recipe"' in body:
        return await in_worker(workers, request, lambda: pointed(parse_spec(body)), seconds)
    spec = parse_spec(body)
    return pointed(spec) if is_light(spec) else await in_worker(workers, request, lambda: pointed(spec), seconds)


async def made_whole(
    payload: Payload, wanted: tuple[int, int], cost: Cost, workers: Workers, request: Request
) -> bytes | None:
    """Return a small range of a payload; None for one that is better made as it is sent."""
    if cost.elements > SMALL or cost.operations > HEAVY or wanted[1] - wanted[0] > SMALL_BYTES:
        return None

    def make() -> bytes:
        chunks = []
        for piece in payload.pieces(*wanted):
            chunks.append(piece.make()())
            workers.count(piece.drawn)
        return b"".join(chunks)

    with visit_of(request).phase("draw"):
        if cost.elements <= LIGHT_ELEMENTS and len(payload.parts) <= LIGHT_PARTS and not cost.standing:
            return make()
        return await in_worker(workers, request, make, drawing(cost))


def refuse_heavy(cost: Cost, workers: Workers, client: str) -> None:
    """Refuse what is heavy while too much of that waits already."""
    if cost.operations > HEAVY:
        try:
            workers.refuse_heavy(client)
        except LineFull as full:
            raise crowded(full) from None


def room_for(cost: Cost, length: int, room: Room, workers: Workers, request: Request) -> Grant:
    """Return what an answer that is made as it is sent may hold; refuses heavy ones while too many wait already."""
    refuse_heavy(cost, workers, whose(request))
    grant = room.for_answer(whose(request), cost, length)
    try:
        grant.also(visit_of(request).hold(drawing(cost)))
    except BaseException:
        grant.release()
        raise
    return grant
