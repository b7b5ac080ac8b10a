"""Every request of docs/replay.md is answered; tests/frameworks holds the answers beside the frameworks' own."""

import re
import shlex
from pathlib import Path

import httpx
import pytest

from service.replay import ALGORITHMS

PAGE = (Path(__file__).parents[1] / "docs" / "replay.md").read_text()
REQUESTS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("request_text", REQUESTS[:-1])  # the last is GPT-2, half a gigabyte
def test_a_request_is_answered(request_text: str, client: httpx.Client) -> None:
    words = shlex.split(request_text)
    address = next(word for word in words if "localhost:8000" in word).removeprefix("localhost:8000")
    headers = {"content-type": "application/json"}
    assert client.post(address, content=words[words.index("-d") + 1], headers=headers).status_code == 200


def test_every_algorithm_is_on_the_page() -> None:
    assert {name for name in ALGORITHMS if f"`{name}`" not in PAGE} == set()
