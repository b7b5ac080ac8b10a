"""A request and its answer as uvicorn runs them, where this service's connections want it otherwise."""

import select
from collections.abc import Callable
from typing import Any

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from service.api.draining import Draining


class Flow(FlowControl):
    """Reading that stays paused while `held`, whoever asks for more."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Exchange(RequestResponseCycle):
    """A request and its answer.

    An answer is its connection's last that comes before all of the request, or from a process that is to end.
    """

    def __init__(self, draining: Draining, **more: Any) -> None:
        super().__init__(**more)
        self.draining = draining

    async def send(self, message: ASGISendEvent) -> None:
        if message["type"] == "http.response.start" and (self.more_body or self.draining.leaving):
            self.keep_alive = False
        await super().send(message)

    def break_off(self) -> None:
        """Tell whoever answers that the client is gone."""
        self.disconnected = True
        self.message_event.set()


class Outgoing:
    """The transport as an exchange sees it: how it is closed is the connection's business."""

    def __init__(self, transport: Any, close: Callable[[], None]) -> None:
        self.write = transport.write
        self.is_closing = transport.is_closing
        self.close = close

    def let_go(self) -> None:
        """Know nothing more of the connection, which is gone."""
        self.close = nothing


def nothing() -> None:
    pass


def hung_up(connection: Any) -> bool:
    """Whether the other side has closed a socket with unread bytes in it; False where the system does not tell."""
    if not hasattr(select, "POLLRDHUP"):
        return False
    asked = select.poll()
    asked.register(connection.fileno(), select.POLLRDHUP)
    return bool(asked.poll(0))
