"""Connections on their way to the processes: each comes to somebody, in turn, however many come at once."""

import asyncio
import socket
import sys
from collections.abc import Iterator

import pytest

from service.serving.passing import Acceptor, Receiver

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs Unix domain sockets")


class Named(asyncio.Protocol):
    """Says who it is, and ends the connection."""

    def __init__(self, name: bytes) -> None:
        self._name = name

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._name)
        transport.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=512) as found:
        yield found


async def ask(listener: socket.socket) -> bytes:
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    found = await reader.read()
    writer.close()
    return found


def test_a_burst_of_connections_comes_to_all_alike(listener: socket.socket) -> None:
    async def run() -> list[bytes]:
        pairs = [socket.socketpair() for _ in range(4)]
        for ours, _ in pairs:
            ours.setblocking(False)
        acceptor = Acceptor([listener], lambda: [ours for ours, _ in pairs])
        receivers = [
            Receiver(theirs, lambda number=number: Named(b"%d" % number))  # type: ignore[misc]
            for number, (_, theirs) in enumerate(pairs)
        ]
        found = await asyncio.gather(*(ask(listener) for _ in range(200)))
        acceptor.close()
        for ours, _ in pairs:
            ours.close()
        async with asyncio.timeout(5):
            for receiver in receivers:
                await receiver.last.wait()
        for _, theirs in pairs:
            theirs.close()
        return found

    found = asyncio.run(run())
    assert [found.count(b"%d" % number) for number in range(4)] == [50] * 4


def test_while_nobody_takes_connections_they_wait_and_those_under_way_are_taken_to_the_last(
    listener: socket.socket,
) -> None:
    async def run() -> None:
        takers: list[socket.socket] = []
        acceptor = Acceptor([listener], lambda: takers)
        asking = [asyncio.create_task(ask(listener)) for _ in range(5)]
        await asyncio.sleep(0.05)
        assert not any(task.done() for task in asking)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        takers.append(ours)
        await asyncio.sleep(0.1)
        takers.clear()
        ours.close()  # all five are on their way
        with theirs:
            receiver = Receiver(theirs, lambda: Named(b"late"))
            assert await asyncio.gather(*asking) == [b"late"] * 5
            await receiver.last.wait()
        acceptor.close()

    asyncio.run(asyncio.wait_for(run(), 10))


def test_one_that_takes_no_more_is_passed_over(listener: socket.socket) -> None:
    async def run() -> None:
        gone, _ = socket.socketpair()
        _.close()
        ours, theirs = socket.socketpair()
        full, never = socket.socketpair()
        for each in (gone, ours, full):
            each.setblocking(False)
        while True:
            try:
                full.send(b"c" * 65536)
            except BlockingIOError:
                break
        acceptor = Acceptor([listener], lambda: [gone, full, ours])
        Receiver(theirs, lambda: Named(b"here"))
        assert await asyncio.gather(*(ask(listener) for _ in range(9))) == [b"here"] * 9
        acceptor.close()
        asyncio.get_running_loop().remove_reader(theirs)
        for each in (gone, ours, theirs, full, never):
            each.close()

    asyncio.run(asyncio.wait_for(run(), 10))
