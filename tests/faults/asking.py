"""Many requests at once to a server on loopback, each from a client of its own where that is wanted."""

import asyncio
import resource
import time
from contextlib import suppress
from typing import NamedTuple

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds: only a fault takes so long


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    seconds: float
    content: bytes


def request(method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> bytes:
    """Return a request as it is sent."""
    sent = {"host": HOST, "content-type": "application/json", "content-length": str(len(body)), **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode() + body


class Line:
    """A connection that is kept for one request after another."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, port: int, source: str = HOST) -> "Line":
        return cls(*await asyncio.open_connection(HOST, port, local_addr=(source, 0)))

    async def ask(self, sent: bytes) -> Answered:
        began = time.perf_counter()
        self.writer.write(sent)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.split("\r\n")[:-2]
        headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
        bodiless = sent.startswith(b"HEAD") or line.split()[1] == "304"
        length = 0 if bodiless else int(headers.get("content-length", 0))
        content = await self.reader.readexactly(length)
        return Answered(int(line.split()[1]), headers, time.perf_counter() - began, content)

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


async def ask(port: int, sent: bytes, source: str = HOST) -> Answered:
    """Send one request on a connection of its own."""
    async with asyncio.timeout(PATIENCE):
        line = await Line.to(port, source)
        try:
            return await line.ask(sent)
        finally:
            await line.close()


def client(number: int) -> str:
    """Return an address of this machine that nobody else asks from."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


def allow_files(count: int) -> None:
    """Let this process open so many files, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def share(seconds: list[float], part: float) -> float:
    """Return the time within which this part of all was answered."""
    return sorted(seconds)[min(int(part * len(seconds)), len(seconds) - 1)]
