"""Checkpoints by a cluster whose workers are killed in mid-shard: the bytes of the local engine and of the service."""

import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import httpx

from service.materialize.engines.engine import TRIES
from tests.materialize.clusters.commands import MOST, SPEC, begun, ended, killed, materialize, writers
from tests.materialize.clusters.three import Cluster
from tests.materialize.stores.s3 import BUCKET, storing

SMALL = SPEC | {"layers": SPEC["layers"][:3]}
SHARDS = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]


def digests(place: Path) -> dict[str, str]:
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in place.iterdir()}


def test_workers_are_killed_in_mid_shard_and_every_byte_is_that_of_one_machine_and_of_the_service(
    cluster: Cluster, local: Path, client: httpx.Client, address: str, tmp_path: Path
) -> None:
    place = tmp_path / "checkpoint"
    process = begun(SPEC, place, *cluster.options)
    fallen = killed(place, process, lambda _: True, most=3)
    made = ended(process)
    assert made.returncode == 0, made.stderr
    assert len(fallen) == 3
    assert digests(place) == digests(local)
    sums = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=place, capture_output=True, check=True
    )
    assert sums.stdout.count(b": OK") == len(SPEC["layers"]) + 2
    for name in sorted({each.shard for each in fallen}):  # the others are equal to what is tested elsewhere
        served = client.get(address.format(f"{name}.safetensors"))
        assert hashlib.sha256(served.content).hexdigest() == digests(place)[f"{name}.safetensors"]


def test_a_shard_whose_workers_all_die_is_missing_alone_and_is_made_by_the_next_run(
    cluster: Cluster, tmp_path: Path
) -> None:
    place = tmp_path / "checkpoint"
    process = begun(SMALL, place, *cluster.options)
    fallen = killed(place, process, lambda writer: writer.shard.startswith("model-00002"), most=10)
    made = ended(process)
    assert made.returncode == 1, made.stderr
    assert len(fallen) == TRIES
    (last,) = [line for line in made.stderr.splitlines() if "missing" in line]
    assert last.startswith(f"initserve: shard 2 of 3 is missing: {TRIES} workers ended over it"), last
    names = {each.name for each in place.iterdir()}
    assert {SHARDS[0], SHARDS[2]} <= names
    assert not {SHARDS[1], "model.safetensors.index.json", "SHA256SUMS"} & names
    again = materialize(SMALL, place, *cluster.options)
    assert again.returncode == 0, again.stderr
    assert "2 of which were there before" in again.stderr
    with (place / SHARDS[2]).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        last_byte = file.read(1)
        file.seek(-1, os.SEEK_END)
        file.write(bytes([last_byte[0] ^ 1]))
    found = materialize(SMALL, place, *cluster.options, "--verify")
    assert found.returncode == 1, found.stderr
    assert SHARDS[2] in found.stderr
    assert SHARDS[0] not in found.stderr


def test_an_interrupted_run_ends_what_is_under_way_and_leaves_the_cluster_to_others(
    cluster: Cluster, tmp_path: Path
) -> None:
    place = tmp_path / "checkpoint"
    layer = {"type": "dense", "shape": [10_000, 10_000], "bias": None}  # 400 MB: seconds of work
    process = begun({"seed": 1, "layers": [layer] * 3}, place, *cluster.options)
    deadline = time.monotonic() + MOST
    while process.poll() is None and not [*writers(place)] and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    made = ended(process)
    assert made.returncode == 130, made.stderr
    deadline = time.monotonic() + 10
    while [*writers(place)] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [*writers(place)]
    assert not [*place.glob(".initserve/*.part")]
    assert not [*place.glob("*.safetensors")]


def test_a_store_gets_the_same_files(cluster: Cluster, local: Path, tmp_path: Path) -> None:
    with storing() as store:
        options = [f"--option={name}={value}" for name, value in store.options.items()]
        made = materialize(SPEC, f"s3://{BUCKET}/{cluster.engine}", *cluster.options, *options)
        assert made.returncode == 0, made.stderr
        files = store.objects(cluster.engine)
    assert {name: hashlib.sha256(content).hexdigest() for name, content in files.items()} == digests(local)
