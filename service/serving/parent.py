"""python -m service.serving.parent: keeps several processes serving on the same sockets, itself serving nothing.

It listens once one of them can answer, accepts connections and passes them on, so that none is refused while they come
and go. One that ends is replaced; SIGHUP replaces each in turn, a new one first; SIGTERM and SIGINT end all. If the
parent is killed, they end.
"""

import asyncio
import logging
import logging.config
import signal
import socket
import time
from collections.abc import Coroutine, Sequence
from typing import Any

from service.api.telemetry.snapshots import Snapshot, added
from service.serving import messages
from service.serving.announcing import announce
from service.serving.children import Child, reap
from service.serving.ending import end_as_told
from service.serving.listeners import BACKLOG, listening
from service.serving.logs import log_config
from service.serving.passing import Acceptor
from service.serving.shares import as_environment, share_of
from service.settings import Settings

STEADY = 10.0  # seconds that a process has to live for the next one to be started at once
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 30.0  # seconds before the next is started: twice as many each time
START = 600.0  # seconds for a process to become ready: on a new machine it compiles kernels
SPARE = 5.0  # seconds beyond its own deadline that a process has to end before it is killed
BEAT = 5.0  # seconds between two times that all are asked for their metrics, which shows that they live
MOST_SILENCES = 10  # times in a row that a process does not answer before it is killed
logger = logging.getLogger("initserve")


class Parent:
    def __init__(self, settings: Settings, listeners: Sequence[socket.socket]) -> None:
        self._environment, self._listeners = as_environment(share_of(settings)), listeners
        self._count, self._patience = settings.processes, settings.shutdown_seconds + SPARE
        self._places: dict[int, Child] = {}
        self._living: list[Child] = []  # those that have no place yet, or none any more, among them
        self._past = Snapshot(())  # what was counted by those that have ended
        self._one_is_ready, self._over = asyncio.Event(), asyncio.Event()
        self._acceptor: Acceptor | None = None  # from when the first process can answer
        self._tasks: set[asyncio.Task[None]] = set()
        self._restarting: asyncio.Task[None] | None = None
        self._restart_wanted = False
        self.told: signal.Signals | None = None  # to end
        self.status = 0

    async def run(self) -> None:
        """Serve until a signal says otherwise, or no process can be started at all: then `status` is not 0."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._look)
        loop.add_signal_handler(signal.SIGHUP, self._restart_soon)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end_soon, number)
        keepers = [loop.create_task(self._keep(place)) for place in range(self._count)]
        beat = loop.create_task(self._beat())
        await self._over.wait()
        for task in (*keepers, beat, *filter(None, (self._restarting,))):
            task.cancel()
        await self._end_all()
        if self._acceptor is not None:
            self._acceptor.close()

    def _takers(self) -> list[socket.socket]:
        """Return where connections are passed to: processes whose kernels are compiled, where there are any."""
        found = [child for child in self._living if child.open]
        return [child.connections for child in [each for each in found if each.ready.is_set()] or found]

    async def _listen_for(self, child: Child) -> None:
        """Listen once a process answers: until then connections are refused, and a load balancer asks another."""
        await child.opened.wait()
        if self._acceptor is None and not self._over.is_set():
            for listener in self._listeners:
                listener.listen(BACKLOG)
            announce(self._listeners)
            self._acceptor = Acceptor(self._listeners, self._takers)

    # Processes come and go

    def _start(self) -> Child:
        child = Child(self._environment, self._answer_soon)
        self._living.append(child)
        self._do(self._bury(child))
        self._do(self._listen_for(child))
        return child

    async def _bury(self, child: Child) -> None:
        """Once a process has ended, go on counting what it has counted."""
        figures = Snapshot.of_json(await child.last_words())
        self._past = added([self._past, figures.lasting()])
        self._living.remove(child)

    async def _keep(self, place: int) -> None:
        """See that a process has this place; the first place's is waited for, since it compiles what is not kept."""
        pause = 0.0
        if place:
            await self._one_is_ready.wait()
        while True:
            child = self._places.get(place)
            if child is None or child.ended.is_set():
                child = self._places[place] = self._start()
            if not place and await self._is_ready(child):
                self._one_is_ready.set()
            await child.ended.wait()
            if self._places[place] is child:
                self._judge(child)
                lived = time.monotonic() - child.began
                pause = SHORTEST_PAUSE if lived > STEADY else min(max(2 * pause, SHORTEST_PAUSE), LONGEST_PAUSE)
                await asyncio.sleep(pause)

    def _judge(self, child: Child) -> None:
        """Say that a process has ended; where none could be started yet, and it says why, nothing is to be served."""
        logger.error("Process %d has ended (%s): another takes its place", child.pid, child.status)
        if child.status and child.status > 0 and not self._one_is_ready.is_set():
            self.status = child.status
            self._over.set()

    async def _is_ready(self, child: Child) -> bool:
        """Return whether a process becomes ready, in time and before it ends."""
        waiting = [asyncio.ensure_future(event.wait()) for event in (child.ready, child.ended)]
        try:
            await asyncio.wait(waiting, timeout=START, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        return child.ready.is_set() and not child.ended.is_set()

    def _look(self) -> None:
        for child in self._living:
            child.look()
        reap({child.pid for child in self._living})

    # One after another

    def _restart_soon(self) -> None:
        """Restart, or once more where that is under way: once, however often this is asked for meanwhile."""
        if self._over.is_set():
            return
        self._restart_wanted = True
        if self._restarting is None or self._restarting.done():
            self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        while self._restart_wanted:
            self._restart_wanted = False
            await self._replace_each()

    async def _replace_each(self) -> None:
        """Replace each process: the old one leaves once the new one is ready. One that is not ends the restart."""
        logger.info("Replacing %d processes", self._count)
        for place in range(self._count):
            new = self._start()
            if not await self._is_ready(new):
                logger.error("Process %d does not become ready: those that serve stay", new.pid)
                new.signal(signal.SIGKILL)
                return
            old = self._places.get(place)
            self._places[place] = new
            if old is not None:
                await self._let_go(old)
        logger.info("Replaced %d processes", self._count)

    async def _let_go(self, child: Child) -> None:
        child.leave()
        try:
            async with asyncio.timeout(self._patience):
                await child.ended.wait()
        except TimeoutError:
            child.signal(signal.SIGKILL)

    # The end

    def _end_soon(self, number: signal.Signals) -> None:
        """End all; told so again, pass it on."""
        self.told = number
        for child in self._living:
            child.signal(number)
        self._over.set()

    async def _end_all(self) -> None:
        """Return once no process is left; those that take too long are killed."""
        ends = [asyncio.ensure_future(child.ended.wait()) for child in self._living]
        if ends:
            _, late = await asyncio.wait(ends, timeout=self._patience)
            for child in self._living if late else ():
                child.signal(signal.SIGKILL)
            await asyncio.wait(ends)

    # What they count

    async def _beat(self) -> None:
        """Ask all for their metrics now and then; kill who has not answered for long."""
        while True:
            await asyncio.sleep(BEAT)
            ready = [child for child in self._living if child.ready.is_set()]
            await asyncio.gather(*(child.tell() for child in ready))
            for child in ready:
                if child.silent >= MOST_SILENCES:
                    logger.error("Process %d does not answer any more: it is killed", child.pid)
                    child.signal(signal.SIGKILL)

    def _answer_soon(self, child: Child) -> None:
        self._do(self._answer(child))

    async def _answer(self, child: Child) -> None:
        """Tell a process what the others count, and those have counted that have ended."""
        others = [each for each in self._living if each is not child and each.ready.is_set()]
        figures = await asyncio.gather(*(each.tell() for each in others))
        child.say(messages.OTHERS, added([self._past, *map(Snapshot.of_json, figures)]).to_json())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def main() -> None:
    """Serve by several processes until a signal says otherwise; then end as it would have ended this one."""
    settings = Settings()
    logging.config.dictConfig(log_config(settings))
    try:
        with listening(settings) as listeners:
            parent = Parent(settings, listeners)
            asyncio.run(parent.run())
    except OSError as error:
        raise SystemExit(f"initserve: {error}") from None
    end_as_told(parent.told)
    raise SystemExit(parent.status)


if __name__ == "__main__":
    main()
