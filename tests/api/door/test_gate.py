"""How a request ended is told as it was when the last of its answer was handed on."""

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.api.door.access import Access
from service.api.door.accounts import Accounts
from service.api.door.gate import Gate
from service.api.streaming import CONNECTION
from service.api.telemetry.metrics import ABORTED, Metrics
from service.settings import Settings


@dataclass
class Line:
    left: asyncio.Event = field(default_factory=asyncio.Event)
    stalled: bool = False


START: Message = {"type": "http.response.start", "status": 200, "headers": []}
FIRST: Message = {"type": "http.response.body", "body": b"one", "more_body": True}
LAST: Message = {"type": "http.response.body", "body": b"two"}
LEAVES: Message = {"type": "leaves"}
STALLS: Message = {"type": "stalls"}


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ([START, FIRST, LAST], None),
        ([START, FIRST, LAST, LEAVES], None),  # it has all, and closes
        ([START, FIRST, LEAVES, LAST], "client-gone"),
        ([START, FIRST, LEAVES], "client-gone"),
        ([START, FIRST, STALLS, LEAVES], "stalled"),
        ([START, FIRST], "failed"),
    ],
)
def test_an_answer_counts_as_cut_short_only_where_its_client_left_before_its_last_byte(
    what: list[Message], reason: str | None
) -> None:
    async def ask() -> Metrics:
        line, metrics = Line(), Metrics()
        services = SimpleNamespace(metrics=metrics, spans=None, accounts=Accounts(64, 0.0))

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            for each in what:
                if each is LEAVES:
                    line.left.set()
                elif each is STALLS:
                    line.stalled = True
                else:
                    await send(dict(each))

        async def nothing() -> Message:
            return {}

        async def nowhere(message: Message) -> None:
            return None

        scope = {
            "type": "http", "method": "GET", "path": "/", "http_version": "1.1", "headers": [],
            "client": ("127.0.0.1", 1), "extensions": {CONNECTION: {"line": line}},
            "app": SimpleNamespace(state=SimpleNamespace(services=services)),
        }  # fmt: skip
        await Gate(app, Access(Settings()))(scope, nothing, nowhere)
        return metrics

    metrics = asyncio.run(ask())
    counted = {each: metrics.aborted_streams.labels(each)._value.get() for each in ABORTED}
    assert counted == {each: float(each == reason) for each in ABORTED}
