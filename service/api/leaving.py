"""Whether a client is still there."""

from typing import Any

from starlette.types import Receive


async def client_gone(receive: Receive) -> None:
    """Return when the client has left: uvicorn raises nothing on sending to it, only `receive` reports it."""
    message: Any = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
