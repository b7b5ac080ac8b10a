"""What is and is not HTTP, byte by byte, on a real server: a problem document for what is not, and then no more."""

import gzip
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.conftest import Server

PATIENCE = 20.0  # seconds: only a fault takes so long
SPEC = b'{"seed": 1, "layers": [{"type": "tensor", "shape": [3]}]}'
ZIPPED = gzip.compress(SPEC)
POST = b"POST /init HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
GET = b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n"


@contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        yield connection


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the next answer, which declares its length."""
    received = bytearray()
    while b"\r\n\r\n" not in received:
        part = connection.recv(2**16)
        assert part, bytes(received[:200])
        received += part
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = dict(one.lower().split(": ", 1) for one in lines)
    while len(body) < int(headers["content-length"]):
        body += connection.recv(2**16)
    return int(line.split()[1]), headers, body


def ends(connection: socket.socket) -> bool:
    """Whether the server has nothing more to say and closes."""
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def header(name: str, length: int) -> bytes:
    """Return a header line of this length in bytes, without its end."""
    return f"{name}: ".encode().ljust(length, b"a")


# name, bytes, status, problem
REFUSED: list[tuple[str, bytes, int, str]] = [
    ("no Host", b"GET /livez HTTP/1.1\r\n\r\n", 400, "malformed-request"),
    ("two Hosts", b"GET /livez HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, "malformed-request"),
    ("two Hosts alike", b"GET /livez HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", 400, "malformed-request"),
    ("two Hosts in HTTP/1.0", b"GET /livez HTTP/1.0\r\nhost: a\r\nhost: b\r\n\r\n", 400, "malformed-request"),
    ("a Host that is none", b"GET /livez HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "malformed-request"),
    ("two hosts in one", b"GET /livez HTTP/1.1\r\nhost: a, b c\r\n\r\n", 400, "malformed-request"),
    ("HTTP/0.9", b"GET /livez\r\n", 505, "http-version"),
    ("HTTP/0.9 by number", b"GET /livez HTTP/0.9\r\nhost: x\r\n\r\n", 505, "http-version"),
    ("HTTP/2.0", b"GET /livez HTTP/2.0\r\nhost: x\r\n\r\n", 505, "http-version"),
    ("HTTP/2's preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http-version"),
    ("HTTP/3", b"GET /livez HTTP/3\r\nhost: x\r\n\r\n", 505, "http-version"),
    ("HTTP/1.2", b"GET /livez HTTP/1.2\r\nhost: x\r\n\r\n", 505, "http-version"),
    ("another protocol", b"GET /livez ICY/1.0\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, "malformed-request"),
    ("no method", b" /livez HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("an unknown method", b"BREW /livez HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("CONNECT", b"CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("CONNECT with a path", b"CONNECT /livez HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("a space in the address", b"GET /li vez HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("a byte beyond ASCII in the address", b"GET /liv\xe9z HTTP/1.1\r\nhost: x\r\n\r\n", 400, "malformed-request"),
    ("a header without a colon", b"GET /livez HTTP/1.1\r\nhost: x\r\nnonsense\r\n\r\n", 400, "malformed-request"),
    ("a header that is folded", b"GET /livez HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n", 400, "malformed-request"),
    ("a space before the colon", b"GET /livez HTTP/1.1\r\nhost : x\r\n\r\n", 400, "malformed-request"),
    ("a NUL", b"GET /livez HTTP/1.1\r\nhost: x\r\na: \0\r\n\r\n", 400, "malformed-request"),
    ("bare line feeds", b"GET /livez HTTP/1.1\nhost: x\n\n", 400, "malformed-request"),
    ("two lengths", POST + b"content-length: 5\r\ncontent-length: 6\r\n\r\n", 400, "malformed-request"),
    ("a length that is none", POST + b"content-length: +5\r\n\r\n", 400, "malformed-request"),
    ("a length beyond 64 bits", POST + b"content-length: 99999999999999999999\r\n\r\n", 400, "malformed-request"),
    ("length and chunks", POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400, "malformed-request"),
    ("chunks in HTTP/1.0", POST.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n\r\n", 400,
     "malformed-request"),
    ("compressed chunks", POST + b"transfer-encoding: gzip, chunked\r\n\r\n", 501, "transfer-encoding"),
    ("compressed chunks, told apart", POST + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n", 501,
     "transfer-encoding"),
    ("another coding", POST + b"transfer-encoding: gzip\r\n\r\n", 501, "transfer-encoding"),
    ("identity", POST + b"transfer-encoding: identity\r\n\r\n", 501, "transfer-encoding"),
    ("a chunk's length that is none", POST + b"transfer-encoding: chunked\r\n\r\nxyz\r\n", 400, "malformed-request"),
    ("chunks that are all framing", POST + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 2**17, 400,
     "malformed-request"),
    ("trailers without end", POST + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n" + header("t", 2**17), 400,
     "malformed-request"),
    ("a long address", b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nhost: x\r\n\r\n", 414, "uri-too-long"),
    ("an address without end", b"GET /" + b"a" * 8200, 414, "uri-too-long"),
    ("a long query without end", b"GET /livez?" + b"a" * 40_000, 414, "uri-too-long"),
    ("a long header", b"GET /livez HTTP/1.1\r\nhost: x\r\n" + header("accept", 8193) + b"\r\n\r\n", 431,
     "headers-too-large"),
    ("a header without end", b"GET /livez HTTP/1.1\r\nhost: x\r\naccept: " + b"a," * 4100, 431, "headers-too-large"),
    ("a name without end", b"GET /livez HTTP/1.1\r\nhost: x\r\n" + b"a" * 8193, 431, "headers-too-large"),
    ("headers that are large together",
     b"GET /livez HTTP/1.1\r\nhost: x\r\n" + b"".join(header(f"x{i}", 8000) + b"\r\n" for i in range(9)), 431,
     "headers-too-large"),
    ("many headers", b"GET /livez HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 200, 431, "headers-too-large"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "status", "code"), REFUSED, ids=[row[0] for row in REFUSED])
def test_what_is_not_http_gets_a_problem_document_and_the_connection_ends(
    running: Server, name: str, sent: bytes, status: int, code: str
) -> None:
    with connected(running) as connection:
        connection.sendall(sent)
        found, headers, body = read_answer(connection)
        problem = json.loads(body)
        assert (found, problem["type"], problem["status"]) == (status, f"/problems/{code}", status)
        assert headers["content-type"] == "application/problem+json"
        assert headers["connection"] == "close"
        assert problem["detail"]
        assert ends(connection)
    page = httpx.get(running.url + problem["type"]).json()
    assert (page["status"], page["title"]) == (status, problem["title"])


ANSWERED: list[tuple[str, bytes, int]] = [
    ("HTTP/1.0 without Host", b"GET /livez HTTP/1.0\r\n\r\n", 200),
    ("an empty Host", b"GET /livez HTTP/1.1\r\nhost:\r\n\r\n", 200),
    ("an address of six parts", b"GET /livez HTTP/1.1\r\nhost: [::1]:8000\r\n\r\n", 200),
    ("an absolute address", b"GET http://example.org/livez HTTP/1.1\r\nhost: example.org\r\n\r\n", 200),
    ("empty lines before", b"\r\n\r\n" + GET, 200),
    ("an upgrade that is not followed",
     b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n", 200),
    ("the longest header", b"GET /livez HTTP/1.1\r\nhost: x\r\n" + header("x", 8191) + b"\r\n\r\n", 200),
    ("the longest request line", b"GET /livez?" + b"a" * (8191 - 20) + b" HTTP/1.1\r\nhost: x\r\n\r\n", 200),
    ("as many headers as may be", b"GET /livez HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 127 + b"\r\n", 200),
    ("a body in chunks",
     POST + b"transfer-encoding: Chunked\r\n\r\n%x;why=not\r\n%s\r\n0\r\ntrailer: t\r\n\r\n" % (len(SPEC), SPEC), 200),
    ("a body after an upgrade",
     POST + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: %d\r\n\r\n%s" % (len(SPEC), SPEC), 200),
    ("a body that is as it is",
     POST + b"content-encoding: identity\r\ncontent-length: %d\r\n\r\n%s" % (len(SPEC), SPEC), 200),
    ("a body that is compressed",
     POST + b"content-encoding: GZIP\r\ncontent-length: %d\r\n\r\n%s" % (len(ZIPPED), ZIPPED), 200),
    ("a body that is compressed by an old name",
     POST + b"content-encoding: x-gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(ZIPPED), ZIPPED), 200),
    ("a body that is not compressed as it is said to be",
     POST + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(SPEC), SPEC), 400),
    ("a body that is compressed twice",
     POST + b"content-encoding: gzip, gzip\r\ncontent-length: %d\r\n\r\n%s" % (len(ZIPPED), ZIPPED), 415),
    ("a body that is compressed, told in a second header",
     POST + b"content-encoding: identity\r\ncontent-encoding: br\r\ncontent-length: 2\r\n\r\n{}", 415),
    ("a body of two types",
     POST + b"content-type: text/plain\r\ncontent-length: %d\r\n\r\n%s" % (len(SPEC), SPEC), 415),
]  # fmt: skip


@pytest.mark.parametrize(("name", "sent", "status"), ANSWERED, ids=[row[0] for row in ANSWERED])
@pytest.mark.parametrize("step", [1, 7, 10_000], ids=["byte by byte", "seven bytes at a time", "at once"])
def test_what_is_http_is_answered_however_it_comes(
    running: Server, name: str, sent: bytes, status: int, step: int
) -> None:
    if step < len(sent) // 1000:
        pytest.skip("thousands of packets show nothing more")
    with connected(running) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), step):
            connection.sendall(sent[start : start + step])
        assert read_answer(connection)[0] == status


def test_what_a_coding_would_have_to_be_is_said(client: httpx.Client) -> None:
    headers = {"content-type": "application/json", "content-encoding": "br"}
    answer = client.post("/init", content=SPEC, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/problems/unsupported-media-type")
    assert answer.headers["accept-encoding"] == "gzip, identity"


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (gzip.compress(b" " * 2**25), 413, "inflates to more than"),
        (ZIPPED[:-1], 400, "ends before"),
        (ZIPPED + b"x", 400, "something follows"),
        (ZIPPED + ZIPPED, 400, "something follows"),
        (b"", 400, "ends before"),
        (gzip.compress(b""), 400, "empty"),
    ],
    ids=["too long", "cut", "and more", "twice", "nothing", "empty"],  # the bytes say when they were made
)
def test_what_is_compressed_is_all_there_and_no_more_than_may_be(
    body: bytes, status: int, words: str, client: httpx.Client
) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = client.post("/plan", content=body, headers=headers)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"content-length: %d\r\n\r\n%s" % (len(SPEC), SPEC),
        b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SPEC), SPEC),
        b"transfer-encoding: chunked\r\n\r\n5\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (SPEC[:5], len(SPEC) - 5, SPEC[5:]),
    ],
    ids=["with its length", "in a chunk", "in two chunks"],
)
@pytest.mark.parametrize("step", [1, 3, 10_000])
def test_requests_sent_ahead_are_answered_in_order(running: Server, body: bytes, step: int) -> None:
    sent = (POST + body + GET) * 5
    with connected(running) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(sent), step):
            connection.sendall(sent[start : start + step])
        connection.sendall(b"GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        received = b""
        while part := connection.recv(2**16):
            received += part
    assert received.count(b"HTTP/1.1 200") == 10
    assert received.count(b"HTTP/1.1 404") == 1
    assert received.count(b'"sha256"') == received.count(b'"alive"') == 5
    assert received.rindex(b"HTTP/1.1 200") < received.index(b"HTTP/1.1 404")


def test_a_redirection_does_not_follow_the_host_that_a_client_names(client: httpx.Client) -> None:
    docs = ["/docs", "/docs/", "/docs/x", "/docs/x/%2E%2E", "/docs/%2E"]
    for path in (*docs, "/schemes/", "/schemes/he_normal/", "/problems/", "/init/"):
        answer = client.get(path, headers={"host": "evil.example"})
        assert "evil" not in answer.headers.get("location", "")
    assert client.get("/docs").headers["location"] == "docs/"
    assert client.get("/docs", follow_redirects=True).status_code == 200
