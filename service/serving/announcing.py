"""What whoever starts the service reads first: where it is to be found, and what to try."""

import socket
from collections.abc import Sequence

TRY = "Try: curl{} -d @examples/lenet5.json -H 'content-type: application/json' '{}/init?include=statistics'"


def announce(listeners: Sequence[socket.socket]) -> None:
    """Print where the service is to be found, at the first of its addresses."""
    name = listeners[0].getsockname()
    if isinstance(name, str):
        print(f"Listening on the Unix domain socket {name}")
        print(TRY.format(f" --unix-socket {name}", "http://localhost"), flush=True)
        return
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    address = f"http://{host}:{name[1]}"
    print(f"Playground: {address}/  Swagger UI: {address}/docs/")
    print(TRY.format("", address), flush=True)
