"""The OpenAPI document: FastAPI's own, with the schemas of what is read and written by hand."""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.trainable import TrainRequest
from service.api.answers import InitAnswer, KeptSpecAnswer, PlanAnswer, TrainAnswer, VerifyAnswer
from service.api.diagnosed import DiagnoseAnswer
from service.api.door.scopes import scope_of
from service.api.problems import PROBLEMS, Problem
from service.specs.spec import Spec

DESCRIPTION = """\
**The same initial weights, everywhere.** Post layer specs (type, shape, activation, scheme, seed) and get a neural
network's initial weights: as base64 `.npy` in JSON, as statistics, or as a tensor file. The same spec gives the same
bytes on every replica, processor and thread count, in the layout of Keras, PyTorch or Flax.
"""
ANSWERED = Path(__file__).parent / "answered.json"
PROBLEM = "application/problem+json"
VERSION = "3.2.0"  # the first in which a path has `query`
TEMPLATE = "#/components/schemas/{model}"
# What generators of clients make more of than bytes.
READABLE = re.compile(r"text/.*|application/(.*\+)?json|multipart/form-data")
OCTETS = "application/octet-stream"
# What any operation may answer, where its scope is closed or the client has its share: shown once for all of them.
REFUSED = {401: "KeyNeeded", 403: "ScopeMissing", 429: "ShareUsedUp"}
CHALLENGE = {"WWW-Authenticate": "What is needed, as RFC 6750 has it."}
LATER = {"Retry-After": "Seconds after which to ask again.", "RateLimit": "What is left of each bound, and until when."}
REFUSALS = "refusals"  # in ANSWERED
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key of whoever runs the service. None is needed for what is open to all: everything, unless "
    "the operator has closed it (docs/keys.md). The names beside it are scopes.",
}


def reference(model: str) -> dict[str, str]:
    return {"$ref": TEMPLATE.format(model=model)}


def problem_response(status: int) -> dict[str, Any]:
    codes = ", ".join(f"`{code}`" for code, kind in PROBLEMS.items() if kind.status == status)
    return {"description": codes, "content": {PROBLEM: {"schema": reference("Problem")}}}


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: problem_response(status) for status in (400, 404, 406, 408, 412, 413, 415, 416, 422, 501, 503, 507)
}


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document; made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version=VERSION,
            description=DESCRIPTION,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        _, definitions = models_json_schema(
            [
                (model, "validation")
                for model in (
                    Spec,
                    InitAnswer,
                    PlanAnswer,
                    KeptSpecAnswer,
                    DiagnoseRequest,
                    DiagnoseAnswer,
                    TrainRequest,
                    TrainAnswer,
                    VerifyAnswer,
                    Problem,
                )
            ],
            ref_template=TEMPLATE,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(definitions["$defs"])
        for operation in (operation for path in document["paths"].values() for operation in path.values()):
            if operation["responses"].get("422", {}).get("content", {}).keys() == {"application/json"}:
                del operation["responses"]["422"]  # FastAPI's own, which never leaves this service
            show_answers(operation)
        add_keys(document, app.routes)
        document["components"]["schemas"] = referenced(document["paths"], schemas)
        app.openapi_schema = document
    return app.openapi_schema


def add_keys(document: dict[str, Any], routes: Iterable[BaseRoute]) -> None:
    """Say of every operation which scope a client without a key needs open, and what it is told where it is not."""
    components = document["components"]
    components["securitySchemes"] = {"key": KEY}
    components["responses"] = {REFUSED[status]: refused(status) for status in REFUSED}
    for route in routes:
        if isinstance(route, APIRoute) and route.include_in_schema and (needed := scope_of(route)):
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                operation["security"] = [{}, {"key": [needed]}]
                told = {str(status): {"$ref": f"#/components/responses/{name}"} for status, name in REFUSED.items()}
                operation["responses"] = dict(sorted({**operation["responses"], **told}.items()))


def refused(status: int) -> dict[str, Any]:
    """Return what any operation answers a client that may not ask for it."""
    shown = answered()[REFUSALS][str(status)][PROBLEM]
    found = problem_response(status)
    found["content"][PROBLEM]["examples"] = shown
    told = LATER if status == 429 else CHALLENGE
    headers = {name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in told.items()}
    return {**found, "headers": headers}


def show_answers(operation: dict[str, Any]) -> None:
    """Put the examples of an operation's answers where they belong; here, since FastAPI drops members that are null."""
    name = operation["operationId"]
    for status, types in answered().get(name.removeprefix("head_"), {}).items():
        response = operation["responses"].get(status, {})  # a HEAD has no ranges
        for media_type, content in response.get("content", {}).items():  # and no bodies
            content["examples"] = types.get(media_type, {})
        if PROBLEM in types:  # those that this operation has, of all that have this status
            response["description"] = ", ".join(f"`{code}`" for code in types[PROBLEM])


@cache
def answered() -> dict[str, dict[str, dict[str, dict[str, Any]]]]:
    """Return the examples of answers by operation, status, media type and name, as tests/answered recorded them."""
    found: dict[str, dict[str, dict[str, dict[str, Any]]]] = json.loads(ANSWERED.read_text())
    return found


def for_generators(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document as generators of clients read it: OpenAPI 3.1, without QUERY, files as octets."""
    paths = {
        path: {method: with_octets(operation) for method, operation in operations.items() if method != "query"}
        for path, operations in document["paths"].items()
    }
    return {**document, "openapi": "3.1.0", "paths": paths}


def with_octets(part: Any) -> Any:
    """Return a part of an operation in which the media types of files are application/octet-stream alone."""
    if isinstance(part, list):
        return [with_octets(each) for each in part]
    if not isinstance(part, dict):
        return part
    found = {name: with_octets(each) for name, each in part.items()}
    if isinstance(found.get("content"), dict):
        kept = {kind: each for kind, each in found["content"].items() if READABLE.fullmatch(kind)}
        files = [each for kind, each in found["content"].items() if kind not in kept]
        found["content"] = {**kept, **({OCTETS: files[0]} if files else {})}
    return found


def referenced(paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that `paths` lead to, sorted by name."""
    found: dict[str, Any] = {}
    waiting: list[Any] = [paths]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            waiting += part.values()
            name = str(part.get("$ref", "")).removeprefix(TEMPLATE.format(model=""))
            if name in schemas and name not in found:
                found[name] = schemas[name]
                waiting.append(schemas[name])
    return dict(sorted(found.items()))
