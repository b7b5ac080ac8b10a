"""For operators and the curious: life, readiness, what a problem means, the documentation's pages."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from service import __version__
from service.api.openapi import PROBLEM_RESPONSES
from service.api.problems import PROBLEMS
from service.api.services import services_of
from service.replay import ALGORITHMS
from service.stream.streams import ALGORITHM

PAGES = Path(__file__).parent.parent / "pages"
# Everything a page needs comes from this service; styles stand in elements too (Swagger UI).
POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"

router = APIRouter(tags=["operations"])


class Pages(StaticFiles):
    """Static files, under a policy that lets them load nothing from elsewhere."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                guard = [(b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": [*message["headers"], *guard]}
            await send(message)

        await super().__call__(scope, receive, send_guarded)

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        if isinstance(answer, RedirectResponse):  # to a folder, at an address made of whatever Host says
            raise HTTPException(404)
        return answer


async def openapi_for_generators(request: Request) -> JSONResponse:
    """Answer the API's document as generators of clients read it."""
    return JSONResponse(request.app.openapi_for_generators)


async def to_docs(request: Request) -> RedirectResponse:
    """Lead to the folder by a relative address, which holds behind any host and prefix."""
    return RedirectResponse("docs/")


def playground() -> list[Route]:
    """Return a route for each of the playground's files, its page at /.

    One route for all would match every address, and hide that some take another method.
    """
    folder = PAGES / "playground"
    files = Pages(directory=folder, html=True)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [Route("/", files), *(Route(f"/{name}", files) for name in names)]


@router.head("/livez", include_in_schema=False)  # load balancers ask so
@router.get("/livez", operation_id="livez", summary="The process answers")
async def livez() -> dict[str, str]:
    """Say that the process is alive, and nothing more: a restart is the cure where this fails."""
    return {"status": "alive", "version": __version__}


@router.head("/readyz", include_in_schema=False)
@router.get(
    "/readyz",
    operation_id="readyz",
    summary="This replica's bytes are everyone's",
    responses={503: {"description": "The self-test found other bytes than the golden ones, or a line is stuck."}},
)
async def readyz(request: Request) -> JSONResponse:
    """Say whether the digests of initserve/1, computed anew at start-up, came out as everywhere else, and lines move.

    `GET /algorithms` says of each other stream whether it is ready.
    """
    services = services_of(request)
    lines = {
        name: {"waiting": waiting, "seconds_without_movement": round(seconds, 3)}
        for name, (waiting, seconds) in services.workers.lines().items()
    }
    longest = max(line["seconds_without_movement"] for line in lines.values())
    ready = not services.readiness.disagreements and longest <= services.settings.stuck_seconds
    found: dict[str, Any] = {"status": "ready" if ready else "not ready"}
    if services.readiness.disagreements:
        found["disagreements"] = services.readiness.disagreements
    else:
        found["algorithms"] = [ALGORITHM, *ALGORITHMS]
    return JSONResponse(found | {"lines": lines}, 200 if ready else 503, {"cache-control": "no-store"})


def describe(code: str) -> dict[str, Any]:
    kind = PROBLEMS[code]
    return {"type": f"/problems/{code}", "title": kind.title, "status": kind.status, "what_to_do": kind.meaning}


@router.get("/problems", operation_id="list_problems", summary="Every kind of error")
async def list_problems() -> dict[str, list[dict[str, Any]]]:
    """List every kind of error that this service can answer with."""
    return {"problems": [describe(code) for code in PROBLEMS]}


@router.get(
    "/problems/{code}",
    operation_id="show_problem",
    summary="What an error means and what to do",
    responses={404: PROBLEM_RESPONSES[404]},
)
async def show_problem(code: str) -> dict[str, Any]:
    """Explain one kind of error: the page that a problem's `type` leads to."""
    if code not in PROBLEMS:
        raise HTTPException(404)
    return describe(code)
