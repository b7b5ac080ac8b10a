"""A server that is told to stop while it sends: what it says, what goes on, what is cut and how that shows."""

import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.conftest import Server, serving

MIB = 2**20
PATIENCE = 20.0  # seconds: only a fault takes so long
JSON = {"content-type": "application/json"}
# 32 GiB, so that a stream of it is under way for as long as a test takes.
HUGE = {"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [2**17, 2**16], "scheme": "random_uniform"}]}
SMALL = {"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [3, 3], "scheme": "random_uniform"}]}


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def request(body: object, more: str = "") -> bytes:
    content = json.dumps(body).encode()
    head = f"POST /init?format=safetensors HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n{more}"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


@contextmanager
def stream(server: Server, body: object = HUGE) -> Iterator[socket.socket]:
    """Have an answer under way that is read no further than its first bytes."""
    with connect(server) as connection:
        connection.sendall(request(body))
        assert connection.recv(12) == b"HTTP/1.1 200"
        yield connection


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the connection ends, in whatever way."""
    found = bytearray()
    try:
        while part := connection.recv(MIB):
            found += part
    except ConnectionError:
        pass
    return bytes(found)


def answer(connection: socket.socket, message: bytes) -> bytes:
    """Send a request on a connection that stays open; return the head of its answer."""
    connection.sendall(message)
    found = b""
    while b"\r\n\r\n" not in found:
        part = connection.recv(65536)
        assert part
        found += part
    head, _, body = found.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    assert length is not None
    missing = int(length[1]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(missing))
    return head


def status(server: Server, path: str) -> int:
    return httpx.get(server.url + path).status_code


def test_sigterm_in_mid_stream_readyz_says_503_at_once_livez_goes_on_and_the_stream_is_cut_at_its_deadline() -> None:
    with serving(INITSERVE_SHUTDOWN_SECONDS="2") as server, stream(server) as reader:
        assert (status(server, "/readyz"), status(server, "/livez")) == (200, 200)
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        told = httpx.get(f"{server.url}/readyz")
        assert time.monotonic() - began < 1.0
        assert (told.status_code, told.json()["status"]) == (503, "draining")
        while time.monotonic() - began < 1.0:
            assert (status(server, "/livez"), status(server, "/readyz"), status(server, "/metrics")) == (200, 503, 200)
            time.sleep(0.05)
        found = rest(reader)
        assert 1.5 < time.monotonic() - began < 10.0
        assert len(found) < 2**35
        assert server.process.wait(PATIENCE) == -signal.SIGTERM


def test_requests_that_come_after_sigterm_are_answered_while_it_drains_and_then_get_503_with_retry_after() -> None:
    with (
        serving(INITSERVE_SHUTDOWN_SECONDS="4", INITSERVE_DRAIN_SECONDS="1.5") as server,
        stream(server),
        connect(server) as kept,
        connect(server) as idle,
    ):
        assert b"connection: close" not in answer(kept, request(SMALL))
        answer(idle, request(SMALL))
        began = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        while status(server, "/readyz") == 200:
            assert time.monotonic() - began < 1.0
        fresh = httpx.post(f"{server.url}/init", json=SMALL)
        assert (fresh.status_code, fresh.headers["connection"]) == (200, "close")
        head = answer(kept, request(SMALL))
        assert head.startswith(b"HTTP/1.1 200")
        assert b"connection: close" in head
        assert rest(kept) == b""
        time.sleep(max(0.0, began + 2.0 - time.monotonic()))
        late = httpx.post(f"{server.url}/init", json=SMALL)
        assert (late.status_code, late.json()["type"], late.headers["retry-after"]) == (503, "/problems/busy", "1")
        assert late.headers["connection"] == "close"
        assert answer(idle, request(SMALL)).startswith(b"HTTP/1.1 503")
        assert (status(server, "/livez"), status(server, "/readyz")) == (200, 503)


def test_an_answer_that_ends_before_the_deadline_is_whole_and_the_server_ends_with_it() -> None:
    body = {"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [2**12, 2**12], "scheme": "random_uniform"}]}
    with serving() as server, stream(server, body) as reader:
        server.process.send_signal(signal.SIGTERM)
        while status(server, "/readyz") == 200:
            time.sleep(0.02)
        head, _, content = rest(reader).partition(b"\r\n\r\n")
        assert int(re.search(rb"content-length: (\d+)", head)[1]) == len(content) > 4 * 2**24  # type: ignore[index]
        assert server.process.wait(PATIENCE) == -signal.SIGTERM


def test_what_has_no_answer_yet_at_the_deadline_gets_503_and_nobody_gets_500() -> None:
    with serving(INITSERVE_SHUTDOWN_SECONDS="1") as server, connect(server) as half:
        half.sendall(request(SMALL)[:-5])  # the rest never comes
        while httpx.get(f"{server.url}/metrics").status_code != 200:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        found = rest(half)
        assert found.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in found
        assert json.loads(found.partition(b"\r\n\r\n")[2])["type"] == "/problems/busy"
        assert server.process.wait(PATIENCE) == -signal.SIGTERM
        assert "Traceback" not in server.logged()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_server_with_nothing_to_do_ends_at_once_though_clients_are_connected(how: signal.Signals) -> None:
    """Ctrl-C does not wait for load balancers."""
    drain = "0" if how == signal.SIGTERM else "15"
    with serving(INITSERVE_DRAIN_SECONDS=drain) as server, connect(server) as kept, connect(server):
        answer(kept, request(SMALL))
        began = time.monotonic()
        server.process.send_signal(how)
        assert server.process.wait(PATIENCE) == (-signal.SIGTERM if how == signal.SIGTERM else 0)
        assert time.monotonic() - began < 5.0
        assert rest(kept) == b""
        assert "Traceback" not in server.logged()
