"""The Indexed Job's own command, as Kubernetes would run it: pods that are killed and tried again."""

import json
import subprocess
from pathlib import Path

import pytest

from service.materialize.job import Job
from service.materialize.manifest import Manifest, Pods, manifest_of
from tests.materialize.pods import EACH, PODS, SHARD_BYTES, SPEC, checkpoint, digests, lose_two_in_mid_shard, running

pytestmark = pytest.mark.long


def manifest_at(place: Path) -> Manifest:
    return manifest_of(Job(SPEC, SHARD_BYTES, f"file://{place}"), Pods(PODS, 2**29, claim="checkpoints"))


def test_six_pods_of_which_two_are_killed_in_mid_shard_write_one_whole_checkpoint(tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"

    def begun() -> set[str]:
        return {part.name.partition(".safetensors")[0] + ".safetensors" for part in place.glob(".initserve/*.part")}

    with running(manifest_at(place), tmp_path / "spec") as pods:
        lose_two_in_mid_shard(pods, begun, lambda name: (place / name).exists())
    expected, index = digests(), checkpoint().index_name
    assert len(expected) == PODS * EACH
    names = {"SHA256SUMS", "initserve.json", index, *expected}
    assert {path.name for path in place.iterdir()} == names, "and nothing of those that were killed"
    sums = dict(line.split("  ")[::-1] for line in (place / "SHA256SUMS").read_text().splitlines())
    assert {name: sums[name] for name in expected} == expected
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=place, check=True, timeout=60)
    assert {*json.loads((place / index).read_text())["weight_map"].values()} == {*expected}


def test_wrong_use_ends_with_the_status_that_ends_the_job(tmp_path: Path) -> None:
    with running(manifest_at(tmp_path / "checkpoint"), tmp_path / "spec") as pods:
        pods.start(PODS)  # beyond the last
        (wrong, _) = pods.policy
        assert pods.wait() == {PODS: wrong["onExitCodes"]["values"][0]}
        assert f"is no index of {PODS}" in pods.log(PODS)
        assert not (tmp_path / "checkpoint").exists()
