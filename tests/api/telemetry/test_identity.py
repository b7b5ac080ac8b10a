"""Every answer says what its request is called, and nobody can call one what a log or a page would stumble over."""

import json
import re
import socket

import httpx
import pytest

from service.api.telemetry.identity import identify, trace_of
from tests.api.test_flow import wait_until
from tests.conftest import Server

MADE = re.compile(r"[0-9a-f]{32}")
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"  # of W3C's own example
SPEC = {"seed": 1, "layers": [{"type": "dense", "shape": [3, 2]}]}
LARGE = {"seed": 1, "layers": [{"type": "dense", "shape": [2000, 2000]}]}


@pytest.mark.parametrize(
    "header",
    [
        f"00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-00",
        f"00-{TRACE}-{PARENT}-ff",  # flags that nobody knows yet are passed over
        f"cc-{TRACE}-{PARENT}-01",  # a later version, read as the first
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
    ],
)
def test_a_traceparent_is_read_as_the_recommendation_has_it(header: str) -> None:
    assert trace_of(header.encode()) == (TRACE, PARENT)


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"ff-{TRACE}-{PARENT}-01",  # no version
        f"00-{TRACE}-{PARENT}-01-what-the-future-will-be-like",  # more than the first version has
        f"00-{TRACE}-{PARENT}-01-",
        f"cc-{TRACE}-{PARENT}-01.what",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"00-{TRACE[:-1]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}0-01",
        f"00-{TRACE}-{PARENT}",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-.1",
        f"00-{TRACE[:-1]}.-{PARENT}-01",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
    ],
)
def test_what_is_no_traceparent_is_as_good_as_none(header: str) -> None:
    assert trace_of(header.encode()) == ("", "")


def test_two_traceparents_are_none() -> None:
    header = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    assert identify([header]).trace_id == TRACE
    assert identify([header, header]).trace_id == ""


def test_a_trace_is_begun_where_requests_are_traced_and_the_client_s_goes_on() -> None:
    begun = identify([], traced=True)
    assert MADE.fullmatch(begun.trace_id)
    assert begun.parent_id == ""
    assert identify([(b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())], traced=True)[1:] == (TRACE, PARENT)


@pytest.mark.parametrize("called", ["a", "7b1c", "job:12/step=3", "A-b_c.d~e+f@g", "x" * 128])
def test_a_client_calls_its_request_as_it_likes(client: httpx.Client, called: str) -> None:
    assert client.get("/livez", headers={"x-request-id": called}).headers["x-request-id"] == called


@pytest.mark.parametrize(
    "called", ["", "x" * 129, "a b", "a\tb", 'a"b', "a,b", "a;b", "é", "<b>", "a%0ab", "$(x)", "{}"]
)
def test_an_id_that_cannot_be_used_is_replaced(client: httpx.Client, called: str) -> None:
    answer = client.get("/livez", headers={b"x-request-id": called.encode()})
    assert MADE.fullmatch(answer.headers["x-request-id"])


def test_an_id_given_twice_is_replaced_and_no_two_are_made_alike(client: httpx.Client) -> None:
    twice = [("x-request-id", "a"), ("x-request-id", "b")]
    made = [client.get("/livez", headers=headers).headers["x-request-id"] for headers in (twice, [], [])]
    assert all(MADE.fullmatch(each) for each in made)
    assert len(set(made)) == 3


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/livez", None),
        ("GET", "/", None),
        ("GET", "/metrics", None),
        ("GET", "/openapi.json", None),
        ("HEAD", "/livez", None),
        ("GET", "/nowhere", None),
        ("PUT", "/init", None),
        ("POST", "/init", SPEC),
        ("POST", "/init?format=npz", LARGE),
        ("POST", "/init", {}),
        ("POST", "/diagnose", SPEC),
    ],
)
def test_every_answer_says_what_its_request_is_called_and_problems_say_it_too(
    client: httpx.Client, method: str, path: str, body: object
) -> None:
    traced = {"x-request-id": "called-so", "traceparent": f"00-{TRACE}-{PARENT}-01"}
    answer = client.request(method, path, json=body, headers=traced)
    assert answer.headers.get_list("x-request-id") == ["called-so"]
    if answer.is_error:
        problem = answer.json()
        assert (problem["request_id"], problem["trace_id"]) == ("called-so", TRACE)


def test_what_is_not_changed_says_so_of_this_request(client: httpx.Client) -> None:
    address = client.post("/init", json=SPEC).headers["content-location"]
    etag = client.get(address).headers["etag"]
    again = client.get(address, headers={"if-none-match": etag, "x-request-id": "again"})
    assert (again.status_code, again.headers["x-request-id"]) == (304, "again")


def raw(server: Server, text: bytes) -> tuple[dict[str, str], dict[str, str]]:
    """Return the headers of the answer to what may be no request, and its problem."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10.0) as connection:
        connection.sendall(text)
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    problem: dict[str, str] = json.loads(body)
    return headers, problem


def test_what_never_becomes_a_request_has_an_id_too(running: Server) -> None:
    long = b"x: " + b"a" * 9000
    headers, problem = raw(running, b"GET / HTTP/1.1\r\nhost: x\r\n" + long + b"\r\n\r\n")
    assert MADE.fullmatch(headers["x-request-id"])
    assert problem["request_id"] == headers["x-request-id"]
    wait_until(lambda: headers["x-request-id"] in running.logged())


def test_a_refused_head_is_called_as_it_says_and_not_as_the_request_before_it(running: Server) -> None:
    first = b"GET /livez HTTP/1.1\r\nhost: x\r\nx-request-id: first\r\n\r\n"
    wrong = b"GET /livez HTTP/1.1\r\nhost: x\r\nx-request-id: wrong\r\nhost: y\r\n\r\n"
    headers, problem = raw(running, wrong)
    assert (problem["type"], problem["request_id"]) == ("/problems/malformed-request", "wrong")
    assert headers["x-request-id"] == "wrong"
    with socket.create_connection(("127.0.0.1", running.port), timeout=10.0) as connection:
        connection.sendall(first)
        assert b"x-request-id: first" in connection.recv(65536)
        connection.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * 9000 + b"\r\n\r\n")
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert b"x-request-id: " in answer
    assert b"first" not in answer
