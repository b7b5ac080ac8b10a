"""docs/threats.md speaks of settings that exist, of files that are there, and of the bounds that hold by default."""

import re
from pathlib import Path

from service.api.door.scopes import SCOPES
from service.settings import GIB, Settings, variable_of

PREFIX = "INITSERVE_"
ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/threats.md").read_text(encoding="utf-8")


def row(beginning: str) -> str:
    """Return the row of a table that begins so."""
    [found] = [line for line in PAGE.splitlines() if line.startswith(f"| {beginning} |")]
    return found


def test_every_setting_that_is_named_exists() -> None:
    variables = {variable_of(name).removeprefix(PREFIX) for name in Settings.model_fields} | {PREFIX}
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", PAGE))
    assert named
    assert named <= variables


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`((?:tests|service|deploy)/[^`:]+)`|(deploy/[\w./]+\w)", PAGE)
    assert named
    assert all((ROOT / (quoted or plain)).exists() for quoted, plain in named)


def test_the_most_that_a_client_can_cost_are_the_defaults() -> None:
    settings = Settings()
    assert f": {settings.max_requests_per_client} a client" in row("requests under way")
    assert f": {settings.max_processor_seconds:g} s before" in row("processor time of one request")
    assert f"{settings.max_binary_bytes // GIB} GiB an answer" in row("bytes sent")
    assert settings.max_processor_seconds_per_minute == 0.0  # the page says that a deployment sets it
    edge = (ROOT / "deploy/nginx/edge.conf").read_text(encoding="utf-8")
    assert "128" in row("connections")
    assert re.search(r"limit_conn \w+ 128;", edge)


def test_every_scope_is_told_with_what_it_opens() -> None:
    told = row("anybody")
    assert all(f"(`{scope}`)" in told for scope in SCOPES)
