"""Asks the application itself, without a connection between: any headers, and bodies that never end."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message

JSON = {"content-type": "application/json"}
ALWAYS = {"host": "x", "x-request-id": "5c2f0e"}
SHORT = 160  # characters of a body that is shown beside what came of it


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of an operation. `name` and `summary` are of its answer, where that is no problem.

    `condition` says of what kind of service it is asked, and when (conditions.py).
    """

    operation: str
    name: str
    summary: str
    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    condition: str = ""

    @property
    def told(self) -> str:
        """Return the request in words; its body where that is short."""
        shown = ", ".join(
            f"`{name.title()}: {value}`"
            for name, value in self.headers.items()
            if self.headers[name] not in JSON.values()
        )
        line = f"`{self.method} {self.target}`" + (f" with {shown}" if shown else "")
        body = self.body.decode("ascii", "replace")
        line += f", body `{body}`" if 0 < len(body) <= SHORT and body.isprintable() else ""
        return f"{line}, {self.condition}" if self.condition else line


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: Headers
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0]


async def answer(app: ASGIApp, asked: Asked, ends: bool = True) -> Answered:
    """Return what comes of a request; with `ends` false, its body never does."""
    path, _, query = asked.target.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "http_version": "1.1",
        "method": asked.method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in {**ALWAYS, **asked.headers}.items()],
        "client": None,
        "server": None,
    }
    incoming = [{"type": "http.request", "body": asked.body, "more_body": not ends}]
    sent: list[Message] = []

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()
        return incoming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    headers = Headers(raw=sent[0]["headers"])
    return Answered(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))
