"""Servers that do next to nothing, run as the service runs itself: what any answer costs under this stack."""

import sys
from typing import Any
from unittest.mock import patch

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from benchmarks.servers import IDENTITY, MIB, ZEROS
from service.cli import serve
from service.settings import Settings
from service.specs.spec import Spec

ANSWER = {"algorithm": "initserve/1", "layers": []}


def routes() -> FastAPI:
    """Return an application that validates a spec and does nothing with it."""
    app = FastAPI()

    @app.post("/init")
    async def init(spec: Spec) -> dict[str, Any]:
        return ANSWER

    @app.get(IDENTITY)
    async def identity() -> dict[str, str]:
        return {"status": "bare"}

    return app


async def zeros(scope: Scope, receive: Receive, send: Send) -> None:
    """Send one buffer of zeros over and over."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", str(ZEROS).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    chunk = bytes(MIB)
    for _ in range(ZEROS // MIB):
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def main() -> None:
    application: ASGIApp = routes() if sys.argv[1] == "routes" else zeros
    # The service's own serve() runs it, so that uvicorn's options are the service's, whatever they become.
    run = uvicorn.run
    with patch("uvicorn.run", lambda app, **options: run(application, **options)):
        serve(Settings())


if __name__ == "__main__":
    main()
