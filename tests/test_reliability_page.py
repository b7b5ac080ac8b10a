"""docs/reliability.md promises only what a test holds: every row names tests, and every test that it names exists."""

import ast
import re

import pytest

from tests.conftest import ROOT

COLUMNS = ["fault", "promised", "measured", "test"]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
LINES = [line for line in (ROOT / "docs" / "reliability.md").read_text().splitlines() if line.startswith("| ")]
TABLE = [[cell.strip() for cell in line.strip("|").split("|")] for line in LINES]
ROWS = [row for row in TABLE if row != COLUMNS]


def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_what_is_promised_is_held_by_tests_that_exist(row: list[str]) -> None:
    fault, promised, _, tests = row
    assert fault
    assert promised
    assert NAMED.sub("", tests).replace("<br>", " ").replace("*long*", "").strip() == ""
    assert NAMED.findall(tests)
    for path, name in NAMED.findall(tests):
        assert name in functions_of(path)
