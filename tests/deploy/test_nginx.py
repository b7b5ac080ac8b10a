"""deploy/nginx/nginx.conf, run by nginx in front of a replica that is a script: who came, and what strangers may do."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.listening import Listening
from tests.nginx import deployed, needs_nginx

pytestmark = needs_nginx
MOST = 128  # connections of one address
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Replica(Listening):
    """Answers every request with ok and keeps its head; /held only once it is let go."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.let_go = threading.Event()
        super().__init__()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.answer, args=(connection,), daemon=True).start()

    def answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(60.0)
            head = b""
            while b"\r\n\r\n" not in head:
                part = connection.recv(65536)
                if not part:
                    return
                head += part
            self.heads.append(head.decode("latin-1"))
            if b"/held" in head.split(b"\r\n")[0]:
                self.let_go.wait(60.0)
            connection.sendall(ANSWER)


@pytest.fixture(scope="module")
def replica() -> Iterator[Replica]:
    found = Replica()
    yield found
    found.let_go.set()
    found.close()


@pytest.fixture(scope="module")
def edge(replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of nginx with the deployed files, but for where it listens, writes and passes on to."""
    with deployed("nginx.conf", tmp_path_factory.mktemp("edge"), replica.url.removeprefix("http://")) as url:
        yield url


def headers_of(head: str) -> dict[str, str]:
    lines = [line.partition(":") for line in head.split("\r\n")[1:] if line]
    return {name.lower(): value.strip() for name, _, value in lines}


def test_who_came_is_passed_on_and_not_who_they_say_they_come_from(replica: Replica, edge: str) -> None:
    said = {"x-forwarded-for": "192.0.2.1", "forwarded": "for=192.0.2.1", "host": "weights.test"}
    assert httpx.get(f"{edge}/livez", headers=said, trust_env=False).text == "ok"
    passed = headers_of(replica.heads[-1])
    assert passed["x-forwarded-for"] == "127.0.0.1"
    assert "forwarded" not in passed
    assert passed["host"] == "weights.test"


@pytest.mark.parametrize("path", ["/metrics", "/metrics?a=1", "//metrics", "/./metrics", "/%6detrics", "/a/../metrics"])
def test_metrics_are_not_for_strangers(replica: Replica, edge: str, path: str) -> None:
    asked = len(replica.heads)
    with socket.create_connection(("127.0.0.1", int(edge.rsplit(":", 1)[1])), timeout=10.0) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert len(replica.heads) == asked


def test_one_address_has_so_many_connections_and_the_rest_are_told_when_to_come_again(
    replica: Replica, edge: str
) -> None:
    port = int(edge.rsplit(":", 1)[1])
    with ExitStack() as stack:
        try:
            for _ in range(MOST):
                held = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10.0))
                held.sendall(b"GET /held HTTP/1.1\r\nhost: a\r\n\r\n")
            deadline = time.monotonic() + 30.0
            while sum("/held" in head for head in replica.heads) < MOST and time.monotonic() < deadline:
                time.sleep(0.02)
            refused = httpx.get(f"{edge}/livez", trust_env=False)
        finally:
            replica.let_go.set()
    problem(refused, 429)
    deadline = time.monotonic() + 30.0
    while httpx.get(f"{edge}/livez", trust_env=False).status_code != 200:
        assert time.monotonic() < deadline, "who was refused is let in again"
        time.sleep(0.05)


def test_where_no_replica_answers_that_is_a_problem_document_too(replica: Replica, edge: str) -> None:
    replica.listener.shutdown(socket.SHUT_RDWR)  # the last test that needs it
    replica.listener.close()
    problem(httpx.post(f"{edge}/init", content=b"{}", trust_env=False), 503)


def problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["retry-after"]) > 0
    document = json.loads(answer.content)
    assert document["status"] == status
    assert {"type", "title", "detail"} <= document.keys()
    # It says neither which server it is, nor of what version.
    assert not any(character.isdigit() for character in answer.headers["server"])


def test_compose_and_the_cache_are_configured_by_what_is_here() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    for name in ("nginx.conf", "edge.conf"):
        assert f"./deploy/nginx/{name}:/etc/nginx/{name}:ro" in compose
        assert Path(ROOT, "deploy/nginx", name).is_file()
