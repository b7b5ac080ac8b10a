"""Services in which what seldom happens happens: a full one, a failing store, a stream that is not there yet."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Any
from unittest import mock

from service.api.app import Application, create_app
from service.api.door.accounts import Accounts
from service.api.door.clients import UNIX
from service.api.services import Services
from service.settings import Settings

IMPATIENT = 0.01  # seconds that are waited for here, whatever a message says
TORCH = "torch-cpu/1"
KEY_OF_METRICS = "initserve_of-metrics"
Condition = Callable[[Services], AbstractContextManager[object]]

SLOWLY = "where the body does not come"
FULL = "where all memory is taken"
CROWDED = "where as many requests wait as may"
COMPILING = "while its kernels are being compiled"
BEYOND = "where this client has as many requests under way as it may"
FAILING = "where the store does not answer as it should"
FILLED = "where the store has no room left"
STORELESS = "where INITSERVE_SPECS is not set"
LOCKED = "where weights are for clients with a key"
DISAGREEING = "where the golden digests come out otherwise"


def impatient() -> AbstractContextManager[object]:
    wait = asyncio.timeout

    def timeout(seconds: float) -> asyncio.Timeout:
        return wait(min(seconds, IMPATIENT))

    return mock.patch("asyncio.timeout", timeout)


@contextmanager
def full(services: Services):  # type: ignore[no-untyped-def]
    memory = services.room.memory
    with mock.patch.object(memory, "taken", memory.limit):
        yield


@contextmanager
def crowded(services: Services):  # type: ignore[no-untyped-def]
    from service.lines import LineFull

    full = LineFull(f"{services.settings.max_waiting_jobs} requests wait already")
    with mock.patch.object(services.workers, "submit", side_effect=full):
        yield


@contextmanager
def compiling(services: Services):  # type: ignore[no-untyped-def]
    readiness = services.readiness
    looked_at = {name: asyncio.Event() for name in readiness._looked_at}
    with impatient(), mock.patch.multiple(readiness, _settled=False, _looked_at=looked_at):
        yield


def beyond(services: Services) -> AbstractContextManager[object]:
    accounts = Accounts(1, 0)
    accounts.enter(UNIX)
    return mock.patch.object(services.accounts, "enter", accounts.enter)


def failing(services: Services) -> AbstractContextManager[object]:
    assert services.store is not None
    return mock.patch.multiple(services.store, _place=mock.Mock(get_async=refused), _texts={})


async def refused(*asked: Any) -> Any:
    raise OSError("refused")


CONDITIONS: dict[str, Condition] = {
    "": lambda services: nullcontext(),
    SLOWLY: lambda services: impatient(),
    FULL: full,
    CROWDED: crowded,
    BEYOND: beyond,
    COMPILING: compiling,
    FAILING: failing,
    FILLED: lambda services: nullcontext(),
    STORELESS: lambda services: nullcontext(),
    LOCKED: lambda services: nullcontext(),
    DISAGREEING: lambda services: mock.patch.object(services.readiness, "disagreements", ["initserve/1 he_normal"]),
}


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Application]:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        services: Services = app.state.services
        while not services.readiness._settled:
            await asyncio.sleep(0.05)
        yield app


@asynccontextmanager
async def services(folder: str) -> AsyncIterator[Callable[[str], Application]]:
    """Run what the conditions need: a service with a store in this folder, a full store, none, and one with keys."""
    with_store, filled = Settings(specs=folder), Settings(specs="memory:///", max_specs_bytes=1)
    digest = hashlib.sha256(KEY_OF_METRICS.encode()).hexdigest()
    with tempfile.NamedTemporaryFile("w") as keys:
        keys.write(f"prometheus metrics sha256:{digest}")
        keys.flush()
        locked = Settings(api_keys_file=keys.name, open_scopes="read")
        async with (
            running(with_store) as first,
            running(filled) as second,
            running(Settings(specs="")) as third,
            running(locked) as fourth,
        ):
            yield lambda condition: {FILLED: second, STORELESS: third, LOCKED: fourth}.get(condition, first)
