"""Whether there is what is to be listened on: ports, a path."""

import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.doctor.findings import Finding, fine, warning, wrong
from service.serving.listeners import LOCAL
from service.settings import Settings

LONGEST = 107  # bytes of a Unix socket's path


def of_listening(settings: Settings) -> Iterator[Finding]:
    """Yield whether a server that starts now gets its ports and its socket."""
    if settings.host:
        yield of_port(settings.host, settings.port)
    if settings.operations_port:
        yield of_port(settings.host or LOCAL, settings.operations_port)
    if settings.socket:
        yield of_path(Path(settings.socket))
    if not (settings.host or settings.socket):
        yield wrong("address", "HOST and SOCKET are both empty: there is nothing to listen on")


def of_port(host: str, port: int) -> Finding:
    where = f"{host}:{port}"
    try:
        for family, *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE):
            try_out(family, address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return warning(
                "address", f"something listens on {where} already; if it is not this service, it cannot start"
            )
        return wrong("address", f"{where} cannot be listened on: {error.strerror or error}")
    return fine("address", f"{where} is free")


def try_out(family: int, address: Any) -> None:
    """Raise OSError where an address is not to be had."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        probe.bind(address)


def of_path(path: Path) -> Finding:
    if len(os.fsencode(path)) > LONGEST:
        return wrong("socket", f"{path} is longer than the {LONGEST} bytes that a socket's path may have")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return wrong("socket", f"{path.parent} is no folder in which a socket can be made")
    if os.path.lexists(path) and not stat.S_ISSOCK(path.lstat().st_mode):  # a link to one is none either
        return wrong("socket", f"{path} is there already, and no socket")
    return fine("socket", f"{path}")
