"""What a client may do: scopes, the one that each route needs, and routes that are open to whoever has it."""

from collections.abc import Iterable

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.door.clients import Client, Standing
from service.api.door.visits import Visit
from service.api.problems import RequestProblem

READ, WEIGHTS, HEAVY, SPECS, METRICS = "read", "weights", "heavy", "specs", "metrics"
SCOPES = {
    READ: "the pages, the catalogue and the API's document",
    WEIGHTS: "weights, plans and the Hub",
    HEAVY: "diagnoses, trainings and comparisons of files",
    SPECS: "keeping specs, which is how those have links that no address can hold",
    METRICS: "counters for Prometheus",
}
EVERYBODY = ""  # what probes ask, and what explains a refusal, needs no scope
BY_PATH = {
    "/livez": EVERYBODY,
    "/readyz": EVERYBODY,
    "/problems": EVERYBODY,
    "/problems/{code}": EVERYBODY,
    "/metrics": METRICS,
    "/verify": HEAVY,
    "/specs": SPECS,
}
BY_TAG = {"catalogue": READ, "weights": WEIGHTS, "addresses": WEIGHTS, "hub": WEIGHTS, "analysis": HEAVY}


def scopes_in(text: str) -> frozenset[str]:
    """Return the scopes that a text names, with commas between; raises ValueError for others."""
    names = frozenset(name.strip() for name in text.split(",")) - {""}
    if names <= SCOPES.keys():
        return names
    raise ValueError(f"scopes are {', '.join(SCOPES)}")


def scope_of(route: Route) -> str:
    """Return the scope that a route needs; raises KeyError for one of which nobody has said it."""
    if route.path in BY_PATH:
        return BY_PATH[route.path]
    tags = getattr(route, "tags", ())
    return BY_TAG[tags[0]] if tags else READ  # a file of a page has no tag


def is_operational(route: Route) -> bool:
    """Whether a route is for operators alone where they have a port of their own: metrics, the document, its page."""
    return route.path == "/metrics" or route.path.startswith(("/docs", "/openapi"))


class Guarded:
    """A route's application, for clients that have its scope; `hidden` where another port alone has it."""

    def __init__(self, app: ASGIApp, needed: str, closed: bool, hidden: bool) -> None:
        self._app, self._needed, self._closed, self._hidden = app, needed, closed, hidden

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit: Visit = scope["visit"]
        if self._hidden and not visit.client.operator:
            raise HTTPException(404)
        if self._needed not in visit.client.scopes or visit.client.standing is Standing.UNKNOWN:
            raise refusal(self._needed, visit.client)
        visit.private = self._closed
        await self._app(scope, receive, send)


def refusal(needed: str, client: Client) -> RequestProblem:
    """Return why a client may not do what needs this scope, as RFC 6750 has it."""
    what = SCOPES[needed]
    match client.standing:
        case Standing.UNKNOWN:
            told = 'error="invalid_token"'
            return RequestProblem("unknown-key", "the key that came is none of this service", headers=challenge(told))
        case Standing.KEYED:
            told = f'error="insufficient_scope", scope="{needed}"'
            return RequestProblem("scope-missing", f"this key does not open {what} ({needed})", headers=challenge(told))
        case Standing.ANYBODY:
            detail = f"{what} ({needed}) are for clients with a key that opens them"
            return RequestProblem("key-needed", detail, headers=challenge(f'scope="{needed}"'))
        case Standing.KEYLESS:
            return RequestProblem("scope-missing", f"this service has {what} ({needed}) for nobody")


def challenge(told: str) -> dict[str, str]:
    return {"www-authenticate": f'Bearer realm="initserve", {told}', "cache-control": "no-store"}


def guard(routes: Iterable[BaseRoute], open_scopes: frozenset[str], operations_apart: bool) -> None:
    """Let every route's application be run for clients that have its scope alone."""
    for route in routes:
        assert isinstance(route, Route)
        needed = scope_of(route)
        if needed != EVERYBODY:
            hidden = operations_apart and is_operational(route)
            route.app = Guarded(route.app, needed, needed not in open_scopes, hidden)
