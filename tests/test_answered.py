"""Every operation of the document shows what it answers, with each status and type: as the service answers it now."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.problems import PROBLEMS
from tests.answered.alike import alike
from tests.answered.asking import Answered, Asked
from tests.answered.record import FILE, PROBLEM, Examples, answered, examples
from tests.answered.schemas import faults

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "openapi/openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]


def own(operation: dict[str, Any]) -> dict[str, Any]:
    """Return an operation without the answers that it shares with all others."""
    return {
        **operation,
        "responses": {status: each for status, each in operation["responses"].items() if "$ref" not in each},
    }


SHARED = {
    status: DOCUMENT["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
    for status, answer in operation["responses"].items()
    if "$ref" in answer
}
OPERATIONS = {
    operation["operationId"]: (method, own(operation))
    for path in DOCUMENT["paths"].values()
    for method, operation in path.items()
} | {"refusals": ("post", {"responses": SHARED})}
# Of the connection, of any address, or of a fault of the service: no operation has them of its own.
ANYWHERE = {
    "malformed-request", "method-not-allowed", "uri-too-long", "headers-too-large", "transfer-encoding", "http-version",
    "internal-error",
}  # fmt: skip


@pytest.fixture(scope="module")
def every() -> list[tuple[Asked, Answered]]:
    return asyncio.run(answered())


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for status, response in operation["responses"].items():
        for media_type, content in response.get("content", {}).items():
            yield status, media_type, content


def test_every_status_and_type_of_every_operation_has_examples() -> None:
    for name, (method, operation) in OPERATIONS.items():
        found = [(status, media_type) for status, media_type, content in contents(operation) if content.get("examples")]
        declared = [(status, media_type) for status, media_type, _ in contents(operation)]
        assert found == declared, name
        assert found or method == "head", name


def test_every_example_is_what_the_service_answers_now(every: list[tuple[Asked, Answered]]) -> None:
    now, recorded = examples(every), json.loads(FILE.read_text())
    assert named(now).keys() == named(recorded).keys(), "run make openapi"
    others = [key for key, shown in named(now).items() if not alike(shown, named(recorded)[key])]
    assert others == [], "run make openapi"


def named(made: Examples) -> dict[tuple[str, str, str, str], dict[str, Any]]:
    return {
        (operation, status, media_type, name): shown
        for operation, statuses in made.items()
        for status, types in statuses.items()
        for media_type, each in types.items()
        for name, shown in each.items()
    }


def test_every_answer_is_one_that_the_document_declares(every: list[tuple[Asked, Answered]]) -> None:
    seen: dict[str, set[str]] = {}
    for asked, found in every:
        operation = OPERATIONS[asked.operation][1]
        status = str(found.status)
        assert status in operation["responses"], asked.told
        if found.body and asked.method != "HEAD":
            assert found.media_type in operation["responses"][status]["content"], asked.told
        seen.setdefault(asked.operation, set()).add(status)
    assert seen == {name: set(operation["responses"]) for name, (_, operation) in OPERATIONS.items()}


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_example_is_what_its_schema_allows(name: str) -> None:
    for status, media_type, content in contents(OPERATIONS[name][1]):
        for shown in content["examples"].values():
            if "value" in shown:
                assert list(faults(shown["value"], content.get("schema", {}), SCHEMAS)) == [], (status, media_type)
            if media_type == PROBLEM:
                assert str(shown["value"]["status"]) == status


def test_every_example_of_a_request_is_what_its_schema_allows() -> None:
    for _, operation in OPERATIONS.values():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            for shown in content.get("examples", {}).values():
                if "value" in shown:
                    assert list(faults(shown["value"], content["schema"], SCHEMAS)) == []


def test_files_that_examples_lead_to_are_those_that_were_answered(
    client: httpx.Client, every: list[tuple[Asked, Answered]]
) -> None:
    led = 0
    for asked, found in every:
        shown = OPERATIONS[asked.operation][1]["responses"][str(found.status)].get("content", {})
        example = shown.get(found.media_type, {}).get("examples", {}).get(asked.name, {})
        if "x-address" in example and asked.method != "HEAD":
            assert client.get(example["x-address"]).content == found.body, asked.told
            led += 1
    assert led > 10


def test_every_kind_of_problem_is_shown_by_an_operation_that_has_it() -> None:
    shown = {
        code
        for _, operation in OPERATIONS.values()
        for _, media_type, content in contents(operation)
        if media_type == PROBLEM
        for code in content["examples"]
    }
    assert shown == PROBLEMS.keys() - ANYWHERE


def test_a_schema_that_a_value_does_not_have_is_noticed() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "integer"}},
        "additionalProperties": False,
    }
    assert list(faults({"a": 1}, schema, {})) == []
    wrong: list[Any] = [{}, {"a": "1"}, {"a": 1, "b": 2}, {"a": True}, [], {"a": None}]
    for value in wrong:
        assert list(faults(value, schema, {})), value
    assert list(faults("x", {"anyOf": [{"type": "null"}, {"const": "y"}]}, {}))
    assert not alike({"detail": "3 of 4"}, {"detail": "3 of 5"})
    assert not alike({"detail": "one"}, {"detail": "two"})
