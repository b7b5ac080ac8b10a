"""What requests are told apart by: there are few of each, whatever is asked for."""

from starlette.types import Scope

# Methods are anybody's words: others than these are one.
METHODS = ("GET", "HEAD", "POST", "QUERY", "PUT", "PATCH", "DELETE", "OPTIONS")
OTHER = "other"
NOWHERE = "none"  # the route of what is no address here


def route_of(scope: Scope) -> str:
    """Return the template of the route that a request came to: there are few of them, whatever is asked for."""
    return getattr(scope.get("route"), "path", NOWHERE)


def method_of(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in METHODS else OTHER
