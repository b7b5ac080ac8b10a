"""The committed OpenAPI document and settings table are the service's own, and complete."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.api.examples import EXAMPLES
from service.settings import settings_table

ROOT = Path(__file__).parents[1]
COMMITTED = ROOT / "openapi/openapi.json"
DOCUMENT: dict[str, Any] = json.loads(COMMITTED.read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_the_committed_document_is_current(hash_seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    made = subprocess.run(
        [sys.executable, "-m", "service", "openapi"], env=environment, cwd=ROOT, capture_output=True, check=True
    )
    assert made.stdout == COMMITTED.read_bytes(), "run make openapi"


def test_the_settings_table_is_current() -> None:
    assert (ROOT / "docs/settings.md").read_text() == settings_table(), "run make openapi"


def parts(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [value, *(part for item in inner for part in parts(item))]


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    found = {part["$ref"] for part in parts(DOCUMENT) if isinstance(part, dict) and "$ref" in part}
    assert found == {f"#/components/schemas/{name}" for name in SCHEMAS}


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


def test_errors_are_problems_in_the_document_too() -> None:
    for status, answer in DOCUMENT["paths"]["/init"]["post"]["responses"].items():
        if status != "200":
            assert list(answer["content"]) == ["application/problem+json"]
