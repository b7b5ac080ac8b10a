"""Replicas that are replaced and killed under load: no wrong byte, and every download that breaks goes on by range."""

import hashlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.api.downloaders import the_rest
from tests.api.test_weights import token
from tests.containers.fleet import HEALTHY, Fleet, docker, inspected, wait_until_healthy
from tests.containers.test_serving import JSON, LENET, made_here

MIB = 2**20
LAYERS = [{"name": "large", "type": "tensor", "shape": [4096, 4096], "scheme": "he_normal"}]  # 64 MiB
SPEC = {"algorithm": "initserve/1", "layers": LAYERS, "seed": "3"}
FILE = f"/weights/{token(SPEC)}.safetensors"
REST = 0.02  # seconds between requests of one client


@dataclass
class Tally:
    """What the clients of one test saw."""

    small: int = 0
    failed: list[str] = field(default_factory=list)  # small requests that did not get their answer
    wrong: list[str] = field(default_factory=list)  # answers, whole files included, in other bytes
    files: int = 0
    broken: int = 0  # downloads that broke off, and went on by range


def ask(url: str, expected: bytes, stop: threading.Event, tally: Tally) -> None:
    """Ask for small weights again and again, each time anew."""
    while not stop.is_set():
        try:
            answer = httpx.post(
                f"{url}/init?format=safetensors", content=LENET, headers=JSON, timeout=60.0, trust_env=False
            )
        except httpx.HTTPError as error:
            tally.failed.append(repr(error))
        else:
            tally.small += 1
            if answer.status_code != 200:
                tally.failed.append(f"{answer.status_code} {answer.text[:200]}")
            elif answer.content != expected:
                tally.wrong.append("a small answer")
        time.sleep(REST)


def take(url: str, expected: str, stop: threading.Event, tally: Tally) -> None:
    """Take a large file again and again; where it breaks off, go on from there."""
    while not stop.is_set():
        digest, taken, length, etag = hashlib.sha256(), 0, -1, ""
        while taken != length:
            headers = the_rest(taken, etag)
            request = httpx.stream("GET", url + FILE, headers=headers, timeout=60.0, trust_env=False)
            with suppress(httpx.HTTPError), request as answer:
                answer.raise_for_status()
                if taken and (answer.status_code, answer.headers["etag"]) != (206, etag):
                    tally.wrong.append(f"{answer.status_code} for the rest")
                    return
                length, etag = taken + int(answer.headers["content-length"]), answer.headers["etag"]
                for part in answer.iter_raw(MIB):
                    digest.update(part)
                    taken += len(part)
            if taken != length:
                tally.broken += 1
                time.sleep(0.2)
        tally.files += 1
        if digest.hexdigest() != expected:
            tally.wrong.append("a large file")


@contextmanager
def load(fleet: Fleet, folder: Path) -> Iterator[Tally]:
    """Ask for small answers and take large files, four clients in all, as long as this lasts."""
    small = made_here(folder, "safetensors")
    spec = str(SPEC).replace("'", '"').encode()
    large = hashlib.sha256(made_here(folder, "safetensors", spec)).hexdigest()
    stop, tally = threading.Event(), Tally()
    arguments: list[tuple[Callable[..., None], object]] = [(ask, small), (ask, small), (take, large), (take, large)]
    clients = [threading.Thread(target=client, args=(fleet.url, what, stop, tally)) for client, what in arguments]
    for client in clients:
        client.start()
    try:
        yield tally
    finally:
        stop.set()
        for client in clients:
            client.join(timeout=HEALTHY)
    assert not any(client.is_alive() for client in clients)


def test_a_rolling_restart_under_load_breaks_no_small_request_and_spoils_no_byte(fleet: Fleet, tmp_path: Path) -> None:
    with load(fleet, tmp_path) as tally:
        time.sleep(3.0)
        for replica in fleet.replicas:
            docker("restart", "--time", "40", replica)
            wait_until_healthy(replica)
            time.sleep(2.0)
    sys.stdout.write(f"{tally}\n")
    assert tally.wrong == []
    assert tally.failed == []
    assert tally.small > 50
    assert tally.files >= 2


def test_a_replica_that_is_killed_is_started_again_and_its_downloads_go_on_elsewhere(
    fleet: Fleet, tmp_path: Path
) -> None:
    with load(fleet, tmp_path) as tally:
        time.sleep(3.0)
        for replica in fleet.replicas:
            state = inspected(replica)["State"]
            os.kill(state["Pid"], signal.SIGKILL)
            wait_until_healthy(replica, since=state["StartedAt"])
            assert inspected(replica)["RestartCount"] > 0
    sys.stdout.write(f"{tally}\n")
    assert tally.wrong == []
    assert tally.broken > 0, "none was broken: the test shows nothing"
    assert len(tally.failed) <= 4, "what was half sent when a replica died, and no more"
    assert tally.files >= 2


def test_a_replica_under_another_address_is_found(fleet: Fleet, outside: httpx.Client) -> None:
    before = set(fleet.replicas)
    fleet.compose("up", "--detach", "--no-build", "--force-recreate", "--no-deps", "--wait", "initserve")
    assert not before & set(fleet.replicas)
    deadline = time.monotonic() + 30.0
    while outside.get("/livez").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    for _ in range(8):
        assert outside.post("/init?format=safetensors", content=LENET, headers=JSON).status_code == 200


def test_nothing_was_killed_for_its_memory(fleet: Fleet) -> None:
    for container in fleet.everything:
        assert inspected(container)["State"]["OOMKilled"] is False


@pytest.mark.parametrize("service", ["initserve", "nginx"])
def test_a_stopped_container_ends_by_itself_before_it_is_killed(fleet: Fleet, service: str) -> None:
    container = fleet.containers(service)[0]
    began = time.monotonic()
    docker("stop", "--time", "40", container)
    took = time.monotonic() - began
    code = inspected(container)["State"]["ExitCode"]
    docker("start", container)
    wait_until_healthy(container)
    assert took < 40.0
    assert code != 128 + signal.SIGKILL
