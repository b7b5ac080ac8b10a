"""What the Hub tells of its models as JSON: a revision, its files, its one commit. hub.py serves the files."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from service.api.body import receive_body
from service.api.described import problems
from service.api.door.visits import whose
from service.api.hub import REPOSITORY, REVISION, Snapshot, no_entry, no_repository, represented, snapshot_at
from service.api.parsing import parse_json
from service.api.problems import RequestProblem
from service.api.repositories import STORED, repositories
from service.api.routing import DirectRoute
from service.api.services import services_of
from service.api.working import in_worker
from service.formats.description import dumps
from service.networks.plan import Plan
from service.specs.published import library_of
from service.stream.dtypes import DTYPES

NO_DATE = "1970-01-01T00:00:00.000Z"  # a spec has none, and clients read one
MOST_PATHS, LONGEST_PATHS = 1000, 2**18  # that are asked for at once, and their bytes
OBJECT = {"schema": {"type": "object"}}
LIST = {"schema": {"type": "array", "items": {"type": "object"}}}
PATHS = {
    "type": "object",
    "required": ["paths"],
    "properties": {
        "paths": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]},  # a form may have one
        "expand": {"type": "boolean"},
    },
}
AT = "/api/models/{namespace}/{name}"

router = APIRouter(tags=["hub"], route_class=DirectRoute)


async def told(request: Request, tell: Callable[[], Any]) -> Response:
    """Answer with what `tell` returns, in JSON. A revision may have thousands of files: a thread lists them."""
    content = await in_worker(services_of(request).workers, request, lambda: dumps(tell()))
    return Response(content, media_type="application/json", headers={"cache-control": "no-cache"})


def answers(description: str, schema: dict[str, Any], *statuses: int) -> dict[int | str, dict[str, Any]]:
    content = {"application/json": schema}
    return {200: {"description": description, "content": content}, **problems(404, 503, *statuses)}


def entries(request: Request, snapshot: Snapshot) -> list[dict[str, Any]]:
    """Return the files of a revision as a tree's entries."""
    found = []
    for file in snapshot.files.values():
        # Git would name weights by their content, which nobody has seen: they have a name of their spec.
        blob = file.blob or represented(request, snapshot, file).etag.strip('"')[:40]
        found.append({"type": "file", "path": file.name, "size": file.length, "oid": blob})
    return found


def with_commit(snapshot: Snapshot, listed: list[dict[str, Any]], expand: bool) -> list[dict[str, Any]]:
    last = {"id": snapshot.revision.commit, "title": snapshot.repository, "date": NO_DATE}
    return [{**entry, "lastCommit": last} for entry in listed] if expand else listed


def is_true(word: str | None) -> bool:
    return word is not None and word.lower() in ("true", "1")


@router.get(
    AT,
    operation_id="hub_model",
    summary="A model: its main revision",
    response_class=Response,
    responses=answers("Its commit id, files and number of parameters.", OBJECT),
    openapi_extra={"parameters": REPOSITORY},
)
@router.get(
    AT + "/revision/{revision:path}",
    operation_id="hub_revision",
    summary="A revision of a model",
    response_class=Response,
    responses=answers("Its commit id, files and number of parameters.", OBJECT),
    openapi_extra={"parameters": [*REPOSITORY, REVISION]},
)
async def model(request: Request) -> Response:
    """Answer what huggingface_hub's `model_info` reads."""
    snapshot = await snapshot_at(request)
    return await told(request, lambda: description(snapshot, entries(request, snapshot)))


def elements_by_dtype(plan: Plan) -> dict[str, int]:
    """Return how many elements there are of each dtype, by its name in safetensors."""
    found: Counter[str] = Counter()
    for parameter in plan.parameters:
        found[DTYPES[parameter.dtype].safetensors] += parameter.elements
    return dict(found)


def description(snapshot: Snapshot, listed: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what there is to say of a revision with these files."""
    plan, config = snapshot.kept.plan, snapshot.files.get("config.json")
    content: dict[str, Any] = {
        "id": snapshot.repository,
        "modelId": snapshot.repository,
        "author": snapshot.repository.partition("/")[0],
        "sha": snapshot.revision.commit,
        "createdAt": NO_DATE,
        "lastModified": NO_DATE,
        "private": False,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": ["safetensors", "initserve"],
        "siblings": [{"rfilename": entry["path"], "size": entry["size"], "blobId": entry["oid"]} for entry in listed],
        "safetensors": {"parameters": elements_by_dtype(plan), "total": plan.elements},
        "usedStorage": sum(entry["size"] for entry in listed),
    }
    if config is not None and config.content is not None:
        published = json.loads(config.content)
        content["library_name"] = library_of(plan)
        shown = ("architectures", "model_type", "_class_name")
        content["config"] = {member: published[member] for member in shown if member in published}
    return content


@router.get(
    AT + "/tree/{revision}",
    operation_id="hub_tree",
    summary="The files of a revision",
    response_class=Response,
    responses=answers("Each file's name and length.", LIST),
    openapi_extra={"parameters": [*REPOSITORY, REVISION]},
)
@router.get(AT + "/tree/{revision}/{path:path}", include_in_schema=False)
async def tree(request: Request) -> Response:
    """Answer every file of a revision in one page; no revision has folders."""
    snapshot = await snapshot_at(request)
    if folder := request.path_params.get("path", "").strip("/"):
        raise no_entry(snapshot, folder)
    expand = is_true(request.query_params.get("expand"))
    return await told(request, lambda: with_commit(snapshot, entries(request, snapshot), expand))


@router.post(
    AT + "/paths-info/{revision}",
    operation_id="hub_paths",
    summary="Some files of a revision",
    response_class=Response,
    responses=answers("Those of the paths that there are.", LIST, 400, 408, 413),
    openapi_extra={
        "parameters": [*REPOSITORY, REVISION],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": PATHS, "example": {"paths": ["config.json"], "expand": False}},
                "application/x-www-form-urlencoded": {"schema": PATHS},
            },
        },
    },
)
async def paths(request: Request) -> Response:
    """Answer the entries of the paths that the body lists, as JSON or as a form; what is not there is left out."""
    services = services_of(request)
    with services.room.for_request(whose(request)) as grant:
        body = await receive_body(request, services, grant)
    snapshot = await snapshot_at(request)

    def tell() -> list[dict[str, Any]]:
        wanted, expand = read_paths(body, request.headers.get("content-type", ""))
        listed = [entry for entry in entries(request, snapshot) if entry["path"] in wanted]
        return with_commit(snapshot, listed, expand)

    return await told(request, tell)


def read_paths(body: bytes, media_type: str) -> tuple[set[str], bool]:
    """Return the paths that a body lists, and whether their last commit is to be told, too."""
    if len(body) > LONGEST_PATHS:
        raise RequestProblem("body-too-large", f"a list of paths has at most {LONGEST_PATHS:,} bytes")
    try:
        if media_type.startswith("application/json"):
            document = parse_json(body)
            wanted, expand = document["paths"], document.get("expand") is True
        else:
            form = parse_qs(body.decode("ascii"), max_num_fields=MOST_PATHS + 1)
            wanted, expand = form["paths"], is_true(form.get("expand", [""])[0])
        if isinstance(wanted, str):
            wanted = [wanted]
        return {path.strip("/") for path in wanted}, expand
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RequestProblem("malformed-json", 'the body is {"paths": ["config.json"]}, or that as a form') from None


@router.get(
    AT + "/refs",
    operation_id="hub_refs",
    summary="The branches of a model",
    response_class=Response,
    responses=answers("`main` alone: nobody lists every seed.", OBJECT),
    openapi_extra={"parameters": REPOSITORY},
)
async def refs(request: Request) -> Response:
    """Answer `main`; every `seed-N` is a revision beside it."""
    snapshot = await snapshot_at(request)
    main = {"name": "main", "ref": "refs/heads/main", "targetCommit": snapshot.revision.commit}
    return await told(request, lambda: {"branches": [main], "tags": [], "converts": []})


@router.get(
    AT + "/commits/{revision:path}",
    operation_id="hub_commits",
    summary="The commits of a revision",
    response_class=Response,
    responses=answers("One: a spec has no history.", LIST),
    openapi_extra={"parameters": [*REPOSITORY, REVISION]},
)
async def commits(request: Request) -> Response:
    """Answer the one commit that a revision is."""
    snapshot = await snapshot_at(request)
    commit = {"id": snapshot.revision.commit, "title": snapshot.repository, "message": "", "date": NO_DATE}
    return await told(request, lambda: [{**commit, "authors": []}])


@router.get("/api/models/{repository:path}", include_in_schema=False)
@router.get("/api/datasets/{repository:path}", include_in_schema=False)
@router.get("/api/spaces/{repository:path}", include_in_schema=False)
@router.get("/{repository:path}/resolve/{revision}/{file:path}", include_in_schema=False)
@router.head("/{repository:path}/resolve/{revision}/{file:path}", include_in_schema=False)
async def elsewhere(request: Request) -> Response:
    """Say that a repository of another kind, or under another name, is not here."""
    name = request.path_params["repository"]
    repository = "/".join(name.split("/")[:2])
    if repository in repositories() or STORED.fullmatch(repository):
        raise HTTPException(404)
    raise no_repository(name)
