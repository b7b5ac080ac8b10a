"""QUERY /init (RFC 10008): POST's answer, for a method that is known to be safe, and says so."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.test_links import ONE, QUERIES
from tests.told import apart


@pytest.mark.parametrize("query", QUERIES)
def test_query_answers_what_post_does(client: httpx.Client, query: str) -> None:
    asked, posted = (client.request(method, f"/init{query}", json=ONE) for method in ("QUERY", "POST"))
    assert asked.status_code == 200
    assert asked.content == posted.content
    own = ("date", "server-timing", "x-request-id")
    told = [{name: value for name, value in each.headers.items() if name not in own} for each in (asked, posted)]
    assert told[0] == told[1]
    assert client.get(asked.headers["content-location"]).content == asked.content


def test_what_query_takes_is_said_where_it_is_asked_and_where_it_is_not(client: httpx.Client) -> None:
    assert client.post("/init", json=ONE).headers["accept-query"] == "application/json"
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        refused = client.request(method, "/init")
        assert refused.status_code == 405
        assert refused.headers["allow"] == "POST, QUERY"
        assert refused.headers["accept-query"] == "application/json"


def test_what_does_not_take_query_does_not_say_so(client: httpx.Client) -> None:
    refused = client.request("QUERY", "/plan", json=ONE)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert "accept-query" not in refused.headers


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 415),  # a QUERY without a type of its content fails
        (b"{}", {"content-type": "application/sql"}, 415),
        (b"{", {"content-type": "application/json"}, 400),
        (b"{}", {"content-type": "application/json"}, 422),
        (b"", {"content-type": "application/json"}, 400),
    ],
)
def test_what_is_wrong_with_a_query_is_what_is_wrong_with_a_post(
    client: httpx.Client, body: bytes, headers: dict[str, str], status: int
) -> None:
    asked, posted = (client.request(method, "/init", content=body, headers=headers) for method in ("QUERY", "POST"))
    assert (asked.status_code, apart(asked)) == (status, apart(posted))


def test_a_body_of_another_type_is_told_which_are_taken(client: httpx.Client) -> None:
    """As RFC 9110 (15.5.16) and RFC 10008 have it."""
    for method, told in (("QUERY", "application/json"), ("POST", None)):
        refused = client.request(method, "/init", content=b"{}", headers={"content-type": "application/sql"})
        assert (refused.status_code, refused.headers["accept"]) == (415, "application/json")
        assert refused.headers.get("accept-query") == told
    refused = client.post("/verify", content=b"x", headers={"content-type": "application/sql"})
    assert "application/octet-stream" in refused.headers["accept"].split(", ")


def test_queries_may_follow_each_other_on_a_connection(server: str) -> None:
    """As bytes, in one go: the parser knows the method, and where each of its bodies ends."""
    body = b'{"seed":1,"layers":[{"type":"dense","shape":[1,1]}]}'
    one = b"QUERY /init HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(
        body
    )
    address = urlsplit(server)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(2 * (one + body) + one.replace(b"host", b"connection: close\r\nhost") + body)
        found = b"".join(iter(lambda: connection.recv(2**16), b""))
    assert found.count(b"HTTP/1.1 200 OK") == 3
    assert found.count(b'"warnings":[]') == 3
