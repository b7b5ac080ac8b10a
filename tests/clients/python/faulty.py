"""What stands between a client and its answers: connections that break, and a server that says what it is told."""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.conftest import Server
from tests.listening import Listening

PART = 65536
# Given what a connection has brought so far and what comes next: what goes on to the client; None: it is closed.
Fault = Callable[[int, bytes], bytes | None]


def cut_after(count: int) -> Fault:
    """Close a connection after so many bytes, the answers' heads included."""
    return lambda before, part: part[: max(count - before, 0)] or None


def garbled(place: int) -> Fault:
    """Change one byte of what a connection brings."""

    def changed(before: int, part: bytes) -> bytes:
        at = place - before
        return part if not 0 <= at < len(part) else part[:at] + bytes([part[at] ^ 1]) + part[at + 1 :]

    return changed


class Proxy(Listening):
    """An address that leads to a server; each connection has the next fault, those after the last have `always`."""

    def __init__(self, port: int, faults: Sequence[Fault], always: Fault | None) -> None:
        self.brought = self.connections = 0
        self._port, self._faults, self._always = port, list(faults), always
        super().__init__()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                fault = self._faults.pop(0) if self._faults else self._always
                self.connections += 1
                threading.Thread(target=self._serve, args=(client, fault), daemon=True).start()

    def _serve(self, client: socket.socket, fault: Fault | None) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self._port)) as server:
            threading.Thread(target=self._send, args=(client, server), daemon=True).start()
            before = 0
            while part := server.recv(PART):
                passed = part if fault is None else fault(before, part)
                if passed is None:
                    break
                client.sendall(passed)
                before += len(part)
                self.brought += len(passed)
            client.shutdown(socket.SHUT_RDWR)

    def _send(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while part := client.recv(PART):
                server.sendall(part)


@contextmanager
def faulty(server: Server, *faults: Fault, always: Fault | None = None) -> Iterator[Proxy]:
    proxy = Proxy(server.port, faults, always)
    try:
        yield proxy
    finally:
        proxy.close()


class Script(Listening):
    """A server that gives one answer after the other, whatever is asked, each over a connection of its own."""

    def __init__(self, answers: Sequence[bytes]) -> None:
        self.asked: list[str] = []  # the requests' heads, in small letters
        self._answers = list(answers)
        super().__init__()

    def accept(self) -> None:
        with suppress(OSError):
            for answer in self._answers:
                client, _ = self.listener.accept()
                with client:
                    self.asked.append(head_of(client))
                    client.sendall(answer)
                    client.shutdown(socket.SHUT_WR)
                    while client.recv(PART):
                        pass
        self.listener.close()  # so that whoever asks for more is refused


def head_of(client: socket.socket) -> str:
    """Read a request whole; return its head."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(PART)
    head, _, body = received.partition(b"\r\n\r\n")
    found = re.search(rb"content-length: (\d+)", head.lower())
    while found and len(body) < int(found[1]):
        body += client.recv(PART)
    return head.decode().lower()


@contextmanager
def scripted(*answers: bytes) -> Iterator[Script]:
    script = Script(answers)
    try:
        yield script
    finally:
        script.close()


def said(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *headers, "connection: close", "", ""]
    return "\r\n".join(lines).encode() + body
