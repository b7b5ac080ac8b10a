"""What is listened on: a port of every address of a host, a Unix domain socket, and what may be in the way."""

import os
import socket
import stat
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from service.serving.listeners import listening
from service.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix domain sockets")


def at(path: Path, **more: object) -> Settings:
    return Settings(socket=str(path), host="", **more)  # type: ignore[arg-type]


def reach(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_unix_socket_is_its_owners_and_groups_and_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    before = os.umask(0)
    try:
        with listening(at(path)) as (listener,):
            reach(path)
            assert stat.S_IMODE(path.stat().st_mode) == 0o660
            assert listener.family == socket.AF_UNIX
    finally:
        os.umask(before)
    assert not path.exists()


def test_a_socket_that_a_dead_process_has_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with listening(at(path)):
        reach(path)


def test_a_socket_that_another_process_listens_on_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with listening(at(path)):
        with pytest.raises(OSError, match="another process listens there"), listening(at(path)):
            pass
        reach(path)


def test_what_is_no_socket_is_never_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_text("precious")
    with pytest.raises(OSError, match="something else than a socket"), listening(at(path)):
        pass
    assert path.read_text() == "precious"


def test_the_socket_of_a_successor_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with ExitStack() as successor:
        with listening(at(path)):
            path.unlink()
            successor.enter_context(listening(at(path)))
        reach(path)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"socket": "/nowhere/at/all"}, "INITSERVE_SOCKET: /nowhere/at/all: No such file or directory"),
        ({"socket": "/tmp/" + "x" * 200}, "INITSERVE_SOCKET: .*too long"),
        ({"host": "no such host"}, "INITSERVE_HOST: 'no such host'"),
        ({}, "both empty"),
    ],
)
def test_what_cannot_be_listened_on_is_said_by_the_setting(settings: dict[str, str], why: str) -> None:
    with pytest.raises(OSError, match=why), listening(Settings(**{"host": "", **settings})):  # type: ignore[arg-type]
        pass


def test_a_port_that_is_taken_is_said_by_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(OSError, match=f"INITSERVE_PORT: 127.0.0.1 port {port}: Address"),
            listening(Settings(port=port)),
        ):
            pass


def test_a_host_of_several_addresses_is_listened_on_at_all_of_them_and_port_0_is_the_same_of_each() -> None:
    addresses = {found[4][0] for found in socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)}
    with listening(Settings(host="localhost", port=0)) as listeners:
        assert {listener.getsockname()[0] for listener in listeners} == addresses
        assert len({listener.getsockname()[1] for listener in listeners}) == 1


def test_a_port_is_taken_at_once_and_answers_nobody_until_it_is_listened_on() -> None:
    with listening(Settings(port=0)) as (listener,):
        address = listener.getsockname()
        with pytest.raises(ConnectionRefusedError), socket.create_connection(address, timeout=5.0):
            pass
        listener.listen()
        with socket.create_connection(address, timeout=5.0):
            pass
        with pytest.raises(OSError, match="port"), listening(Settings(port=address[1])):
            pass
