"""Two replicas behind nginx, ended one after the other while clients ask: no wrong byte, and every download whole."""

import hashlib
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.conftest import Server, serving
from tests.faults import observed
from tests.nginx import deployed, needs_nginx

pytestmark = [pytest.mark.long, needs_nginx]
MIB = 2**20
PATIENCE = 120.0  # seconds: only a fault takes so long
wait_until = partial(observed.wait_until, seconds=PATIENCE)
SMALL = {"seed": 3, "layers": [{"type": "dense", "shape": [64, 64], "activation": "relu"}]}
LARGE = {"seed": 3, "layers": [{"name": "w", "type": "tensor", "shape": [2**12, 2**12], "scheme": "random_uniform"}]}
PAUSE = 0.1  # seconds after each MiB: a file of 64 MiB takes longer than a replica that ends gives it
# How long each replica takes new requests, and then answers under way, once it is told to end.
SETTINGS = {"INITSERVE_DRAIN_SECONDS": "1", "INITSERVE_SHUTDOWN_SECONDS": "3"}


@contextmanager
def nginx(*replicas: Server) -> Iterator[str]:
    """Put replicas behind nginx as it is deployed, but for where it listens and writes, and where the replicas are."""
    upstream = " ".join(f"server 127.0.0.1:{replica.port} max_fails=0;" for replica in replicas)
    http = f"upstream replicas {{ {upstream} keepalive 8; }}"
    with tempfile.TemporaryDirectory() as folder, deployed("nginx.conf", Path(folder), "replicas", http=http) as url:
        yield url


class Load:
    """Clients that ask until they are told to stop, each in a thread of its own: what went well, and what did not."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self.wrong: list[str] = []
        self.answers = self.files = self.resumed = 0
        self.cut = 0  # small answers that were visibly short
        self.over = threading.Event()
        right = client.post("/init?format=npz", json=SMALL).content
        path = client.post("/init?include=statistics", json=LARGE).json()["links"]["safetensors"]
        digest = hashlib.sha256(client.get(path).content).hexdigest()
        self._threads = [threading.Thread(target=self.small, args=(url, right)) for _ in range(3)]
        self._threads += [threading.Thread(target=self.large, args=(url + path, digest)) for _ in range(2)]
        for thread in self._threads:
            thread.start()

    def small(self, url: str, right: bytes) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            while not self.over.is_set():
                try:
                    answer = client.post(f"{url}/init?format=npz", json=SMALL)
                except httpx.RemoteProtocolError:
                    self.cut += 1
                    continue
                except httpx.HTTPError as error:
                    self.wrong.append(repr(error))
                    continue
                if (answer.status_code, answer.content) != (200, right):
                    self.wrong.append(f"{answer.status_code}: {answer.text[:200]}")
                self.answers += 1

    def large(self, url: str, right: str) -> None:
        while not self.over.is_set():
            if hashlib.sha256(self.download(url)).hexdigest() != right:
                self.wrong.append("another file")
            self.files += 1

    def download(self, url: str) -> bytes:
        """Return a file, however often it is broken off: the rest is asked for by range, of the same representation."""
        found, length, etag = bytearray(), -1, ""
        while len(found) != length:
            begun = len(found)
            headers = {"range": f"bytes={begun}-", "if-range": etag} if begun else {}
            with (
                suppress(httpx.RemoteProtocolError, httpx.ReadError),
                httpx.stream("GET", url, headers=headers, timeout=PATIENCE) as answer,
            ):
                if answer.status_code != (206 if begun else 200):
                    self.wrong.append(f"{answer.status_code} for a download")
                    return b""
                etag, length = answer.headers["etag"], begun + int(answer.headers["content-length"])
                self.resumed += bool(begun)
                for part in answer.iter_raw(MIB):
                    found += part
                    time.sleep(PAUSE)
        return bytes(found)

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(PATIENCE)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_two_replicas_behind_nginx_end_in_turn_under_load_and_no_answer_fails_or_is_wrong_and_downloads_go_on(
    client: httpx.Client, how: signal.Signals
) -> None:
    with ExitStack() as stack:
        replicas = [stack.enter_context(serving(**SETTINGS)) for _ in range(2)]
        url = stack.enter_context(nginx(*replicas))
        load = Load(url, client)
        stack.callback(load.stop)
        for replica in replicas:
            before = load.answers
            wait_until(lambda before=before: load.answers > before + 20)  # type: ignore[misc]
            replica.process.send_signal(how)
            assert replica.process.wait(PATIENCE) == -how
            stack.enter_context(serving(INITSERVE_PORT=str(replica.port), **SETTINGS))
        wait_until(lambda: load.resumed > 0)
        files = load.files
        wait_until(lambda: load.files > files)
        load.stop()  # before any of the servers ends
    assert Counter(load.wrong) == {}
    # One that is killed may have begun to answer each of the three; one that is told to end finishes what it began.
    assert load.cut <= (3 * len(replicas) if how is signal.SIGKILL else 0)
