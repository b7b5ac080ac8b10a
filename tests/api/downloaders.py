"""Clients as people have them: each takes a file, is broken off, and goes on until the file is whole."""

import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import aiohttp
import fsspec
import httpx
from obstore.store import HTTPStore

MIB = 2**20
BEGUN = 4 * MIB
PATIENCE = 30.0  # seconds: only a fault takes so long
# So many bytes a second that it is not done before it is seen to have begun.
QUIETLY = "-sS --noproxy '*' --limit-rate 24M"
NODE = str(Path(__file__).with_name("download.mjs"))


class Break:
    """The end of a server, as the clients of a download and the test that makes it know of it."""

    def __init__(self) -> None:
        self.begun, self.made = threading.Event(), threading.Event()

    def after(self, taken: int) -> None:
        """Wait for it, once some is taken."""
        if taken >= BEGUN and not self.begun.is_set():
            self.begun.set()
            assert self.made.wait(PATIENCE)


Client = Callable[[str, Path, Break], None]


def the_rest(taken: int, etag: str) -> dict[str, str]:
    """Return the headers that ask for what is not taken yet, of this very representation."""
    return {"range": f"bytes={taken}-", "if-range": etag} if taken else {}


def with_urllib(url: str, path: Path, end: Break) -> None:
    taken, length, etag = 0, -1, ""
    with path.open("wb") as file:
        while taken != length:
            request = urllib.request.Request(url, headers=the_rest(taken, etag))
            answer: HTTPResponse
            with suppress(OSError, HTTPException), urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                assert answer.status == (206 if taken else 200)
                length, etag = taken + int(answer.headers["content-length"]), answer.headers["etag"]
                while part := answer.read1(MIB):
                    taken += file.write(part)
                    end.after(taken)
            time.sleep(0.02)


def with_httpx(url: str, path: Path, end: Break) -> None:
    taken, length, etag = 0, -1, ""
    with path.open("wb") as file, httpx.Client(timeout=PATIENCE) as client:
        while taken != length:
            with suppress(httpx.TransportError), client.stream("GET", url, headers=the_rest(taken, etag)) as answer:
                assert answer.status_code == (206 if taken else 200)
                length, etag = taken + int(answer.headers["content-length"]), answer.headers["etag"]
                for part in answer.iter_raw(MIB):
                    taken += file.write(part)
                    end.after(taken)
            time.sleep(0.02)


def with_fsspec(url: str, path: Path, end: Break) -> None:
    """A file that fsspec reads in blocks, each a range."""
    files = fsspec.filesystem("http", skip_instance_cache=True)
    with path.open("wb") as file, files.open(url, block_size=MIB) as found:
        while file.tell() != found.size:
            with suppress(aiohttp.ClientError):
                while part := found.read(MIB):
                    file.write(part)
                    end.after(file.tell())
            time.sleep(0.02)


def store_at(url: str) -> tuple[HTTPStore, str]:
    """Return a store that holds the file, which asks again until it is answered, and the file's name there."""
    root, _, name = url.rpartition("/")
    pauses = {"init_backoff": timedelta(seconds=0.05), "max_backoff": timedelta(seconds=0.2), "base": 1.5}
    again: Any = {"max_retries": 1000, "backoff": pauses, "retry_timeout": timedelta(seconds=PATIENCE)}
    return HTTPStore.from_url(root, client_options={"allow_http": True}, retry_config=again), name


def with_obstore(url: str, path: Path, end: Break) -> None:
    """A stream that obstore itself goes on with where it was."""
    store, name = store_at(url)
    with path.open("wb") as file:
        for part in store.get(name).stream(MIB):
            file.write(part)
            end.after(file.tell())


def with_ranges_of_obstore(url: str, path: Path, end: Break) -> None:
    """Several ranges at a time, two MiB apart, so that each is asked for by itself."""
    store, name = store_at(url)
    size = store.head(name)["size"]
    with path.open("wb") as file:
        for first in range(0, 3 * MIB, MIB):
            starts = range(first, size, 3 * MIB)
            parts = store.get_ranges(name, starts=starts, ends=[min(start + MIB, size) for start in starts])
            for start, part in zip(starts, parts, strict=True):
                file.seek(start)
                file.write(part)
            end.after(BEGUN)


def with_curl(url: str, path: Path, end: Break) -> None:
    """The loop of docs/addresses.md: -C - goes on where the file ends."""
    run(["sh", "-c", f"until curl {QUIETLY} -fC - -o '{path}' '{url}'; do sleep 0.1; done"], path, end)


def with_retries_of_curl(url: str, path: Path, end: Break) -> None:
    """One curl, which begins anew or goes on, as its version has it."""
    again = "--retry 100 --retry-delay 1 --retry-all-errors"
    run(["sh", "-c", f"curl {QUIETLY} {again} -fC - -o '{path}' '{url}'"], path, end)


def with_node(url: str, path: Path, end: Break) -> None:
    """Node's fetch, with Range and If-Range."""
    run(["node", NODE, url, str(path)], path, end)


def run(command: list[str], path: Path, end: Break) -> None:
    """Run a client in a process of its own, which stands still once it has some until the server is gone."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        while not (path.exists() and path.stat().st_size >= BEGUN):
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGSTOP)
        end.after(BEGUN)
        os.killpg(process.pid, signal.SIGCONT)
        assert process.wait(PATIENCE) == 0


IN_PYTHON: list[Client] = [with_urllib, with_httpx, with_fsspec, with_obstore, with_ranges_of_obstore]
PROGRAMS: dict[str, list[Client]] = {"curl": [with_curl, with_retries_of_curl], "node": [with_node]}
CLIENTS = [*IN_PYTHON, *(client for program, of_it in PROGRAMS.items() if shutil.which(program) for client in of_it)]
