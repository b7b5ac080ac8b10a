"""A client of one keep-alive connection: asks for a small answer over and over, writes the seconds of each as JSON.

Its arguments are a TCP port or the path of a Unix domain socket, and how often it asks.
"""

import json
import re
import socket
import sys
import time

SPEC = {"seed": 42, "layers": [{"type": "tensor", "shape": [10], "scheme": "zeros"}]}
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def request() -> bytes:
    body = json.dumps(SPEC).encode()
    head = f"POST /init HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def exchange(connection: socket.socket, message: bytes) -> None:
    """Send a request and take its whole answer."""
    connection.sendall(message)
    received = b""
    while b"\r\n\r\n" not in received:
        received += receive(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    declared = LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 200") or declared is None:
        raise SystemExit(f"not an answer: {head!r}")
    missing = int(declared.group(1)) - len(body)
    while missing > 0:
        missing -= len(receive(connection))


def receive(connection: socket.socket) -> bytes:
    part = connection.recv(65536)
    if not part:
        raise SystemExit("the server closed the connection")
    return part


def connect(address: str) -> socket.socket:
    if not address.isdigit():
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(address)
        return connection
    connection = socket.create_connection(("127.0.0.1", int(address)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def main() -> None:
    address, count = sys.argv[1:]
    message = request()
    seconds = []
    with connect(address) as connection:
        for _ in range(int(count)):
            start = time.perf_counter()
            exchange(connection, message)
            seconds.append(time.perf_counter() - start)
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
