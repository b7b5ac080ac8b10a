"""Who asks: by the address that a connection comes from."""

from dataclasses import dataclass

from starlette.types import Scope


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who asks; requests with the same `name` are one client's."""

    name: str


def client_of(scope: Scope) -> Client:
    """Return who sends a request."""
    address = scope.get("client")
    return Client(address[0] if address else "local")
