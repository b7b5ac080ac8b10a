"""The containers of a Job's manifest, run as processes: one an index, which stands in its environment."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.materialize.checkpoint import Checkpoint, checkpoint_of
from service.materialize.hashing import Hashing
from service.materialize.manifest import Manifest
from service.materialize.share import INDEX
from service.specs.spec import Spec
from tests.conftest import ROOT

PODS, EACH = 6, 2  # shards of a pod
SHAPE = [4096, 1280]
LAYERS: list[dict[str, Any]] = [
    {"name": f"l{number:02}", "type": "tensor", "shape": SHAPE, "scheme": "he_normal"} for number in range(PODS * EACH)
]
SPEC = Spec.model_validate({"seed": 5, "layers": LAYERS}).plan().canonical_json()
SHARD_BYTES = 4 * 4096 * 1280  # a layer: more than a part that a store is sent
PATIENCE = 240.0  # seconds: a busy machine


def checkpoint() -> Checkpoint:
    return checkpoint_of(SPEC, SHARD_BYTES)


def digests() -> dict[str, str]:
    """Return the digests of the files that the service's addresses answer with."""
    found = {}
    for shard in checkpoint().shards:
        hashing = Hashing()
        for _ in hashing.passing(shard.payload().chunks()):
            pass
        found[shard.name] = hashing.hexdigest()
    return found


def second_of(index: int) -> str:
    """Return the name of a pod's second shard."""
    return checkpoint().shards[index + PODS].name


class Pods:
    """The ConfigMap's files are where the command looks for them, the Secret's entries in the environment."""

    def __init__(self, manifest: Manifest, secret: Mapping[str, str], folder: Path) -> None:
        config, job = manifest["items"]
        for name, content in config["data"].items():
            (folder / name).write_text(content)
        (container,) = job["spec"]["template"]["spec"]["containers"]
        self.arguments = [each.replace("/spec/", f"{folder}/") for each in container["args"]]
        self.completions: int = job["spec"]["completions"]
        self.policy = job["spec"]["podFailurePolicy"]["rules"]
        self._secret, self._logs = secret, folder
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, index: int) -> None:
        environment = {**os.environ, **self._secret, INDEX: str(index)}
        command = [sys.executable, "-m", "service", *self.arguments]
        with (self._logs / f"log-{index}").open("ab") as log:
            self._running[index] = subprocess.Popen(
                command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def kill(self, index: int) -> None:
        """End all that an index runs, at once, as a node that is lost does."""
        os.killpg(self._running[index].pid, signal.SIGKILL)
        assert self._running.pop(index).wait(10) == -signal.SIGKILL

    def wait(self) -> dict[int, int]:
        """Return the exit status of all that run, once they have ended."""
        until = time.monotonic() + PATIENCE
        return {index: each.wait(max(0.1, until - time.monotonic())) for index, each in self._running.items()}

    def log(self, index: int) -> str:
        return (self._logs / f"log-{index}").read_text()

    def end(self) -> None:
        for each in self._running.values():
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait(10)


@contextmanager
def running(manifest: Manifest, folder: Path, secret: Mapping[str, str] | None = None) -> Iterator[Pods]:
    folder.mkdir()
    found = Pods(manifest, secret or {}, folder)
    try:
        yield found
    finally:
        found.end()


def lose_two_in_mid_shard(pods: Pods, begun: Callable[[], set[str]], whole: Callable[[str], bool]) -> None:
    """Run all six, kill two while they write their second shard, and run these again when the others are done.

    `begun` returns the names of the shards that are being written, `whole` whether one is there.
    """
    assert pods.completions == PODS
    for index in range(PODS):
        pods.start(index)
    killed: list[int] = []
    until = time.monotonic() + PATIENCE
    while len(killed) < 2:
        assert time.monotonic() < until, "nobody came to a second shard"
        writing = begun()
        for index in {*range(PODS)}.difference(killed):
            if second_of(index) in writing and len(killed) < 2:
                pods.kill(index)
                assert not whole(second_of(index)), "it was whole before its pod was killed: nothing is shown"
                killed.append(index)
        time.sleep(0.001)
    assert pods.wait() == dict.fromkeys({*range(PODS)}.difference(killed), 0)
    assert not whole(checkpoint().index_name)
    for index in killed:
        pods.start(index)
    assert pods.wait() == dict.fromkeys(range(PODS), 0)
    for index in killed:
        assert ", 1 of which were there before" in pods.log(index)
