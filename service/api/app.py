"""create_app(settings): the only place where the parts meet."""

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from numba.core import config
from starlette.types import ASGIApp

from service import __version__
from service.api import (
    catalogue,
    diagnose,
    hub,
    hub_listing,
    init,
    openapi,
    operations,
    pages,
    problems,
    shards,
    specs,
    train,
    verify,
    weights,
)
from service.api.admission import Room
from service.api.connections import Connections, most_connections
from service.api.content import Content
from service.api.digests import Digests
from service.api.door.access import Access
from service.api.door.accounts import Accounts
from service.api.door.gate import Gate
from service.api.door.scopes import guard
from service.api.kept import Plans
from service.api.loop_turns import LoopTurns
from service.api.readiness import Readiness
from service.api.services import Services
from service.api.store import Store
from service.api.streaming import AT_ONCE
from service.api.telemetry import exposition, lag
from service.api.telemetry.exposing import Exposer
from service.api.telemetry.metrics import Metrics
from service.api.telemetry.spans import Spans
from service.api.telemetry.state import State
from service.compiling import Compilation, unkept
from service.once import once
from service.pipeline import Workers
from service.settings import Settings
from service.specs.self_test import disagreements, golden

# Seconds after which a thread at work in Python lets another go on that waits. The event loop waits so at every system
# call, behind each such thread in turn: Python's own 5 milliseconds would come to a tenth of a second for an answer.
SWITCH = 0.0005
logger = logging.getLogger("initserve")


class Application(FastAPI):
    def build_middleware_stack(self) -> ASGIApp:
        return Gate(super().build_middleware_stack(), self.state.access)

    def openapi(self) -> dict[str, Any]:
        return openapi.describe(self)

    @once
    def openapi_for_generators(self) -> dict[str, Any]:
        return openapi.for_generators(self.openapi())

    @once
    def document(self) -> Content:
        return Content.of_json(self.openapi())

    @once
    def document_for_generators(self) -> Content:
        return Content.of_json(self.openapi_for_generators)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Services]]:
    settings: Settings = app.state.settings
    compilation = Compilation()
    compiling = asyncio.create_task(compilation.run())
    access: Access = app.state.access
    following = asyncio.create_task(access.keys.watch()) if access.keys is not None else None
    if compilation.needed:
        logger.info("Compiling kernels for %s: initserve/1 first, then the frameworks' streams", config.CPU_NAME)
    elif unkept():
        logger.warning("Kernels cannot be kept beside their sources: they are compiled anew at every start")
    sys.setswitchinterval(SWITCH)
    readiness = Readiness(compilation, await to_thread.run_sync(disagreements))
    settling = asyncio.create_task(readiness.settle())
    accounts = Accounts(settings.max_requests_per_client, settings.max_processor_seconds_per_minute)
    workers = Workers(
        settings.drawing_threads, settings.max_waiting_jobs, settings.max_heavy_requests, spent=accounts.spend
    )
    connections = Connections(most_connections(settings.max_connections))
    store: Store | None = app.state.store
    room = Room(settings)
    plans = Plans(workers, store, room, settings.max_kept_plan_bytes, settings.max_body_bytes)
    metrics, spans = Metrics(), app.state.spans
    services = Services(
        settings,
        access,
        metrics,
        Exposer(metrics),
        spans,
        room,
        workers,
        connections,
        readiness,
        plans,
        store,
        Digests(),
        accounts,
        LoopTurns(AT_ONCE),
    )
    metrics.registry.register(State(services, await to_thread.run_sync(golden)))
    watching = asyncio.create_task(lag.watch(metrics.lag))
    app.state.services = services
    app.state.pages = await to_thread.run_sync(pages.read_pages)
    # What start-up made stays: looking through it again and again would hold up an answer now and then.
    gc.collect()
    gc.freeze()
    # Nothing else runs meanwhile: a plan of 100,000 layers has some millions of objects, so all are looked through
    # seldom, and no more than 50,000 new ones at a time.
    gc.set_threshold(10_000, 5, 800)
    yield {"services": services}
    for task in (watching, settling, compiling, following):
        if task is not None:
            task.cancel()
    workers.stop()
    if services.spans is not None:
        await to_thread.run_sync(services.spans.end)


def create_app(settings: Settings) -> Application:
    """Return the service under these settings.

    Raises OSError for a store of specs that cannot be opened, WrongSetting for settings that name what cannot be.
    """
    app = Application(
        title="initserve",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # What is told of requests is told by telemetry/, and sent nowhere unless a setting says so.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.settings = settings
    app.state.spans = Spans() if settings.telemetry else None
    access = app.state.access = Access(settings)
    most, longest = settings.max_specs_bytes, settings.max_body_bytes
    app.state.store = Store.at(settings.specs, most, longest) if settings.specs else None
    problems.install(app)
    routers = (init, shards, weights, specs, verify, diagnose, train, catalogue, operations, exposition)
    for router in (each.router for each in routers):
        app.router.routes.extend(router.routes)  # include_router would put a second match before every route
    app.router.redirect_slashes = False  # to an address made of whatever Host says
    app.add_route("/openapi.json", operations.openapi, include_in_schema=False)
    app.add_route("/openapi-3.1.json", operations.openapi_for_generators, include_in_schema=False)
    app.add_route("/docs", operations.to_docs, include_in_schema=False)
    for name in pages.FOLDERS:
        app.router.routes.extend(pages.routes(name))
    for router in (hub.router, hub_listing.router):  # last, since names of repositories may be anything
        app.router.routes.extend(router.routes)
    guard(app.router.routes, access.open_scopes, bool(settings.operations_port))
    return app
