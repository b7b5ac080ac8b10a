"""Logs are lines that a program can read, whatever a request holds; no key and nothing of a body stands in them."""

import io
import json
import logging
import logging.config
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from service.api.telemetry.identity import Identity
from service.api.telemetry.logs import FORMATS, configuration
from tests.api.test_flow import wait_until
from tests.conftest import Server, serving

SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2], "name": "in_a_body"}]}
HOSTILE = 'a\nINFO b\r\x1b[31m\x00\x85\u2028\u202e"=\\ c'
# A pair of logfmt, by its own description: a key, and a value that is plain or a string in quotes.
PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)(?: |$)')


def read_logfmt(line: str) -> dict[str, str]:
    """Return the pairs of a line; fails where anything stands between them."""
    found, end = {}, 0
    while end < len(line):
        pair = PAIR.match(line, end)
        assert pair is not None, line[end:]
        found[pair[1]] = json.loads(pair[2]) if pair[2].startswith('"') else pair[2]
        end = pair.end()
    return found


def written(format: str, message: str, **extra: Any) -> str:
    """Return what a record comes to, with what raised it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(FORMATS[format]())
    logger = logging.Logger("initserve.test")
    logger.addHandler(handler)
    try:
        raise ValueError(HOSTILE)
    except ValueError as error:
        logger.error("%s", message, exc_info=error, extra=extra)
    return stream.getvalue().removesuffix("\n")


FIELDS = {"fields": {"client": HOSTILE, "status": 200}, "identity": Identity("called-so", "0af7")}


@pytest.mark.parametrize(("format", "read"), [("json", json.loads), ("logfmt", read_logfmt)])
def test_a_record_is_one_line_of_ascii_that_gives_back_what_was_put_in(format: str, read: Any) -> None:
    line = written(format, HOSTILE, **FIELDS)
    assert line.isascii()
    assert line.isprintable()
    found = read(line)
    assert (found["message"], found["client"], str(found["status"])) == (HOSTILE, HOSTILE, "200")
    assert (found["request_id"], found["trace_id"], found["level"]) == ("called-so", "0af7", "error")
    assert f"ValueError: {HOSTILE}" in found["exception"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"])


def test_for_people_nothing_but_the_service_begins_a_line_and_nothing_moves_the_cursor() -> None:
    first, *below = written("text", HOSTILE, **FIELDS).split("\n")
    assert first.isprintable()
    assert r"a\nINFO b\r\x1b[31m" in first
    assert "request_id called-so" in first
    assert below
    assert all(line.startswith("    ") and line.isprintable() for line in below)


def test_levels_and_formats_are_what_the_settings_name() -> None:
    for format in FORMATS:
        for level in ("debug", "info", "warning", "error"):
            logging.config.DictConfigurator(configuration(format, level))
            assert configuration(format, level)["root"]["level"] == level.upper()


@pytest.fixture(scope="module")
def in_json() -> Iterator[Server]:
    with serving(INITSERVE_LOG_FORMAT="json") as server:
        yield server


def told(server: Server, called: str) -> dict[str, Any]:
    """Return what a server logs, once its answer is sent, of the one request that was called so."""

    def lines() -> list[dict[str, Any]]:
        every = [json.loads(line) for line in server.logged().splitlines() if line.startswith("{")]
        return [line for line in every if (line["logger"], line.get("request_id")) == ("initserve.access", called)]

    wait_until(lambda: bool(lines()))
    (found,) = lines()
    return found


def test_a_request_s_line_says_who_what_how_much_and_how_long(in_json: Server) -> None:
    answer = httpx.post(f"{in_json.url}/init", json=SPEC, headers={"x-request-id": "one"})
    line = told(in_json, "one")
    assert (line["client"], line["method"], line["route"]) == ("127.0.0.1", "POST", "/init")
    assert (line["status"], line["outcome"], line["level"]) == (200, "complete", "info")
    assert line["bytes"] == len(answer.content)
    parts = [line[f"{phase}_seconds"] for phase in ("read", "plan", "draw")]
    assert all(part >= 0.0 for part in parts)
    assert sum(parts) <= line["first_byte_seconds"] <= line["seconds"]


def test_a_problem_s_code_is_logged_and_a_route_is_a_template(in_json: Server) -> None:
    httpx.get(f"{in_json.url}/weights/x.npz", headers={"x-request-id": "two"})
    line = told(in_json, "two")
    assert (line["route"], line["status"], line["problem"]) == ("/weights/{spec}.npz", 400, "invalid-address")
    httpx.get(f"{in_json.url}/no/such%0athing", headers={"x-request-id": "three"})
    assert told(in_json, "three")["route"] == "none"


def test_every_line_of_a_server_in_json_is_json(in_json: Server) -> None:
    lines = [line for line in in_json.logged().splitlines() if not line.startswith(("Playground: ", "Try: "))]
    assert len(lines) >= 4  # of the start alone
    assert all(json.loads(line)["level"] in ("info", "warning", "error") for line in lines)


def test_nothing_of_a_header_or_a_body_is_logged_and_no_key_wherever_it_stands(running: Server) -> None:
    secret = "s3cr3t-of-this-test"
    headers = {"authorization": f"Bearer {secret}", "cookie": secret, "x-api-key": secret, "user-agent": secret}
    key = f"initserve_{secret}-made-by-initserve-keys-new"
    for path in (f"/livez?key={key}", f"/init?include={key}", f"/nowhere/{key}"):
        httpx.get(f"{running.url}{path}", headers=headers)
    httpx.post(f"{running.url}/init", json=SPEC, headers=headers)
    httpx.post(f"{running.url}/init", content=b'{"seed": "' + secret.encode(), headers=headers)
    httpx.get(f"{running.url}/livez", headers=headers | {"x-request-id": "last-of-these"})
    wait_until(lambda: "last-of-these" in running.logged())
    logged = running.logged()
    assert secret not in logged
    assert "in_a_body" not in logged


def test_a_level_above_info_leaves_requests_out() -> None:
    with serving(INITSERVE_LOG_LEVEL="warning", INITSERVE_LOG_FORMAT="logfmt") as server:
        httpx.get(f"{server.url}/livez").raise_for_status()
        assert "livez" not in server.logged()
