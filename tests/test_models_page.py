"""docs/models.md: its commands write what it shows, and its table has every published model."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from service.networks.families import FAMILIES
from tests.conftest import Server

PAGE = (Path(__file__).parents[1] / "docs" / "models.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
NETWORKS = PAGE.partition("These are known as networks")[2].partition("## ")[0]
ROWS = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)


def listed(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize(("command", "shown"), COMMANDS)
def test_a_command_writes_what_the_page_shows(running: Server, tmp_path: Path, command: str, shown: str) -> None:
    script = command.replace("localhost:8000", f"127.0.0.1:{running.port}")
    done = subprocess.run(
        ["bash", "-euc", script],
        env={**os.environ, "no_proxy": "*"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown


def test_every_published_model_is_in_the_table() -> None:
    assert [name for name, _, _ in ROWS] == list(FAMILIES)
    for name, heads, sizes in ROWS:
        assert listed(heads) == [head for head in FAMILIES[name].heads if head]
        assert listed(sizes) == list(FAMILIES[name].sizes)


def test_every_network_is_listed() -> None:
    assert listed(NETWORKS) == [name for name, family in FAMILIES.items() if family.network is not None]
