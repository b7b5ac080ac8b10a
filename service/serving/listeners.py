"""Opens what is listened on, before anything is served: ports, for all and for operators, and a Unix domain socket."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from service.settings import Settings

BACKLOG = 2048  # connections that wait to be taken, where the system allows so many
# Whoever runs the service and their group may connect; beyond that the folder's permissions decide.
MODE = 0o660
LOCAL = "127.0.0.1"  # where operators ask, where all others come over the Unix socket
PATIENCE = 1.0  # seconds to find out whether somebody listens on a socket already


@contextmanager
def listening(settings: Settings) -> Iterator[list[socket.socket]]:
    """Listen where the settings say until the end of the block; raises OSError where that cannot be."""
    if not (settings.host or settings.socket):
        raise OSError("INITSERVE_HOST and INITSERVE_SOCKET are both empty: there is nothing to listen on")
    with ExitStack() as stack:
        found: list[socket.socket] = []
        if settings.host:
            found += [stack.enter_context(each) for each in on_port(settings.host, settings.port)]
        if settings.operations_port:
            found += [stack.enter_context(each) for each in on_port(settings.host or LOCAL, settings.operations_port)]
        if settings.socket:
            listener = stack.enter_context(on_path(settings.socket))
            stack.callback(remove, settings.socket, identity(settings.socket))
            found.append(listener)
        yield found


def on_port(host: str, port: int) -> list[socket.socket]:
    """Listen on a port of every address that a host has; of port 0 on one that is free, the same for all."""
    try:
        asked = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise OSError(f"INITSERVE_HOST: {host!r}: {error.strerror}") from None
    found: list[socket.socket] = []
    with ExitStack() as stack:
        for family, address in dict.fromkeys((family, address) for family, *_, address in asked):
            free = found[0].getsockname()[1] if found else port
            found.append(stack.enter_context(on_address(family, (address[0], free, *address[2:]))))
        stack.pop_all()
    return found


def on_address(family: int, address: tuple[str | int, ...]) -> socket.socket:
    """Take an address, without listening there yet: that is for whoever can answer.

    Until then connections are refused, and a load balancer asks another; listened on, they would wait for the start.
    """
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # a port is free at once when its process has ended
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise OSError(f"INITSERVE_PORT: {address[0]} port {address[1]}: {error.strerror}") from None
    return listener


def on_path(path: str) -> socket.socket:
    """Listen on a Unix domain socket, in the place of one that a dead process has left.

    Raises OSError where another process listens there, or something else than a socket is there.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise OSError("INITSERVE_SOCKET: this system has no Unix domain sockets")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        make_way(path)
        listener.bind(path)
        os.chmod(path, MODE)  # before anybody can connect
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise OSError(f"INITSERVE_SOCKET: {path}: {error.strerror or error}") from None
    return listener


def make_way(path: str) -> None:
    """Remove a socket that nobody listens on; raises OSError for one that somebody does, and for anything else."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise OSError("something else than a socket is there")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PATIENCE)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise OSError("another process listens there")


def identity(path: str) -> tuple[int, int] | None:
    """Return what tells a file from others that may take its place; None where there is none."""
    with suppress(OSError):
        found = os.lstat(path)
        return found.st_dev, found.st_ino
    return None


def remove(path: str, known: tuple[int, int] | None) -> None:
    """Remove a socket, unless another process has put its own in its place."""
    if known is not None and identity(path) == known:
        with suppress(OSError):
            os.unlink(path)
