"""A parent and its processes, with programs in their place that say and do what a process may, in milliseconds."""

import asyncio
import os
import signal
import socket
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from service.serving import children, parent
from service.serving.parent import Parent
from service.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs signals and Unix domain sockets")
PATIENCE = 20.0  # seconds: only a fault takes so long
# Says that it serves, answers what it is asked, answers a connection with its number, and leaves when it is told to.
GOOD = """
    import os, select, signal, socket, sys
    words, connections = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    words.sendall(b"open \\nready \\n")
    listened, leaving = [words, connections], False
    while True:
        for each in select.select(listened, [], [])[0]:
            if each is words:
                said = words.recv(65536)
                leaving = not said or b"leave" in said
                if leaving:
                    listened.remove(words)
                for _ in range(said.count(b"tell")):
                    words.sendall(b"figures []\\n")
            else:
                byte, files, _, _ = socket.recv_fds(connections, 1, 1)
                for file in files:
                    with socket.socket(fileno=file) as connection:
                        connection.sendall(str(os.getpid()).encode())
                if not byte:
                    listened.remove(connections)
        if leaving and connections not in listened:
            sys.exit()
"""


class Family:
    """A parent that runs in this process, on a port of its own."""

    def __init__(self, processes: int = 2) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.parent = Parent(Settings(processes=processes), [self.listener])

    def pids(self) -> set[int]:
        return {child.pid for child in self.parent._living}

    async def asked(self) -> int:
        """Return the process that a new connection comes to."""
        reader, writer = await asyncio.open_connection(*self.listener.getsockname())
        said = await reader.read()
        writer.close()
        return int(said)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.005)


def run(live: Callable[[Family], Awaitable[None]], processes: int = 2) -> Parent:
    """Do what `live` does while a parent runs; tell it to end then, and return it once it has."""

    async def both() -> Parent:
        family = Family(processes)
        with family.listener:
            running = asyncio.create_task(family.parent.run())
            try:
                await live(family)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.wait_for(running, PATIENCE)
            assert family.pids() == set()
            return family.parent

    return asyncio.run(both())


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    path = tmp_path / "program.py"
    monkeypatch.setattr(children, "PROGRAM", [sys.executable, str(path)])

    def put(text: str) -> None:
        fresh = tmp_path / "fresh.py"
        fresh.write_text(textwrap.dedent(text))
        fresh.rename(path)

    put(GOOD)
    return put


@pytest.mark.usefixtures("program")
def test_connections_come_to_all_processes_in_turn() -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 3)
        found = [await family.asked() for _ in range(9)]
        assert found[:3] * 3 == found
        assert set(found) == family.pids()

    assert run(live, 3).told == signal.SIGTERM


@pytest.mark.usefixtures("program")
def test_one_that_is_killed_is_replaced_and_no_connection_is_lost_meanwhile() -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 2)
        first = family.pids()
        killed = min(first)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: killed not in family.pids())
        found = {await family.asked() for _ in range(20)}
        assert killed not in found
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 2)
        assert len(family.pids() & first) == 1

    run(live)


@pytest.mark.usefixtures("program")
def test_on_sighup_each_is_replaced_and_every_connection_is_answered() -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 2)
        first = family.pids()
        os.kill(os.getpid(), signal.SIGHUP)
        answered = 0
        while family.pids() & first or len(family.pids()) != 2:
            assert await family.asked()
            answered += 1
        assert answered > 2

    run(live)


@pytest.mark.usefixtures("program")
def test_however_often_sighup_comes_during_a_restart_one_more_follows() -> None:
    began = 0

    async def live(family: Family) -> None:
        nonlocal began
        start = family.parent._start

        def counting() -> children.Child:
            nonlocal began
            began += 1
            return start()

        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 2)
        family.parent._start = counting  # type: ignore[method-assign]
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: began == 1)
        for _ in range(10):
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
        restarting = family.parent._restarting
        assert restarting is not None
        await asyncio.wait_for(restarting, PATIENCE)
        assert await family.asked() in family.pids()

    run(live)
    assert began == 4


@pytest.mark.usefixtures("program")
def test_sighup_after_sigterm_begins_nothing() -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 2)
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(3):
            await asyncio.sleep(0.01)
            os.kill(os.getpid(), signal.SIGHUP)

    run(live)


def test_a_restart_whose_first_process_fails_leaves_those_that_serve(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 2)
        first = family.pids()
        for wrong in ("raise SystemExit(3)", "import time; time.sleep(60)"):
            program(wrong)
            os.kill(os.getpid(), signal.SIGHUP)
            await until(lambda: family.pids() != first)
            await until(lambda: family.pids() == first)
            assert {await family.asked() for _ in range(4)} == first
        program(GOOD)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: len(family.pids()) == 2 and not family.pids() & first)

    monkeypatch.setattr(parent, "START", 0.5)
    run(live)


def test_where_the_first_process_says_that_it_cannot_serve_the_parent_ends_with_its_status(
    program: Callable[[str], None],
) -> None:
    async def live(family: Family) -> None:
        await until(lambda: family.parent.status == 3)

    program("raise SystemExit(3)")
    assert run(live).status == 3


def test_a_process_that_ends_again_and_again_is_started_ever_more_seldom(
    program: Callable[[str], None],
) -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 1)
        program("raise SystemExit(1)")
        began = time.monotonic()
        pids: set[int] = set()
        os.kill(min(family.pids()), signal.SIGKILL)
        # On a busy machine even two may take longer to start.
        while (passed := time.monotonic() - began) < 1.2 or (len(pids) < 2 and passed < PATIENCE):
            pids |= family.pids()
            await asyncio.sleep(0.005)
        assert 2 <= len(pids) <= 5  # after 0.1, 0.2, 0.4 s
        program(GOOD)
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 1)

    run(live, 1)


def test_a_process_that_does_not_answer_any_more_is_killed_and_replaced(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 1)
        stuck = family.pids()
        program(GOOD)
        await until(lambda: bool(family.pids() and not family.pids() & stuck))
        assert not {await family.asked()} & stuck

    program(GOOD.replace('words.sendall(b"figures', 'str(b"figures'))
    monkeypatch.setattr(children, "ANSWER", 0.05)
    monkeypatch.setattr(parent, "BEAT", 0.05)
    run(live, 1)


def test_one_that_does_not_end_when_it_is_told_to_is_killed(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def live(family: Family) -> None:
        await until(lambda: sum(child.ready.is_set() for child in family.parent._living) == 1)

    program(GOOD.replace("words, connections", "signal.signal(signal.SIGTERM, signal.SIG_IGN); words, connections", 1))
    monkeypatch.setattr(parent, "SPARE", 0.2 - Settings().shutdown_seconds)
    run(live, 1)


def test_connections_are_refused_until_a_process_can_answer(program: Callable[[str], None], tmp_path: Path) -> None:
    """As they are of one process alone: a load balancer asks another replica meanwhile, and none waits."""
    go = tmp_path / "go"
    wait = f"import os, time\n    while not os.path.exists({str(go)!r}):\n        time.sleep(0.01)\n    words.sendall"
    program(GOOD.replace("words.sendall", wait, 1))

    def connects(address: object) -> bool:
        try:
            socket.create_connection(address).close()  # type: ignore[arg-type]
        except ConnectionRefusedError:
            return False
        return True

    async def live() -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            parent = Parent(Settings(processes=1), [listener])
            running = asyncio.create_task(parent.run())
            try:
                await until(lambda: len(parent._living) == 1)
                await asyncio.sleep(0.2)
                assert not connects(listener.getsockname())
                go.touch()
                await until(lambda: connects(listener.getsockname()))
            finally:
                os.kill(os.getpid(), signal.SIGTERM)
                await asyncio.wait_for(running, PATIENCE)

    asyncio.run(live())
