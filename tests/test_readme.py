"""The README's request gives the README's answer, and its other lines work."""

import json
import re
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_the_request_gives_the_answer(server: str) -> None:
    request = re.search(r"-d '(\{.*?\n\})'", README, re.DOTALL)
    answer = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert request
    assert answer
    found = httpx.post(f"{server}/init", headers={"content-type": "application/json"}, content=request.group(1))
    shortened = re.sub(r"/weights/eN[\w-]+", "/weights/eN…", found.text)
    assert json.loads(shortened) == json.loads(answer.group(1))


def test_lenet5_has_its_parameters(server: str) -> None:
    spec = (ROOT / "examples/lenet5.json").read_text()
    headers = {"content-type": "application/json"}
    found: Any = httpx.post(f"{server}/init?include=statistics", headers=headers, content=spec).json()
    counts = [p["statistics"]["count"] for layer in found["layers"] for p in layer["parameters"]]
    assert sum(counts) == 61_706


def test_every_file_that_it_names_exists() -> None:
    named = re.findall(r"`((?:service|tests|openapi|examples|docs)/[\w./-]*)`|\]\(([\w./-]+)\)", README)
    assert named
    for one, other in named:
        assert (ROOT / (one or other)).exists(), one or other
