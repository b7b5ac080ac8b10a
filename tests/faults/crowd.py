"""One client that asks for as much as it can, and another that measures what is left for it.

The first is a process of its own and has another address of the loopback network, so that what it takes of Python's
lock is not the measuring one's.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.conftest import Server

GREEDY, MODEST = "127.0.0.2", "127.0.0.1"
CONNECTIONS = 50
PATIENCE = 30.0
CROWD = """
import json, socket, sys, threading, time
port, source, count, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
messages = [bytes.fromhex(each) for each in json.load(sys.stdin)]
end, taken, lock = time.monotonic() + seconds, [0], threading.Lock()

def ask(number):
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0)) as connection:
                for turn in range(number, number + 10**9):
                    connection.sendall(messages[turn % len(messages)])
                    while time.monotonic() < end:
                        part = connection.recv(2**18)
                        with lock:
                            taken[0] += len(part)
                        if not part or part[9:12] in (b"429", b"503"):
                            break
                    time.sleep(0.01)
        except OSError:
            time.sleep(0.01)

for number in range(count):
    threading.Thread(target=ask, args=(number,), daemon=True).start()
print("begun", flush=True)
time.sleep(max(0.0, end - time.monotonic()))
print(taken[0], flush=True)
"""


def message(path: str, document: Any) -> bytes:
    """Return a POST as it is sent."""
    body = json.dumps(document).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Crowd:
    """Connections of one client, each with a request under way at any time; refusals are asked again at once."""

    def __init__(self, server: Server, asked: list[bytes], seconds: float) -> None:
        self.seconds = seconds
        command = [sys.executable, "-c", CROWD, str(server.port), GREEDY, str(CONNECTIONS), str(seconds)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([each.hex() for each in asked]))
        self.process.stdin.close()
        assert self.process.stdout.readline() == "begun\n"

    def taken(self) -> int:
        """Return the bytes that came to it, once its time is over."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())


@contextmanager
def crowd(server: Server, asked: list[bytes], seconds: float) -> Iterator[Crowd]:
    found = Crowd(server, asked, seconds)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()
        assert found.process.stdout is not None
        found.process.stdout.close()


def seconds_of(server: Server, asked: bytes, count: int, pause: float) -> list[float]:
    """Return how long each of so many requests took, one after the other on one connection; all must be answered."""
    found = []
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE, (MODEST, 0)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(count):
            began = time.perf_counter()
            connection.sendall(asked)
            status, _ = answer(connection)
            found.append(time.perf_counter() - began)
            assert status == 200
            time.sleep(pause)
    return found


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Read an answer of declared length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += part(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    fields: Mapping[bytes, bytes] = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    while len(body) < int(fields[b"content-length"]):
        body += part(connection)
    return int(head[9:12]), body


def part(connection: socket.socket) -> bytes:
    found = connection.recv(2**18)
    if not found:
        raise ConnectionError("the server has closed the connection")
    return found


def bytes_in(server: Server, asked: bytes, seconds: float) -> int:
    """Return how many bytes of a large answer come in so long a time."""
    taken = 0
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE, (MODEST, 0)) as connection:
        connection.sendall(asked)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            taken += len(part(connection))
    return taken
