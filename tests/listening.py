"""A port of this machine that something answers: a proxy, several servers as one, a script of answers."""

import socket
import threading


class Listening:
    """Listens from when it is made, in a thread of its own; a subclass says in `accept` what becomes of connections."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self) -> None:
        self.listener.close()

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        raise NotImplementedError
