"""Real servers for faults: processes of the service on loopback, which end with the tests that asked for them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from tests.conftest import Server, serving

Served: TypeAlias = Callable[..., Server]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """Return a server with these settings by their names in `Settings`; tests of a file that ask alike share one.

    What stops, kills or fills up its server takes one of its own, of `tests.conftest.serving`.
    """
    found: dict[tuple[tuple[str, object], ...], Server] = {}
    with ExitStack() as stack:

        def serve(**settings: object) -> Server:
            asked = tuple(sorted(settings.items()))
            if asked not in found:
                environment = {f"INITSERVE_{name.upper()}": str(value) for name, value in asked}
                found[asked] = stack.enter_context(serving(**environment))
            return found[asked]

        yield serve
