"""The application within the bounds of each client: a request waits its turn to be let in, and is counted."""

from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.door.accounts import ALWAYS
from service.api.door.visits import Visit
from service.api.loop_turns import LoopTurns
from service.api.problems import RequestProblem, problem
from service.api.services import Services

AT_ONCE = 4  # requests let in between two looks at who else has come: a look takes a tenth of what a small one does


class Bounds:
    """Lets requests in by turns between clients, and none of a client that has as many under way as it may."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._entry = LoopTurns(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        visit: Visit = scope["visit"]
        client = visit.client.name
        await self._entry.wait(client, 1)
        if scope["path"] in ALWAYS:
            await self._app(scope, receive, send)
            return
        try:
            visit.accounts.enter(client)
        except RequestProblem as refused:
            services: Services = scope["app"].state.services
            services.metrics.count_problem(refused.code, refused.reason)
            visit.problem = refused.code
            await visit.accounts.put_off(client)
            answer = problem(refused.code, refused.detail, headers=refused.headers, identity=visit.identity)
            await answer(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            visit.accounts.leave(client)
