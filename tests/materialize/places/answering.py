"""A server that answers whatever it is told to, one connection at a time or many."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def answering(answer: bytes | None) -> Iterator[str]:
    """Yield the address of a server that gives every request these bytes and closes; None: it never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    taken.append(connection)
                    connection.recv(2**16)
                    if answer is not None:
                        connection.sendall(answer)
                        connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for each in taken:
                each.close()
            thread.join(5)


def answer(status: int, body: str = "", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body.encode())}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body]).encode()


def refused(status: int, code: str, more: str = "") -> bytes:
    """Return what S3, Google's and Azure's stores answer when they refuse."""
    return answer(status, f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>No.</Message>{more}</Error>')
