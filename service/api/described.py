"""The words of OpenAPI for what routes of this service have in common: a spec in the body, a choice in the query."""

from collections.abc import Iterable, Mapping
from typing import Any

from service.api.openapi import PROBLEM_RESPONSES, reference

WHEN_READ = (400, 408, 413, 415, 422, 503)  # statuses of problems with a body, a spec, or room for it
BY_ACCEPT = "Format of the answer; wins over Accept."


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of these statuses: problem documents."""
    return {status: PROBLEM_RESPONSES[status] for status in sorted(statuses)}


def json_body(model: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body in JSON after this model."""
    content = {"application/json": {"schema": reference(model), "examples": dict(examples)}}
    return {"requestBody": {"required": True, "content": content}}


def query(*parameters: dict[str, Any]) -> dict[str, Any]:
    return {"parameters": list(parameters)}


def one_of(name: str, description: str, values: Iterable[str], **more: Any) -> dict[str, Any]:
    """Return a parameter of the address that takes one of these values."""
    schema = {"type": "string", "enum": list(values), **more}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def whole_number(name: str, description: str, least: int, most: int, default: int) -> dict[str, Any]:
    """Return a parameter of the address that takes an integer between these."""
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def told(description: str) -> dict[str, Any]:
    """Return a header that an answer has."""
    return {"description": description, "schema": {"type": "string"}}


def content(model: str, *media_types: str) -> dict[str, Any]:
    """Return an answer's content: JSON after this model, or text of the other types."""
    others = {media_type: {"schema": {"type": "string"}} for media_type in media_types}
    return {"application/json": {"schema": reference(model)}, **others}
