"""What a parent and the processes that serve say to each other: lines, a word and what belongs to it, over a socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

LONGEST = 2**26  # bytes of a line: a process's metrics take some tens of thousands

# A process that serves says
OPEN = b"open"  # it serves
READY = b"ready"  # and its kernels are compiled
ENOUGH = b"enough"  # pass no more connections
FIGURES = b"figures"  # its metrics
ASK = b"ask"  # it wants those of all others
# and its parent
TELL = b"tell"  # send your metrics
OTHERS = b"others"  # the metrics of all others, and of those that have ended
LEAVE = b"leave"  # another has your place, no connection comes any more: end what is under way


class Channel:
    """One end of the socket between a parent and a process; what is said to somebody who is gone is lost."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        return cls(*await asyncio.open_unix_connection(sock=end, limit=LONGEST))

    def say(self, word: bytes, content: bytes = b"") -> None:
        """Send a word; its content has no line break in it."""
        if not self._writer.is_closing():
            self._writer.write(word + b" " + content + b"\n")

    async def heard(self) -> AsyncIterator[tuple[bytes, bytes]]:
        """Return what the other side says, word by word, until it is gone, perhaps in the middle of one."""
        with suppress(OSError):
            while (line := await self._reader.readline()).endswith(b"\n"):
                word, _, content = line[:-1].partition(b" ")
                yield word, content

    async def close(self) -> None:
        """Send what is not sent yet, and end."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
