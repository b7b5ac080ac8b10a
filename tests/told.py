"""What a server has told: an answer apart from which request it is of, and its log so far."""

import secrets
from typing import Any

import httpx

from tests.api.test_flow import wait_until
from tests.conftest import Server


def apart(answer: httpx.Response) -> Any:
    """Return a problem document without its request's id."""
    return {name: value for name, value in answer.json().items() if name != "request_id"}


def logged(server: Server) -> str:
    """Return what a server has logged of all that it had answered before: a line follows its answer's last byte."""
    last = secrets.token_hex(16)
    httpx.get(f"{server.url}/livez", headers={"x-request-id": last}).raise_for_status()
    wait_until(lambda: last in server.logged())
    return server.logged()
