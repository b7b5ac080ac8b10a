"""For operators and the curious: life, readiness, what a problem means, the API's document."""

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException

from service import __version__
from service.api.content import REVALIDATED, Content
from service.api.openapi import PROBLEM_RESPONSES
from service.api.problems import PROBLEMS
from service.api.services import services_of
from service.replay import ALGORITHMS
from service.stream.streams import ALGORITHM

router = APIRouter(tags=["operations"])


async def openapi(request: Request) -> Response:
    """Answer the API's document."""
    document: Content = await to_thread.run_sync(lambda: request.app.document)
    return document.answer(request, {"cache-control": REVALIDATED})


async def openapi_for_generators(request: Request) -> Response:
    """Answer the API's document as generators of clients read it."""
    document: Content = await to_thread.run_sync(lambda: request.app.document_for_generators)
    return document.answer(request, {"cache-control": REVALIDATED})


async def to_docs(request: Request) -> RedirectResponse:
    """Lead to the folder by a relative address, which holds behind any host and prefix."""
    return RedirectResponse("docs/")


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
    responses={
        503: {
            "description": "The self-test found other bytes than the golden ones, a line is stuck, or the process has "
            "been told to stop.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    },
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
    draining = services.draining.unready
    ready = not (draining or services.readiness.disagreements) and longest <= services.settings.stuck_seconds
    found: dict[str, Any] = {"status": "ready" if ready else "draining" if draining else "not ready"}
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
