"""Whether the address can be listened on."""

import errno
import socket
from collections.abc import Iterator

from service.doctor.findings import Finding, fine, warning, wrong
from service.settings import Settings


def of_listening(settings: Settings) -> Iterator[Finding]:
    """Yield whether a server that starts now gets its address and port."""
    where = f"{settings.host}:{settings.port}"
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield warning(
                "address", f"something listens on {where} already; if it is not this service, it cannot start"
            )
        else:
            yield wrong("address", f"{where} cannot be listened on: {error.strerror or error}")
    else:
        yield fine("address", f"{where} is free")
