"""create_app(settings): the only place where the parts meet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI

from service import __version__
from service.api import catalogue, init, metrics, openapi, operations, problems
from service.api.admission import Budget
from service.api.streaming import Sending
from service.pipeline import Workers
from service.settings import Settings
from service.weights.self_test import disagreements


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
    app.include_router(init.router)
    app.include_router(catalogue.router)
    app.include_router(operations.router)
    app.include_router(metrics.router)
    app.mount("/docs", operations.Pages(directory=operations.PAGES / "swagger", html=True), name="docs")
    return app
