"""Several servers behind one address, as behind a load balancer that looks at connections alone."""

import select
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from tests.listening import Listening

PART = 65536
PATIENCE = 60.0


class Replicas(Listening):
    """An address whose connections go to each of some ports in turn; to the next where one does not answer.

    `watch` is told how many bytes each connection has brought back so far, and may stop a server. A connection whose
    server is gone is closed, without what it may have sent last.
    """

    def __init__(self, ports: Sequence[int], watch: Callable[[int, int], None] | None = None) -> None:
        self.ports = list(ports)
        self.connections: list[int] = []  # the port that each went to
        self._watch = watch
        super().__init__()

    def accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            reached = self._reach()
            if reached is None:
                return
            port, server = reached
            with server, suppress(OSError):
                self._carry(client, port, server)

    def _reach(self) -> tuple[int, socket.socket] | None:
        for _ in self.ports:
            port = self.ports[len(self.connections) % len(self.ports)]
            self.connections.append(port)
            with suppress(OSError):
                return port, socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        return None

    def _carry(self, client: socket.socket, port: int, server: socket.socket) -> None:
        brought = 0
        while True:
            ready, _, _ = select.select([client, server], [], [], PATIENCE)
            if not ready:
                return
            for source in ready:
                part = source.recv(PART)
                if not part:
                    return
                (client if source is server else server).sendall(part)
                if source is server and self._watch is not None:
                    brought += len(part)
                    self._watch(port, brought)


@contextmanager
def balanced(*ports: int, watch: Callable[[int, int], None] | None = None) -> Iterator[Replicas]:
    """Put servers on these ports behind one address."""
    replicas = Replicas(ports, watch)
    try:
        yield replicas
    finally:
        replicas.close()
