"""What every answer says to browsers, also those that never became one: nothing runs, nothing is framed or guessed."""

import re
import socket
from pathlib import Path

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from service.api.app import create_app
from service.settings import Settings
from tests.conftest import Server, free_port, serving

ROUTES = [route for route in create_app(Settings()).routes if isinstance(route, Route)]
SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [2, 2]}]}
NOWHERE = "evil.example"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PAGES = Path(__file__).parents[3] / "service/pages"


def guarded(headers: httpx.Headers) -> bool:
    """Whether an answer has every guard, once, and a policy that lets nothing run that is not a file of its own."""
    each_once = all(headers.get_list(name) == [value] for name, value in EVERYWHERE.items())
    policies = headers.get_list("content-security-policy")
    if not each_once or len(policies) != 1:
        return False
    told = dict(part.strip().split(" ", 1) for part in policies[0].split(";"))
    fetched = {value for name, value in told.items() if name not in ("style-src", "img-src")}
    return (
        told["default-src"] == told["base-uri"] == told["form-action"] == told["frame-ancestors"] == "'none'"
        and fetched <= {"'none'", "'self'"}
        and ("unsafe" not in policies[0] or headers["content-type"].startswith("image/svg+xml"))
    )


def asked_of(client: httpx.Client, **headers: str) -> list[httpx.Response]:
    """Return an answer of every route and method, most of them refusals, and of some that are none."""
    found = []
    for route in ROUTES:
        address = re.sub(r"\{[^}]*\}", "x", route.path)
        found += [client.request(method, address, headers=headers) for method in sorted(route.methods or ())]
    links = client.post("/plan", json=SPEC, headers=headers).json()["links"]
    found += [client.get(address, headers=headers) for address in links.values()]
    found += [client.post(f"/{way}", json=SPEC, headers=headers) for way in ("init", "plan", "diagnose")]
    found += [client.get(links["npz"], headers={**headers, "range": "bytes=0-9"})]
    found += [client.get(links["npz"], headers={**headers, "if-none-match": "*"})]
    found += [client.get("/api/models/init/gpt2-small/tree/main", headers=headers)]
    found += [
        client.request(method, path, headers=headers) for method in ("PUT", "OPTIONS") for path in ("/init", "/none")
    ]
    return found


@pytest.fixture(scope="module")
def answers(client: httpx.Client) -> list[httpx.Response]:
    return asked_of(client)


def test_every_answer_has_every_guard(answers: list[httpx.Response]) -> None:
    assert {each.status_code for each in answers} >= {200, 206, 304, 307, 400, 404, 405, 415, 422}
    assert [(each.request.method, each.url.path) for each in answers if not guarded(each.headers)] == []


def test_an_api_route_is_asked_for_each_kind_of_answer() -> None:
    assert len([route for route in ROUTES if isinstance(route, APIRoute)]) > 40


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n" % (b"a" * 9000), b"GET / HTTP/1.1\r\n\r\n",
     b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n",
     b"POST /init HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"],
    ids=["no HTTP", "long", "hostless", "version", "header", "coding"],
)  # fmt: skip
def test_what_is_no_request_is_answered_with_every_guard_too(running: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        connection.sendall(sent)
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
    lines = head.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert int(lines[0].split()[1]) >= 400
    assert guarded(httpx.Headers([tuple(line.split(b": ", 1)) for line in lines[1:]]))  # type: ignore[arg-type]


def test_pages_have_no_code_and_no_style_in_their_elements() -> None:
    for page in PAGES.rglob("*.html"):
        text = page.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", text), page


def test_no_answer_repeats_a_host_that_nobody_configured(client: httpx.Client) -> None:
    told = {
        "host": NOWHERE, "x-forwarded-host": NOWHERE, "x-forwarded-proto": "https", "x-original-url": f"//{NOWHERE}/",
        "forwarded": f"for=1.2.3.4;host={NOWHERE};proto=https", "x-forwarded-prefix": f"//{NOWHERE}",
        "referer": f"http://{NOWHERE}/",
    }  # fmt: skip
    for found in asked_of(client, **told):
        assert NOWHERE not in str(found.headers), found.url
        assert NOWHERE.encode() not in found.content, found.url
        for name in ("location", "content-location"):
            assert not re.match(r"[a-z]+:|//", found.headers.get(name, "")), found.url


def test_no_redirect_leads_to_another_host_by_the_way_its_address_is_written(client: httpx.Client) -> None:
    for address in (f"//{NOWHERE}/docs", f"//{NOWHERE}//docs", f"/docs/..//{NOWHERE}", f"/\\{NOWHERE}/docs", "//docs"):
        location = client.get(httpx.URL(str(client.base_url).rstrip("/") + address)).headers.get("location", "docs/")
        assert location == "docs/", address


def test_operators_have_metrics_and_docs_on_a_port_of_their_own_where_they_ask_for_one() -> None:
    port = free_port()
    closed = {"INITSERVE_OPERATIONS_PORT": str(port), "INITSERVE_OPEN_SCOPES": "weights"}
    with serving(**closed) as server, httpx.Client() as client:
        own = f"http://127.0.0.1:{port}"
        for path in ("/metrics", "/docs", "/docs/", "/docs/start.js", "/openapi.json", "/openapi-3.1.json"):
            hidden, shown = client.get(server.url + path), client.get(own + path)
            assert hidden.status_code == 404, path
            assert shown.status_code in (200, 307), path
            assert guarded(hidden.headers), path
        for url in (server.url, own):
            assert client.get(f"{url}/livez").status_code == client.get(f"{url}/readyz").status_code == 200
            assert client.post(f"{url}/init", json=SPEC).status_code == 200  # what the page of the docs tries out
            assert client.post(f"{url}/train", json={}).status_code == 403
        told = {"host": f"127.0.0.1:{port}", "x-forwarded-port": str(port)}
        assert client.get(f"{server.url}/metrics", headers=told).status_code == 404


def test_a_304_guards_as_the_answer_did_that_it_stands_for(client: httpx.Client) -> None:
    """Browsers take over its headers: a page that was asked about again would else be blocked with its own files."""
    links = client.post("/plan", json=SPEC).json()["links"]
    for address in ("/", "/docs/", "/main.js", "/schemes", "/openapi.json", links["svg"], links["json"], links["npz"]):
        first = client.get(address)
        again = client.get(address, headers={"if-none-match": first.headers["etag"]})
        assert again.status_code == 304, address
        for name in ("content-security-policy", *EVERYWHERE):
            assert again.headers[name] == first.headers[name], address
