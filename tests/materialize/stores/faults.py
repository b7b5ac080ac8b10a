"""A proxy before a store that fails as stores, their front ends and networks do, at times or always."""

import random
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import urlsplit

Fault = Literal["500", "503", "429", "cut on the way up", "cut on the way down", "answer lost", "slow", "mute"]
CODES = {"500": "InternalError", "503": "SlowDown", "429": "TooManyRequests"}
CHUNK = 2**16
SLOW = 0.3  # seconds

Choose = Callable[[str, str], Fault | None]  # by method and path: what becomes of a request


def never(method: str, path: str) -> Fault | None:
    return None


def at_times(share: float, seed: int, *faults: Fault) -> Choose:
    """Return what gives this share of all requests one of these faults, by chance."""
    chance, lock = random.Random(seed), threading.Lock()

    def choose(method: str, path: str) -> Fault | None:
        with lock:
            return chance.choice(faults) if chance.random() < share else None

    return choose


def once(fault: Fault, method: str, part: str) -> Choose:
    """Return what gives the first request of a method, whose path has this part, a fault."""
    left, lock = [1], threading.Lock()

    def choose(asked: str, path: str) -> Fault | None:
        with lock:
            if left[0] and asked == method and part in path:
                left[0] -= 1
                return fault
            return None

    return choose


class Faulty(ThreadingHTTPServer):
    """Passes requests on to a store, but for those that `choose` has a fault for; counts both."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.store = urlsplit(store).netloc
        self.choose: Choose = never
        self.met: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        self.closing = threading.Event()

    def handle_error(self, request: Any, address: Any) -> None:
        """Say nothing: that connections break is the purpose."""


class Handler(BaseHTTPRequestHandler):
    server: Faulty
    protocol_version = "HTTP/1.1"
    timeout = 60

    def pass_on(self) -> None:
        fault = self.server.choose(self.command, self.path)
        self.server.met[fault or "none"] += 1
        length = int(self.headers.get("Content-Length", 0))
        if fault == "mute":
            self.server.closing.wait(60)
            self.cut()
        elif fault == "cut on the way up":
            self.rfile.read(length // 2)
            self.cut()
        elif fault in CODES:
            self.rfile.read(length)
            self.answer(int(fault), f"<Error><Code>{CODES[fault]}</Code></Error>".encode(), {})
        else:
            if fault == "slow":
                self.server.closing.wait(SLOW)
            status, headers, body = self.asked_of_the_store(length)
            self.server.passed[self.command] += 1
            if fault == "answer lost":
                self.cut()
            elif fault == "cut on the way down":
                self.answer(status, body, headers, len(body) // 2)
                self.cut()
            else:
                self.answer(status, body, headers)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = pass_on  # noqa: N815 - the library's names

    def asked_of_the_store(self, length: int) -> tuple[int, dict[str, str], bytes]:
        store = HTTPConnection(self.server.store, timeout=60)
        try:
            body = self.rfile.read(length)
            store.request(self.command, self.path, body, dict(self.headers))
            answer = store.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        except (OSError, HTTPException):
            return 502, {}, b""
        finally:
            store.close()

    def answer(self, status: int, body: bytes, headers: dict[str, str], sent: int | None = None) -> None:
        """Send an answer, or so many bytes of its body."""
        kept = {
            name: value for name, value in headers.items() if name.lower() not in ("connection", "transfer-encoding")
        }
        if self.command != "HEAD":
            kept = {name: value for name, value in kept.items() if name.lower() != "content-length"}
            kept["Content-Length"] = str(len(body))
        self.send_response_only(status)
        for name, value in kept.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:sent])
        self.wfile.flush()

    def cut(self) -> None:
        """End the connection as a machine does that is gone."""
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.shutdown(socket.SHUT_RDWR)
            self.connection.close()

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing."""


@contextmanager
def faulty(store: str) -> Iterator[Faulty]:
    with Faulty(store) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.closing.set()
            proxy.shutdown()
            thread.join(10)
