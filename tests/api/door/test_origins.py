"""Pages of other origins: they may read nothing, unless their origin is listed; and never with anybody's cookies."""

import socket
from collections.abc import Iterator

import httpx
import pytest

from service.api.door.origins import Origins, origins_in
from tests.conftest import serving

OURS, OTHERS = "https://lab.example", "https://evil.example"
SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [2, 2]}]}
ASKED = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}


def told(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith(("access-control", "timing-allow"))}


@pytest.fixture(scope="module")
def listed() -> Iterator[httpx.Client]:
    with (
        serving(
            INITSERVE_CORS_ORIGINS=f"{OURS}, http://localhost:3000", INITSERVE_OPEN_SCOPES="read,weights"
        ) as server,
        httpx.Client(base_url=server.url) as client,
    ):
        yield client


def test_no_page_of_another_origin_may_read_anything_unless_that_is_said(client: httpx.Client) -> None:
    for origin in (OURS, str(client.base_url).rstrip("/"), "null"):
        found = client.post("/init", json=SPEC, headers={"origin": origin})
        assert found.status_code == 200
        assert not told(found)
        asked = client.options("/init", headers={"origin": origin, **ASKED})
        assert asked.status_code == 405
        assert not told(asked)


def test_pages_of_a_listed_origin_may_read_answers_and_refusals(listed: httpx.Client) -> None:
    for method, path, status in (
        ("POST", "/init", 200), ("POST", "/plan", 200), ("GET", "/schemes", 200), ("POST", "/train", 403),
        ("GET", "/nothing", 404), ("PUT", "/init", 405),
    ):  # fmt: skip
        found = listed.request(method, path, json=SPEC if method == "POST" else None, headers={"origin": OURS})
        assert found.status_code == status
        assert found.headers["access-control-allow-origin"] == OURS
        assert found.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "origin" in found.headers.get_list("vary", split_commas=True)
        assert "access-control-allow-credentials" not in found.headers
        read = {name.strip() for name in found.headers["access-control-expose-headers"].split(",")}
        assert {"etag", "content-range", "content-location", "retry-after", "repr-digest", "x-request-id"} <= read


@pytest.mark.parametrize(
    "origin",
    [OTHERS, "https://lab.example.evil.example", "http://lab.example", "https://lab.example:8443", "null", "",
     "https://LAB.example", "https://lab.example/", f"{OURS}, {OTHERS}"],
)  # fmt: skip
def test_pages_of_other_origins_may_not_and_caches_are_told_that_it_differs(listed: httpx.Client, origin: str) -> None:
    found = listed.post("/init", json=SPEC, headers={"origin": origin})
    assert found.status_code == 200  # it is no secret: what keeps it from a page is its browser
    assert not told(found)
    assert "origin" in found.headers.get_list("vary", split_commas=True)
    assert listed.options("/init", headers={"origin": origin, **ASKED}).status_code == 405


def test_a_browser_that_asks_beforehand_is_told_what_it_may_send(listed: httpx.Client) -> None:
    found = listed.options(
        "/train", headers={"origin": OURS, **ASKED}
    )  # asked without a key, which it may not send yet
    assert found.status_code == 204
    assert found.content == b""
    assert found.headers["access-control-allow-origin"] == OURS
    assert {"POST", "QUERY"} <= set(found.headers["access-control-allow-methods"].split(", "))
    sent = set(found.headers["access-control-allow-headers"].split(", "))
    assert {"authorization", "content-type", "range", "if-range", "want-repr-digest"} <= sent
    assert found.headers["x-content-type-options"] == "nosniff"
    assert listed.options("/init", headers={"origin": OURS}).status_code == 405  # that is no asking beforehand


def test_any_origin_is_said_by_a_star() -> None:
    came = [(b"origin", OTHERS.encode())]
    assert dict(Origins("*").of(came))[b"access-control-allow-origin"] == b"*"
    assert Origins("").of(came) == []


def test_what_is_refused_before_it_is_a_request_is_told_to_a_page_of_a_listed_origin(listed: httpx.Client) -> None:
    sent = f"POST /init HTTP/1.1\r\nHost: x\r\nOrigin: {OURS}\r\nTransfer-Encoding: gzip\r\n\r\n"
    with socket.create_connection(("127.0.0.1", listed.base_url.port or 0), timeout=10) as connection:
        connection.sendall(sent.encode())
        head = connection.makefile("rb").read().partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("http/1.1 501 ")
    assert f"\r\naccess-control-allow-origin: {OURS}\r\n" in head
    assert "\r\nvary: origin\r\n" in head


@pytest.mark.parametrize("text", ["lab.example", "https://lab.example/", "https://*.example", "https://a b", "null"])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        origins_in(text)
