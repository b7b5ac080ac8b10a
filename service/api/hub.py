"""The Hub: models that exist only as specs, at the addresses that huggingface_hub and its kin ask for.

Clients find out with HEAD what a file is and get it, or ranges of it; they list a revision's files; they come back with
the commit id that they were told. repositories.py leads from names to specs, snapshots.py from specs to files.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from service.api.addressed import BINARY, addressed
from service.api.door.visits import visit_of
from service.api.kept import Kept
from service.api.problems import RequestProblem
from service.api.repositories import COMMIT, MAIN, STORED, Revision, repositories, revision_of
from service.api.representation import Representation, answer
from service.api.routing import DirectRoute
from service.api.services import services_of
from service.api.snapshots import JSON, MARKDOWN, WEIGHTS, File, files_of
from service.api.store import text_of
from service.api.weights import in_path
from service.api.working import in_worker
from service.specs.nearness import nearest
from service.stream.streams import ALGORITHM

MOST_SAID = 96  # characters of a name that is not known

router = APIRouter(tags=["hub"], route_class=DirectRoute)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A revision of a repository, and its files by name."""

    repository: str
    revision: Revision
    kept: Kept
    files: dict[str, File]


def said(kind: str, detail: str) -> dict[str, str]:
    """Return the headers in which the Hub's clients read what is not there; `kind` is what they raise."""
    return {"x-error-code": kind, "x-error-message": detail.encode("ascii", "replace").decode()}


def no_repository(name: str) -> RequestProblem:
    """Return the problem of a repository that is not there; it says which name comes nearest."""
    near = nearest(name[:MOST_SAID], repositories())
    detail = f"there is no {quoted(name)} here, but {near}; GET /recipes lists recipes and their sizes"
    return RequestProblem("unknown-repository", detail, headers=said("RepoNotFound", detail))


def no_revision(repository: str, name: str) -> RequestProblem:
    detail = (
        f"there is no revision {quoted(name)} of {repository}: one is seed-N, N from 0 to 2^64 - 1; for what PyTorch "
        f"draws itself, torch-seed-N; main, which is {MAIN}; or the commit id of one of these"
    )
    return RequestProblem("unknown-revision", detail, headers=said("RevisionNotFound", detail))


def no_entry(snapshot: Snapshot, path: str) -> RequestProblem:
    detail = f"{snapshot.repository} has no {quoted(path)}; it has {', '.join(list(snapshot.files)[:4])}"
    headers = said("EntryNotFound", detail) | {"x-repo-commit": snapshot.revision.commit}
    return RequestProblem("unknown-file", detail, headers=headers)


def quoted(name: str) -> str:
    return ascii(name if len(name) <= MOST_SAID else name[:MOST_SAID] + "…")


async def revision_at(request: Request, repository: str, name: str) -> Revision:
    """Return what a revision of a repository is; 404 where there is no such one."""
    if (stored := STORED.fullmatch(repository)) is not None:
        return await stored_revision(request, repository, stored[1], name)
    if (known := repositories().get(repository)) is None:
        raise no_repository(repository)
    if COMMIT.fullmatch(name):
        work = partial(revision_of, known, name)
        revision = await in_worker(services_of(request).workers, request, work)
    else:
        revision = revision_of(known, name)
    if revision is None:
        raise no_revision(repository, name)
    return revision


async def stored_revision(request: Request, repository: str, digest: str, name: str) -> Revision:
    """Return the one revision of a stored spec, which its digest names already."""
    commit = digest[:40]
    try:
        text = await text_of(digest, services_of(request).store)
    except RequestProblem as problem:
        if problem.code != "unknown-spec":
            raise
        raise RequestProblem(
            "unknown-repository", problem.detail, headers=said("RepoNotFound", problem.detail)
        ) from None
    if name not in ("main", "HEAD", commit):
        detail = f"there is no revision {quoted(name)} of {repository}: a stored spec has main alone, which is {commit}"
        raise RequestProblem("unknown-revision", detail, headers=said("RevisionNotFound", detail))
    return Revision(text, commit)


async def snapshot_at(request: Request) -> Snapshot:
    """Return the revision that an address names: `main` where it names none."""
    at = request.path_params
    repository = f"{at['namespace']}/{at['name']}"
    services = services_of(request)
    with visit_of(request).phase("plan"):
        revision = await revision_at(request, repository, at.get("revision", "main"))
        kept = await services.plans.of(revision.text, request)
        if kept.files is None:
            kept.files = await in_worker(services.workers, request, lambda: files_of(kept.plan))
    return Snapshot(repository, revision, kept, kept.files)


def represented(request: Request, snapshot: Snapshot, file: File) -> Representation:
    """Return a file as what answers its address; what it says of the service may change with a new version of it."""
    plans = services_of(request).plans
    of = (snapshot.kept.plan.digest, file.name) if file.blob is None else (file.blob, file.name)
    headers = {"x-repo-commit": snapshot.revision.commit}
    if file.blob is not None:
        headers["cache-control"] = "public, no-cache"
    lay_out = partial(plans.payload, snapshot.kept, f"hub/{file.name}", file.lay_out, request)
    algorithm = snapshot.kept.plan.algorithm if file.blob is None else ALGORITHM
    shown = file.blob is not None
    return Representation(file.name, file.media_type, of, lay_out, lambda: None, algorithm, shown, headers)


def file_in(snapshot: Snapshot, path: str) -> File:
    """Return the file of this name; 404 where the revision has none."""
    if path not in snapshot.files:
        raise no_entry(snapshot, path)
    return snapshot.files[path]


REPOSITORY = [
    in_path("namespace", "`init` for recipes, `spec` for stored specs.", "init"),
    in_path(
        "name",
        "`RECIPE`, with `-SIZE` and `-HEAD` where these are meant; `sha256-` and the digest of a stored spec.",
        "gpt2-small",
    ),
]
REVISION = in_path("revision", "`seed-N`, `torch-seed-N`, `main`, or a commit id.", "seed-42")
FILE = in_path("file", "As the listing has it.", "config.json")
FILES: dict[str, dict[str, Any]] = {
    JSON: {"type": "object"},
    MARKDOWN.partition(";")[0]: {"type": "string"},
    WEIGHTS: BINARY,
}


async def file(request: Request) -> Response:
    """Answer a file of a revision, whole or in ranges; `X-Repo-Commit` is the revision's commit id.

    Weights are safetensors, `config.json` is there for recipes of published models.
    """
    snapshot = await snapshot_at(request)
    found = file_in(snapshot, request.path_params["file"])
    return await answer(request, represented(request, snapshot, found))


for verb, operation in (("resolve", "hub_resolve"), ("raw", "hub_raw")):
    path = "/{namespace}/{name}/" + verb + "/{revision}/{file:path}"
    parameters = [*REPOSITORY, REVISION, FILE]
    addressed(router, path, operation, "A file of a model", FILES, parameters, (404, 412, 503))(file)
