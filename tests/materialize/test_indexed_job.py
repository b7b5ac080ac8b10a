"""The Indexed Job's own command, as Kubernetes would run it: a process an index, killed and tried again by itself."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from service.materialize.checkpoint import Checkpoint, checkpoint_of
from service.materialize.hashing import Hashing
from service.materialize.job import Job
from service.materialize.manifest import Pods, manifest_of
from service.materialize.share import INDEX
from service.specs.spec import Spec
from tests.conftest import ROOT

PODS, EACH = 6, 2  # shards of a pod
LAYERS = [
    {"name": f"l{number:02}", "type": "tensor", "shape": [4096, 1536], "scheme": "he_normal"}
    for number in range(PODS * EACH)
]
SPEC = Spec.model_validate({"seed": 5, "layers": LAYERS}).plan().canonical_json()
SHARD_BYTES = 4 * 4096 * 1536
PATIENCE = 240.0  # seconds: a busy machine

pytestmark = pytest.mark.long


class Cluster:
    """Runs the containers of a manifest as processes: the ConfigMap's files are where the command looks for them."""

    def __init__(self, manifest: dict[str, Any], folder: Path) -> None:
        config, job = manifest["items"]
        for name, content in config["data"].items():
            (folder / name).write_text(content)
        (container,) = job["spec"]["template"]["spec"]["containers"]
        self.arguments = [each.replace("/spec/", f"{folder}/") for each in container["args"]]
        self.completions: int = job["spec"]["completions"]
        self.policy = job["spec"]["podFailurePolicy"]["rules"]
        self._logs = folder
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, index: int) -> None:
        environment = {**os.environ, INDEX: str(index)}
        with (self._logs / f"log-{index}").open("ab") as log:
            self.running[index] = subprocess.Popen(
                [sys.executable, "-m", "service", *self.arguments],
                env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, index: int) -> None:
        """End all that an index runs, at once, as a node that is lost does."""
        os.killpg(self.running[index].pid, signal.SIGKILL)
        assert self.running.pop(index).wait(10) == -signal.SIGKILL

    def wait(self) -> dict[int, int]:
        until = time.monotonic() + PATIENCE
        return {index: each.wait(max(0.1, until - time.monotonic())) for index, each in self.running.items()}

    def log(self, index: int) -> str:
        return (self._logs / f"log-{index}").read_text()

    def end(self) -> None:
        for each in self.running.values():
            if each.poll() is None:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait(10)


@contextmanager
def cluster(place: Path, folder: Path) -> Iterator[Cluster]:
    folder.mkdir()
    job = Job(SPEC, SHARD_BYTES, f"file://{place}")
    found = Cluster(manifest_of(job, Pods(PODS, 2**29, claim="checkpoints")), folder)
    try:
        yield found
    finally:
        found.end()


def index_in_mid_shard(place: Path, indexes: set[int]) -> int:
    """Return which of these is now writing its second shard, a part of which is there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for part in (place / ".initserve").glob("model-*.part"):
            number = int(part.name.split("-")[1]) - 1
            if number >= PODS and number % PODS in indexes:
                return number % PODS
        time.sleep(0.001)
    raise AssertionError("nobody came to a second shard")


def digests_of(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the digests of the files that the service's addresses answer with."""
    found = {}
    for shard in checkpoint.shards:
        hashing = Hashing()
        for _ in hashing.passing(shard.payload().chunks()):
            pass
        found[shard.name] = hashing.hexdigest()
    return found


def test_six_pods_of_which_two_are_killed_in_mid_shard_write_one_whole_checkpoint(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    with cluster(place, tmp_path / "spec") as job:
        assert job.completions == PODS
        for index in range(PODS):
            job.start(index)
        killed: set[int] = set()
        while len(killed) < 2:
            index = index_in_mid_shard(place, {*range(PODS)} - killed)
            job.kill(index)
            killed.add(index)
        missing = {
            index for index in killed if not (place / f"model-{index + PODS + 1:05}-of-00012.safetensors").exists()
        }
        assert missing == killed, "a shard was whole before its pod was killed: nothing is shown"
        assert job.wait() == dict.fromkeys({*range(PODS)} - killed, 0)
        assert not (place / "model.safetensors.index.json").exists()
        for index in killed:
            job.start(index)
        assert job.wait() == dict.fromkeys(range(PODS), 0)
        for index in killed:
            assert ", 1 of which were there before" in job.log(index)
    checkpoint = checkpoint_of(SPEC, SHARD_BYTES)
    expected = digests_of(checkpoint)
    assert len(expected) == PODS * EACH
    names = {"SHA256SUMS", "initserve.json", checkpoint.index_name, *expected}
    assert {path.name for path in place.iterdir()} == names, "and nothing of those that were killed"
    sums = dict(line.split("  ")[::-1] for line in (place / "SHA256SUMS").read_text().splitlines())
    assert {name: sums[name] for name in expected} == expected
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=place, check=True, timeout=60)
    index_file = json.loads((place / checkpoint.index_name).read_text())
    assert {*index_file["weight_map"].values()} == {*expected}


def test_wrong_use_ends_with_the_status_that_ends_the_job(tmp_path: Path) -> None:
    with cluster(tmp_path / "checkpoint", tmp_path / "spec") as job:
        job.start(PODS)  # beyond the last
        (wrong, _) = job.policy
        assert job.wait() == {PODS: wrong["onExitCodes"]["values"][0]}
        assert f"is no index of {PODS}" in job.log(PODS)
        assert not (tmp_path / "checkpoint").exists()
