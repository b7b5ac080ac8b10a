"""Asks what requests.py has, and writes service/api/answered.json: the examples of the OpenAPI document.

`python -m tests.answered.record` writes what is new, or comes out otherwise than to rounding (alike.py).
"""

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

from service.api.problems import PROBLEMS
from tests.answered.alike import alike, in_short
from tests.answered.asking import Answered, Asked, answer
from tests.answered.conditions import CONDITIONS, SLOWLY, services
from tests.answered.requests import requests

FILE = Path(__file__).parents[2] / "service/api/answered.json"
PROBLEM = "application/problem+json"
# Of all metrics, those that every process that just started has with the same value.
METRICS = ("initserve_build", "initserve_ready", "initserve_waiting", "initserve_answers")
TEXT = ("text/", "image/svg+xml", "application/jsonl", "multipart/byteranges")
# By operation, status, media type and name.
Examples: TypeAlias = dict[str, dict[str, dict[str, dict[str, dict[str, Any]]]]]


async def answered() -> list[tuple[Asked, Answered]]:
    """Return every request with what came of it."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        async with services(folder) as service_for:
            for asked in requests():
                app = service_for(asked.condition)
                with CONDITIONS[asked.condition](app.state.services):
                    found.append((asked, await answer(app, asked, asked.condition != SLOWLY)))
    return found


def example(asked: Asked, found: Answered) -> dict[str, Any]:
    """Return an answer as an example: its value, or where a file of it is to be had."""
    shown: dict[str, Any] = {"summary": asked.summary, "description": asked.told}
    if found.media_type == PROBLEM:
        problem = json.loads(found.body)
        return {"summary": PROBLEMS[code_of(found)].title, "description": asked.told, "value": problem}
    if found.media_type == "application/json" and found.status != 206:
        value = json.loads(found.body)
        return {**shown, "value": in_short(value) if asked.operation in ("diagnose", "train") else value}
    if asked.operation == "metrics":
        lines = found.body.decode().splitlines(keepends=True)
        return {**shown, "value": "".join(line for line in lines if any(name in line for name in METRICS))}
    if found.status == 206 or found.media_type.startswith(TEXT) or asked.target.endswith(".json"):
        return {**shown, "value": found.body.decode()}
    return {**shown, "x-address": found.headers.get("content-location", asked.target).removeprefix("/")}


def code_of(found: Answered) -> str:
    return str(json.loads(found.body)["type"].removeprefix("/problems/"))


def examples(every: list[tuple[Asked, Answered]]) -> Examples:
    """Return the examples of all answers that have a body; the first of a name stays."""
    made: Examples = {}
    for asked, found in every:
        fault = found.media_type == PROBLEM
        if found.body and asked.method != "HEAD" and (fault or asked.name):
            name = code_of(found) if fault else asked.name
            by_type = made.setdefault(asked.operation, {}).setdefault(str(found.status), {})
            by_type.setdefault(found.media_type, {}).setdefault(name, example(asked, found))
    return made


def main() -> None:
    made = examples(asyncio.run(answered()))
    before: Examples = json.loads(FILE.read_text()) if FILE.exists() else {}
    kept = 0
    for operation, statuses in made.items():
        for status, types in statuses.items():
            for media_type, named in types.items():
                for name, shown in named.items():
                    old = before.get(operation, {}).get(status, {}).get(media_type, {}).get(name)
                    if old is not None and alike(old, shown):
                        named[name], kept = old, kept + 1
    FILE.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{kept} examples are as they were\n")


if __name__ == "__main__":
    main()
