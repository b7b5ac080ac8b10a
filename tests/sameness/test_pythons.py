"""Python 3.11 to 3.14, each with the locked packages, the lowest that are allowed, and the newest that there are."""

import sys

import pytest

from tests.sameness.environments import Packages, digests, interpreter

pytestmark = pytest.mark.sameness
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


@pytest.mark.parametrize("packages", ["locked", "lowest", "newest"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_python_gives_everybodys_bytes(version: str, packages: Packages) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} is to be had here")
    told = digests(python, packages)
    sys.stdout.write(f"{python.found_as}, {packages} packages: {told}\n")
    assert told["python"].startswith(f"{version}.")
    assert told["compared"] > 200
    assert told["wrong"] == []
