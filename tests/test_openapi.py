"""The committed OpenAPI document and settings table are the service's own, and complete."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.examples import EXAMPLES, LARGE_EXAMPLES
from service.settings import settings_table

ROOT = Path(__file__).parents[1]
COMMITTED, FOR_GENERATORS = ROOT / "openapi/openapi.json", ROOT / "openapi/openapi-3.1.json"
DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize(
    ("hash_seed", "version", "committed"),
    [("0", "3.2", COMMITTED), ("1", "3.2", COMMITTED), ("0", "3.1", FOR_GENERATORS)],
)
def test_the_committed_documents_are_current(hash_seed: str, version: str, committed: Path) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "service", "openapi", version]
    made = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=True)
    assert made.stdout == committed.read_bytes(), "run make openapi"


def test_what_generators_read_is_the_same_but_for_query_and_for_the_types_of_files(client: httpx.Client) -> None:
    read = json.loads(FOR_GENERATORS.read_text())
    assert client.get("/openapi-3.1.json").json() == read
    assert client.get("/openapi.json").json() == DOCUMENT
    assert read["openapi"] == "3.1.0"
    assert read["components"] == DOCUMENT["components"]
    asked = {path: operations.keys() - {"query"} for path, operations in DOCUMENT["paths"].items()}
    assert {path: operations.keys() for path, operations in read["paths"].items()} == asked
    kinds = {kind for part in parts(read["paths"]) if isinstance(part, dict) for kind in part.get("content", {})}
    assert kinds == {
        "application/json", "application/problem+json", "application/octet-stream", "multipart/form-data",
        "text/event-stream", "text/plain", "text/html", "text/markdown",
    } & kinds | {"application/json", "application/octet-stream"}  # fmt: skip


def test_a_spec_needs_layers_or_what_stands_in_their_place() -> None:
    assert "required" not in SCHEMAS["Spec"]
    assert SCHEMAS["TrainRequest"]["required"] == ["task"]


def test_the_settings_table_is_current() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_table(), "run make openapi"


def parts(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(part for item in inner for part in parts(item))]


def kinds_of(schema: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema allows; all where it says nothing of them."""
    if "$ref" in schema:
        return kinds_of(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return set().union(*map(kinds_of, options))
    kinds = schema.get("type", list(KINDS.values()))
    return {kinds} if isinstance(kinds, str) else set(kinds)


KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def test_every_field_may_be_what_its_examples_are() -> None:
    # input_shape was described as an object, beside the example [32, 32, 3].
    shown = [part for part in parts(DOCUMENT["components"]["schemas"]) if isinstance(part, dict) and "title" in part]
    found = [(part, one) for part in shown for one in part.get("examples", []) if kinds_of(part)]
    assert len(found) > 30
    for part, one in found:
        assert {KINDS[type(one)], "number" if type(one) is int else KINDS[type(one)]} & kinds_of(part), part["title"]


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    found = {part["$ref"] for part in parts(DOCUMENT) if isinstance(part, dict) and "$ref" in part}
    kinds = {kind: DOCUMENT["components"][kind] for kind in ("schemas", "responses")}
    assert found == {f"#/components/{kind}/{name}" for kind, named in kinds.items() for name in named}


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["Spec", "Dense", "Conv1D", "Conv2D", "Conv3D", "Embedding", "Tensor"])
def test_every_field_of_a_request_is_explained(name: str) -> None:
    for field, schema in SCHEMAS[name]["properties"].items():
        assert "description" in schema or "const" in schema, field


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_works_and_is_small_enough_for_a_page(client: httpx.Client, name: str) -> None:
    answer = client.post("/init", json=EXAMPLES[name]["value"])
    assert answer.status_code == 200
    assert len(answer.content) < 100_000


ADDRESSED = [path for path in DOCUMENT["paths"] if path.startswith("/weights/")]


@pytest.mark.parametrize("path", ADDRESSED)
def test_every_address_works_as_the_document_shows_it(client: httpx.Client, path: str) -> None:
    for method in ("get", "head"):
        address = path
        for parameter in DOCUMENT["paths"][path][method]["parameters"]:
            if parameter["in"] == "path":
                address = address.replace("{" + parameter["name"] + "}", parameter["example"])
        found = client.request(method, address)
        assert found.status_code == 200
        assert found.headers["content-type"] in DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]


def test_errors_are_problems_in_the_document_too() -> None:
    for status, answer in DOCUMENT["paths"]["/init"]["post"]["responses"].items():
        if status != "200" and "$ref" not in answer:
            assert list(answer["content"]) == ["application/problem+json"]


@pytest.mark.parametrize("name", LARGE_EXAMPLES)
def test_every_large_example_can_be_planned(client: httpx.Client, name: str) -> None:
    assert client.post("/plan", json=LARGE_EXAMPLES[name]["value"]).status_code == 200


def test_examples_show_every_way_of_asking() -> None:
    values = [example["value"] for example in (EXAMPLES | LARGE_EXAMPLES).values()]
    types = {layer["type"] for value in values for layer in value.get("layers", [])}
    assert {"dense", "conv2d", "lstm", "multi_head_attention", "embedding", "tensor"} <= types
    assert any("algorithm" in value for value in values)
    assert any("recipe" in value for value in values)
