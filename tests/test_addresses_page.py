"""The commands of docs/addresses.md, run as they stand against two replicas, say what the page says they do."""

import base64
import os
import re
import subprocess
import zlib
from pathlib import Path

import pytest

from service.api.ranges import MOST_RANGES
from service.specs.addresses import MOST_CHARACTERS
from tests.conftest import Server, serving

PAGE = (Path(__file__).parents[1] / "docs" / "addresses.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)
END = "\0"


def held(text: str) -> str:
    """Return a text with what addresses hold in their place: another build of zlib may deflate it otherwise."""

    def inflated(token: re.Match[str]) -> str:
        return zlib.decompress(base64.urlsafe_b64decode(token[1] + "==")).decode()

    return re.sub(r"(?<=/weights/)(eN[\w-]+)", inflated, text)


@pytest.fixture(scope="module")
def said(running: Server, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each of the page's commands writes, one shell running all of them."""
    script = "".join(f"{command}\nprintf '\\0'\n" for command, _ in COMMANDS)
    folder = tmp_path_factory.mktemp("page")
    with serving(INITSERVE_SPECS=str(folder / "specs")) as first:
        script = script.replace("localhost:8000", f"127.0.0.1:{first.port}")
        script = script.replace("localhost:8001", f"127.0.0.1:{running.port}")
        done = subprocess.run(
            ["bash", "-euc", script],
            env={**os.environ, "no_proxy": "*"},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(END)[:-1]


def test_every_command_writes_what_the_page_shows(said: list[str]) -> None:
    assert len(said) == len(COMMANDS) > 10
    for (command, shown), written in zip(COMMANDS, said, strict=True):
        assert held(written) == held(shown), command


def test_the_bounds_are_those_of_the_service() -> None:
    assert f"at most {MOST_CHARACTERS:,} characters" in PAGE
    assert f"up to {MOST_RANGES} of these" in PAGE
