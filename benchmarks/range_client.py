"""A client of many connections: asks for ranges of one file, all at once, and throws away what comes.

`python -m benchmarks.range_client PORT PATH FIRST-LAST…` prints the seconds from the first request to the last byte.
"""

import selectors
import socket
import sys
import time

from benchmarks.small_client import LENGTH

ROOM = 2**20  # bytes taken from a socket at once


def ask(port: int, path: str, wanted: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nrange: bytes={wanted}\r\n\r\n".encode())
    connection.setblocking(False)
    return connection


def begun(part: bytes, wanted: str) -> int:
    """Return how many bytes of an answer are still to come after its first part."""
    head, _, body = part.partition(b"\r\n\r\n")
    first, last = map(int, wanted.split("-"))
    declared = LENGTH.search(head)
    if not head.startswith(b"HTTP/1.1 206") or declared is None or int(declared[1]) != last - first + 1:
        raise SystemExit(f"not the range: {head!r}")
    return int(declared[1]) - len(body)


def main() -> None:
    port, path, *ranges = sys.argv[1:]
    room = bytearray(ROOM)
    start = time.perf_counter()
    missing: dict[socket.socket, int | None] = {}
    with selectors.DefaultSelector() as waiting:
        for wanted in ranges:
            connection = ask(int(port), path, wanted)
            missing[connection] = None
            waiting.register(connection, selectors.EVENT_READ, wanted)
        while missing:
            for key, _ in waiting.select():
                found = key.fileobj
                assert isinstance(found, socket.socket)
                taken = found.recv_into(room)
                if not taken:
                    raise SystemExit("the server closed the connection")
                left = missing[found]
                left = begun(bytes(room[:taken]), key.data) if left is None else left - taken
                missing[found] = left
                if not left:
                    waiting.unregister(found)
                    del missing[found]
                    found.close()
    sys.stdout.write(f"{time.perf_counter() - start}")


if __name__ == "__main__":
    main()
