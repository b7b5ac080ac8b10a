"""Every error has its row, its status and its page; a remedy that no request could hold is none."""

import ast
import json
import math
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest

from service.api import app as whole_service
from service.api.problems import BY_STATUS, PROBLEMS, problem
from service.errors import InitserveError, InvalidAddress

ROOT = Path(whole_service.__file__).parents[1]


def every(kind: type[InitserveError]) -> Iterator[type[InitserveError]]:
    for each in kind.__subclasses__():
        yield each
        yield from every(each)


def test_every_error_of_a_spec_has_a_row_of_its_own() -> None:
    service = [each for each in every(InitserveError) if each.__module__.startswith("service.")]
    found = [each for each in service if "code" in vars(each)]  # others are told as what they are a kind of
    assert len(found) >= 4
    for each in found:
        assert PROBLEMS[each.code].status == (400 if each is InvalidAddress else 422), each
    assert len({each.code for each in found}) == len(found)


def test_every_problem_that_the_code_names_has_a_row_and_every_row_is_named() -> None:
    codes = {each.code for each in every(InitserveError)} | set(BY_STATUS.values())
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in ("RequestProblem", "counted") and isinstance(first := node.args[0], ast.Constant):  # type: ignore[attr-defined]
                codes.add(str(first.value))
    assert codes == PROBLEMS.keys()


def test_statuses_are_http_s_own_and_titles_tell_rows_apart() -> None:
    for code, kind in PROBLEMS.items():
        assert HTTPStatus(kind.status).value >= 400
        assert kind.title
        assert kind.meaning.endswith((".", "so.")), code
    assert len({kind.title for kind in PROBLEMS.values()}) == len(PROBLEMS)


@pytest.mark.parametrize("remedy", [{"gain": math.inf}, {"scheme": {"stddev": math.nan}}, {"npy": "x" * 100_000}])
def test_a_remedy_that_no_request_could_hold_is_left_out(remedy: dict[str, object]) -> None:
    assert "try" not in json.loads(bytes(problem("too-large", "why", remedy=remedy).body))
    assert json.loads(bytes(problem("too-large", "why", remedy={"gain": 1.5}).body))["try"] == {"gain": 1.5}
