"""Where a request's work is done: in a worker thread, or at once where that takes less than the way there and back.

Handing work to a thread and its result back costs a few hundred microseconds under Python's lock, as much as reading
and planning a spec of a few layers. Only what is bounded by less stays on the event loop.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from service.api.body import parse_spec, pointing_into
from service.formats import Payload
from service.formats.payload import HEAVY
from service.networks.plan import Plan
from service.pipeline import Workers
from service.specs.spec import Spec
from service.stream.streams import ALGORITHM

# A body, its layers, their parameters and the elements of these, up to which nothing takes longer than the way to a
# thread and back would.
LIGHT_BODY, LIGHT_LAYERS, LIGHT_PARAMETERS, LIGHT_ELEMENTS = 2048, 4, 16, 4096
# Elements of an answer that is made in one go by one thread: a millisecond's work.
SMALL = 2**18

T = TypeVar("T")


async def in_worker(workers: Workers, work: Callable[[], T], heavy: bool = False) -> T:
    """Return what `work` returns, done by one of the threads: by the one for heavy work where that is said."""
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
        except BaseException as error:  # it is raised again where it is waited for
            outcome = (None, error)
        with suppress(RuntimeError):  # the loop was closed
            loop.call_soon_threadsafe(tell, *outcome)

    workers.submit(job, heavy)
    return await future


def is_light(spec: Spec) -> bool:
    """Whether a spec is planned in no time: initserve's own stream, few layers, none of which stands for many."""
    few = spec.algorithm == ALGORITHM and len(spec.layers) <= LIGHT_LAYERS
    return few and all(vars(layer).get("num_layers", 1) == 1 for layer in spec.layers)


async def of_spec(body: bytes, work: Callable[[Spec], T], workers: Workers) -> T:
    """Return what `work` makes of the spec in a request's body."""

    def pointed(spec: Spec) -> T:
        with pointing_into(body):
            return work(spec)

    if len(body) > LIGHT_BODY or b'"recipe"' in body:
        return await in_worker(workers, lambda: pointed(parse_spec(body)))
    spec = parse_spec(body)
    return pointed(spec) if is_light(spec) else await in_worker(workers, lambda: pointed(spec))


async def whole(plan: Plan, payload: Payload, workers: Workers) -> bytes | None:
    """Return all of a small answer; None for one that is better made as it is sent."""
    if plan.elements > SMALL or plan.cost.operations > HEAVY:
        return None
    few = plan.elements <= LIGHT_ELEMENTS and len(plan.parameters) <= LIGHT_PARAMETERS
    if few and not any(parameter.whole for parameter in plan.parameters):
        return payload.whole()
    return await in_worker(workers, payload.whole)
