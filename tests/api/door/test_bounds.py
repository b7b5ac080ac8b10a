"""Requests are let in by turns between clients, whatever they ask for."""

import asyncio

import pytest
from starlette.types import Receive, Scope, Send

from service.api.door.accounts import ALWAYS, Accounts
from service.api.door.bounds import AT_ONCE, Bounds
from service.api.door.clients import Client
from service.api.door.visits import Visit
from service.api.telemetry.identity import Identity

MANY = 50


@pytest.mark.parametrize("path", ["/schemes", *sorted(ALWAYS)])
def test_whoever_comes_after_fifty_of_another_waits_for_few_of_them(path: str) -> None:
    answered: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        answered.append(scope["visit"].client.name)

    async def nothing() -> dict[str, str]:
        return {}

    async def nowhere(message: object) -> None:
        return None

    async def crowd() -> None:
        bounds, accounts = Bounds(app), Accounts(MANY, 0.0)

        def ask(client: str, path: str) -> asyncio.Task[None]:
            scope = {"type": "http", "path": path, "visit": Visit(Client(client), Identity("id"), accounts)}
            return asyncio.create_task(bounds(scope, nothing, nowhere))

        many = [ask("many", path) for _ in range(MANY)]
        await asyncio.gather(*many, ask("one", "/init"))

    asyncio.run(crowd())
    assert len(answered) == MANY + 1
    assert answered.index("one") <= 2 * AT_ONCE
