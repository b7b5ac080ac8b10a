"""A process that a parent has started: how it begins, what it says, and how it is ended."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from service.serving import messages
from service.serving.messages import Channel

PROGRAM = [sys.executable, "-m", "service.serving.child"]
ANSWER = 1.0  # seconds for a process to tell its metrics
logger = logging.getLogger("initserve")


class Child:
    """One process that serves; `open` once it does, `ready` once its kernels are compiled too, `ended` at its end."""

    def __init__(self, environment: Mapping[str, str], asked: Callable[["Child"], None]) -> None:
        """Start it. `asked` is called whenever it wants to know the metrics of the others."""
        words, their_words = socket.socketpair()
        self.connections, their_connections = socket.socketpair()
        self.connections.setblocking(False)
        with their_words, their_connections:
            numbers = their_words.fileno(), their_connections.fileno()
            # In a group of its own: Ctrl-C comes to the parent alone, which tells it.
            self.process = subprocess.Popen(
                [*PROGRAM, *map(str, numbers)], env=environment, pass_fds=numbers, start_new_session=True
            )
        self.pid = self.process.pid
        self.began = time.monotonic()
        self.figures = b"[]"  # its metrics, as it last told them
        self.silent = 0  # how often, since it last answered, it was asked and did not
        self.ready, self.ended = asyncio.Event(), asyncio.Event()
        self.open = False  # it takes connections
        self.opened = asyncio.Event()  # it did, at least once
        self._asked, self._told = asked, asyncio.Event()
        self._channel: Channel | None = None
        self._listening = asyncio.create_task(self._listen(words))

    @property
    def status(self) -> int | None:
        return self.process.returncode

    async def _listen(self, end: socket.socket) -> None:
        self._channel = await Channel.over(end)
        async for word, content in self._channel.heard():
            if word == messages.OPEN:
                self.open = True
                self.opened.set()
            elif word == messages.READY:
                self.ready.set()
            elif word == messages.ENOUGH:
                self.close()
            elif word == messages.FIGURES:
                self.figures, self.silent = content, 0
                self._told.set()
            elif word == messages.ASK:
                self._asked(self)
        await self._channel.close()

    def close(self) -> None:
        """Pass it no more connections: it takes those that are on their way, and knows that these are the last."""
        self.open = False
        self.connections.close()

    def leave(self) -> None:
        """Have it end what is under way, since another has its place."""
        self.close()
        self.say(messages.LEAVE)

    def say(self, word: bytes, content: bytes = b"") -> None:
        if self._channel is not None:
            self._channel.say(word, content)

    async def tell(self) -> bytes:
        """Return its metrics: as they are now, or as they were where it does not answer."""
        if not self.ended.is_set():
            self._told.clear()
            self.silent += 1
            self.say(messages.TELL)
            with suppress(TimeoutError):
                async with asyncio.timeout(ANSWER):
                    await self._told.wait()
        return self.figures

    def signal(self, number: signal.Signals) -> None:
        if self.status is None:
            self.process.send_signal(number)

    def look(self) -> None:
        """Note whether it has ended."""
        if self.process.poll() is not None:
            self.close()
            self.ended.set()

    async def last_words(self) -> bytes:
        """Return its metrics as it told them last, once it has ended and all that it said was heard."""
        await self.ended.wait()
        await self._listening
        return self.figures


def reap(known: set[int]) -> None:
    """Take leave of processes that are not of those known: orphans, which come to the first process of a container."""
    with suppress(ChildProcessError):
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if found.si_pid in known:
                return  # looked at by those who know it; then the next one's turn comes
            os.waitpid(found.si_pid, 0)
