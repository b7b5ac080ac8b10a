"""docs/materialize.md: its commands write what it shows, and what it says of limits is so."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.formats.sharding import SHARD_BYTES
from service.materialize.checkpoint import CLAIM, SUMS
from service.materialize.engines import ENGINES
from service.materialize.engines.engine import TRIES
from service.materialize.manifest import APPLICATION, LARGEST_SPEC, PLAIN, SECRET
from service.materialize.manifest import TRIES as AFTER_THE_FIRST
from service.materialize.places.opening import SCHEMES
from service.materialize.places.parts import MEMORY
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "materialize.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)
NUMBERS = {4: "four"}
END = "\0"


@pytest.mark.long
def test_every_command_writes_what_the_page_shows(tmp_path: Path) -> None:
    script = "".join(f"{command}\nprintf '\\0'\n" for command, _ in COMMANDS)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euc", script],
        env={**os.environ, "PATH": path},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.split(END)[:-1]
    assert len(said) == len(COMMANDS) > 6
    for (command, shown), written in zip(COMMANDS, said, strict=True):
        assert written == shown, command


def test_engines_and_stores_are_those_that_there_are() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) >= ENGINES.keys()
    assert {scheme for scheme in ("s3", "gs", "az") if f"`{scheme}://" in PAGE} <= SCHEMES.keys()


def test_figures_are_those_of_the_code() -> None:
    assert SHARD_BYTES == 5 * 10**9
    assert "(5 GB)" in PAGE
    assert f"at most {MEMORY // 2**20} MiB are held" in PAGE
    assert f"up to {NUMBERS[TRIES]} times" in PAGE
    assert f"tried {NUMBERS[AFTER_THE_FIRST + 1]} times" in PAGE
    assert f"up to {PLAIN // 2**10} KiB" in PAGE
    assert 2**20 - 2**13 < LARGEST_SPEC < 2**20
    assert {CLAIM, SUMS} <= set(re.findall(r"^\| `([\w.]+)` \|", PAGE, re.MULTILINE))
    assert f"`{SECRET}`" in PAGE
    assert f"name={APPLICATION}" in PAGE


def test_the_rule_of_the_lifecycle_is_json() -> None:
    (rules,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (rule,) = json.loads(rules)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 1
