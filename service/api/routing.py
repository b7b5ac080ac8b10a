"""Routes whose functions take the request and return the response: FastAPI only describes them."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from service.api.problems import RequestProblem

Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
ACCEPT_QUERY = {"accept-query": "application/json"}  # RFC 10008


class DirectRoute(APIRoute):
    """A route without FastAPI's own reading of parameters and bodies, which takes as long as planning a spec.

    `also` are the methods that other routes of the same path take: a 405 tells of them too.
    """

    also: frozenset[str] = frozenset()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = self.methods or set()
        if scope["method"] not in taken:
            allowed = taken | self.also
            queried = ACCEPT_QUERY if "QUERY" in allowed else {}
            raise HTTPException(405, headers={"allow": ", ".join(sorted(allowed)), **queried})
        await super().handle(scope, receive, send)

    def get_route_handler(self) -> Handler:
        endpoint: Handler = self.endpoint

        return endpoint


def asked_by(
    router: APIRouter, path: str, *methods: tuple[str, str, str], **described: Any
) -> Callable[[Handler], Handler]:
    """Register a handler for several methods of a path; each has an operation_id and a summary of its own."""

    def register(handler: Handler) -> Handler:
        for method, operation_id, summary in methods:
            router.add_api_route(
                path, handler, methods=[method], operation_id=operation_id, summary=summary, **described
            )
            route = router.routes[-1]
            assert isinstance(route, DirectRoute)
            route.also = frozenset(method for method, _, _ in methods)
        return handler

    return register


def read_query(request: Request, known: tuple[str, ...]) -> dict[str, str]:
    """Return the address's parameters; a parameter that is not known, or given twice, is refused."""
    given = request.query_params.multi_items() if request.scope["query_string"] else []
    asked = dict(given)
    if not asked.keys() <= set(known) or len(asked) < len(given):
        taken = f"the parameters are {' and '.join(known)}, each once" if known else "this address takes no parameters"
        raise RequestProblem("invalid-query", taken)
    return asked
