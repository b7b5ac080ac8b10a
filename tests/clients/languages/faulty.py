"""A way to a server on which things go wrong, as they do: answers break off, change, or say that it is busy."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

PASSED = ("content-type", "accept", "range", "if-range", "want-repr-digest")
RETURNED = ("content-type", "content-range", "etag", "repr-digest", "accept-ranges")


@dataclass
class Faults:
    """What goes wrong: how much of an answer to GET comes through, how often; what becomes of bodies and ranges."""

    cut: int | None = None
    cuts: int = 1
    busy: int = 0
    forgets: bool = False  # a range is answered with another file, whole
    change: Callable[[bytes], bytes] = lambda body: body
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)  # path and headers of each GET


@contextmanager
def faulty(server: str, faults: Faults) -> Iterator[str]:
    """Put these faults before a server; yield the address."""

    class Way(BaseHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

        def do_POST(self) -> None:
            self.pass_on(self.rfile.read(int(self.headers["content-length"])))

        def do_GET(self) -> None:
            faults.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            self.pass_on(None)

        def pass_on(self, body: bytes | None) -> None:
            headers = {name: self.headers[name] for name in PASSED if self.headers[name]}
            if faults.forgets:
                headers.pop("range", None)
            if faults.busy:
                faults.busy -= 1
                self.send_response(503)
                self.send_header("retry-after", "1")
                self.send_header("content-length", "0")
                self.end_headers()
                return
            answer = httpx.request(self.command, server + self.path, content=body, headers=headers, timeout=60)
            content = faults.change(answer.content)
            self.send_response(answer.status_code)
            for name in RETURNED:
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if body is None and faults.cut is not None and faults.cuts:
                faults.cuts -= 1
                self.wfile.write(content[: faults.cut])
                time.sleep(0.2)  # what is behind a connection that breaks is lost; what came before is read by then
                return
            self.wfile.write(content)

    way = ThreadingHTTPServer(("127.0.0.1", 0), Way)
    threading.Thread(target=way.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{way.server_address[1]}"
    finally:
        way.shutdown()
        way.server_close()
