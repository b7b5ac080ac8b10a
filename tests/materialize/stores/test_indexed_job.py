"""The Indexed Job's own command into a store: its pods have the Secret in their environment, and some are killed."""

import hashlib
import re
from pathlib import Path

import httpx
import pytest

from service.materialize.job import Job
from service.materialize.manifest import Pods, manifest_of
from tests.materialize.pods import PODS, SHARD_BYTES, SPEC, checkpoint, digests, lose_two_in_mid_shard, running
from tests.materialize.stores.s3 import BUCKET, S3, SIGNED

pytestmark = pytest.mark.long


def test_six_pods_of_which_two_are_killed_in_mid_shard_write_one_whole_checkpoint(
    s3: S3, folder: str, tmp_path: Path
) -> None:
    def begun() -> set[str]:
        told = httpx.get(f"{s3.url}/{BUCKET}?uploads", headers=SIGNED, timeout=60).text
        return set(re.findall(rf"<Key>{folder}/([^<]+)</Key>", told))

    def whole(name: str) -> bool:
        return httpx.head(f"{s3.url}/{BUCKET}/{folder}/{name}", headers=SIGNED, timeout=60).status_code == 200

    manifest = manifest_of(Job(SPEC, SHARD_BYTES, f"s3://{BUCKET}/{folder}"), Pods(PODS, 2**29))
    assert all(value not in str(manifest) for value in s3.environment.values())
    with running(manifest, tmp_path / "spec", s3.environment) as pods:
        lose_two_in_mid_shard(pods, begun, whole)
    expected, there = digests(), s3.objects(folder)
    assert there.keys() == {"SHA256SUMS", "initserve.json", checkpoint().index_name, *expected}
    assert {name: hashlib.sha256(there[name]).hexdigest() for name in expected} == expected
    sums = dict(line.split("  ")[::-1] for line in there["SHA256SUMS"].decode().splitlines())
    assert sums == {name: hashlib.sha256(content).hexdigest() for name, content in there.items() if name in sums}
    assert begun() <= {*expected}, "what was begun and not finished stands under no name"
