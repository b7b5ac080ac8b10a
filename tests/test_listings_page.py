"""docs/listings.md: its commands write what it shows, and its table has every kind."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from service.networks.telling.kinds import KINDS
from tests.conftest import Server

PAGE = (Path(__file__).parents[1] / "docs" / "listings.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("command", "shown"), COMMANDS)
def test_a_command_writes_what_the_page_shows(running: Server, tmp_path: Path, command: str, shown: str) -> None:
    done = subprocess.run(
        ["bash", "-euc", command.replace("localhost:8000", f"127.0.0.1:{running.port}")],
        env={**os.environ, "no_proxy": "*"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown


def test_every_kind_is_in_the_table() -> None:
    assert dict(re.findall(r"^\| `([\w ]+)` \| (.+) \|$", PAGE, re.MULTILINE)) == KINDS
