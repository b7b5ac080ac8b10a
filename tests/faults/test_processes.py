"""Several processes on one port: killed, replaced and restarted while clients ask, and what they count together."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import httpx
import pytest

from service.serving.listeners import listening
from service.settings import Settings
from tests.conftest import ROOT, Server, serving
from tests.faults import observed

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs /proc")
GIB = 2**30
PROCESSES = 2
PATIENCE = 120.0  # seconds: on a busy machine a process takes many to begin
wait_until = partial(observed.wait_until, seconds=PATIENCE)
SPEC = {"seed": 7, "layers": [{"type": "dense", "shape": [64, 64], "activation": "relu"}]}
NOT_FOUND = 'initserve_problems_total{code="not-found"}'
LARGE = {"seed": 7, "layers": [{"name": "w", "type": "tensor", "shape": [2**10, 2**13], "scheme": "random_uniform"}]}


def children(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def are_there(server: Server, gone: Collection[int] = ()) -> bool:
    """Whether as many processes serve as shall, with all memory shared out, and those that are to be gone are."""
    living = children(server.process.pid)
    whole = metrics(server)["initserve_in_flight_limit_bytes"] == 2 * GIB
    return len(living) == PROCESSES and not living & set(gone) and whole


def sockets(pid: int) -> int:
    """Return how many sockets a process has open; one that is closed while they are counted is none."""
    count = 0
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            count += os.readlink(file).startswith("socket:")
    return count


def metrics(server: Server) -> dict[str, float]:
    lines = httpx.get(f"{server.url}/metrics", timeout=PATIENCE).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


@pytest.fixture(scope="module")
def whole(client: httpx.Client) -> str:
    """The digest of the large answer, of another server."""
    return hashlib.sha256(client.post("/init?format=npy", json=LARGE).content).hexdigest()


@pytest.fixture(scope="module")
def several() -> Iterator[Server]:
    with serving(INITSERVE_PROCESSES=str(PROCESSES), INITSERVE_SHUTDOWN_SECONDS="10") as server:
        wait_until(lambda: are_there(server))
        yield server


class Clients:
    """Clients that ask without pause: on new connections, on one that is kept, and for a large answer."""

    def __init__(self, server: Server, whole: str) -> None:
        self._server, self._whole = server, whole
        self.failures: list[str] = []
        self.answers = 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._anew, self._kept, self._large)]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _again(self, ask: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                ask()
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                return
            self.answers += 1

    def _anew(self) -> None:
        self._again(lambda: self._small(httpx.post))

    def _kept(self) -> None:
        with httpx.Client(timeout=PATIENCE) as client:
            self._again(lambda: self._small(client.post))

    def _small(self, post: Callable[..., httpx.Response]) -> None:
        post(f"{self._server.url}/init", json=SPEC, timeout=PATIENCE).raise_for_status()

    def _large(self) -> None:
        def ask() -> None:
            found = httpx.post(f"{self._server.url}/init?format=npy", json=LARGE, timeout=PATIENCE)
            assert hashlib.sha256(found.raise_for_status().content).hexdigest() == self._whole

        self._again(ask)


def test_all_processes_answer_the_same_bytes_on_one_port_each_its_share_of_connections(
    several: Server, client: httpx.Client
) -> None:
    pids = children(several.process.pid)
    with ExitStack() as stack:
        kept = [stack.enter_context(httpx.Client(base_url=several.url)) for _ in range(8)]
        found = {each.post("/init?format=npz", json=SPEC).content for each in kept}
        opened = {pid: sockets(pid) for pid in pids}
    # Closed again, each process has its share less.
    wait_until(lambda: all(opened[pid] - sockets(pid) == 8 // PROCESSES for pid in pids), seconds=10.0)
    assert found == {client.post("/init?format=npz", json=SPEC).content}


def test_what_the_processes_count_is_added_up_whichever_of_them_is_asked(several: Server) -> None:
    before = metrics(several).get(NOT_FOUND, 0)
    for _ in range(5):
        assert httpx.get(f"{several.url}/nothing/here/at/all").status_code == 404
    for _ in range(2 * PROCESSES):
        assert metrics(several)[NOT_FOUND] == before + 5


def test_a_process_that_is_killed_is_replaced_the_others_go_on_and_its_counts_stay(several: Server, whole: str) -> None:
    pids, before = children(several.process.pid), metrics(several)
    with Clients(several, whole) as clients:
        os.kill(min(pids), signal.SIGKILL)
        wait_until(lambda: are_there(several, gone={min(pids)}))
    # Answers under way in the killed one are broken off, one a client at the most; no connection is refused.
    assert len(clients.failures) <= 3
    assert not any("Connect" in failure for failure in clients.failures)
    after = metrics(several)
    assert all(after[name] >= value for name, value in before.items() if name.endswith("_total"))
    assert max(pids) in children(several.process.pid)


def test_on_sighup_every_process_is_replaced_under_load_without_a_failed_request(several: Server, whole: str) -> None:
    pids, before = children(several.process.pid), metrics(several)
    with Clients(several, whole) as clients:
        several.process.send_signal(signal.SIGHUP)
        wait_until(lambda: are_there(several, gone=pids))
        after = metrics(several)
    assert clients.failures == []
    assert clients.answers > 10
    sent = "initserve_sent_bytes_total"
    assert after[sent] > before[sent] + 2**25
    assert several.process.poll() is None


def test_when_the_parent_is_killed_its_processes_end_and_what_they_listened_on_is_free(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    with serving(INITSERVE_PROCESSES="2", INITSERVE_SOCKET=str(path), INITSERVE_SHUTDOWN_SECONDS="2") as server:
        wait_until(lambda: len(children(server.process.pid)) == 2)
        pids = children(server.process.pid)
        server.process.kill()
        server.process.wait()
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))
        with listening(Settings(port=server.port, socket=str(path))):
            pass
        assert not path.exists()


def test_sigterm_ends_all_processes_in_order_and_what_is_under_way_has_its_time(several: Server) -> None:
    """The last test of this file: it ends the server."""
    pids = children(several.process.pid)
    body = {"seed": 1, "layers": [{"name": "w", "type": "tensor", "shape": [2**12, 2**13], "scheme": "random_uniform"}]}
    with httpx.stream("POST", f"{several.url}/init?format=npy", json=body, timeout=PATIENCE) as answer:
        parts = answer.iter_raw()
        found = len(next(parts))
        several.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(f"{several.url}/readyz").status_code == 503, seconds=5.0)
        assert httpx.get(f"{several.url}/livez").status_code == 200
        assert httpx.post(f"{several.url}/init", json=SPEC).status_code == 503
        found += sum(map(len, parts))
        assert found == int(answer.headers["content-length"])
    assert several.process.wait(PATIENCE) == -signal.SIGTERM
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "Traceback" not in several.logged()


def test_what_no_process_can_serve_with_ends_the_parent_and_is_said_once() -> None:
    wrong = {"INITSERVE_SPECS": "/dev/null/nowhere", "INITSERVE_PROCESSES": "2", "INITSERVE_PORT": "0"}
    command = [sys.executable, "-m", "service", "serve"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **wrong}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("INITSERVE_SPECS: '/dev/null/nowhere' cannot be opened") == 1
    assert "Traceback" not in ended.stderr
