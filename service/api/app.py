"""create_app(settings): the only place where the parts meet."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI

from service import __version__
from service.api import catalogue, diagnose, init, metrics, openapi, operations, problems, train
from service.api.admission import Budget
from service.api.streaming import Sending
from service.pipeline import Workers
from service.settings import Settings
from service.specs.self_test import disagreements


class Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        return openapi.describe(self)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.disagreements = await to_thread.run_sync(disagreements)
    settings: Settings = app.state.settings
    workers = Workers(settings.drawing_threads)
    app.state.sending = Sending(workers, app.state.metrics, settings.send_timeout_seconds)
    app.state.budget = Budget(settings.max_bytes_in_flight)
    # What start-up made stays: looking through it again and again would hold up an answer now and then.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    yield
    workers.stop()


def create_app(settings: Settings) -> FastAPI:
    """Return the service under these settings."""
    app = Application(
        title="initserve",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.settings = settings
    app.state.metrics = metrics.Metrics()
    problems.install(app)
    for router in (init.router, diagnose.router, train.router, catalogue.router, operations.router, metrics.router):
        app.router.routes.extend(router.routes)  # include_router would put a second match before every route
    app.router.routes.extend(operations.playground())
    app.mount("/docs", operations.Pages(directory=operations.PAGES / "swagger", html=True), name="docs")
    return app
