"""The command: the bytes of the service's own addresses, in a directory, with what tells that they are whole."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
SPEC: dict[str, Any] = {
    "seed": 7,
    "layers": [{"type": "dense", "shape": [40, 30]}, {"type": "dense", "shape": [30, 20]}],
}
SHARD_BYTES = 3000  # of which one tensor has more


def materialize(spec: Any, place: Path | str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "service", "materialize", "-", str(place), *more]
    text = json.dumps(spec)
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT, check=False, timeout=300)


def test_every_file_is_the_services_own_byte_for_byte(client: httpx.Client, tmp_path: Path) -> None:
    place = tmp_path / "checkpoint"
    made = materialize(SPEC, place, "--shard-bytes", str(SHARD_BYTES))
    assert made.returncode == 0, made.stderr
    address = client.post("/plan", json=SPEC).json()["links"]["safetensors"].removesuffix(".safetensors")
    index = client.get(f"{address}/model.safetensors.index.json?shard_bytes={SHARD_BYTES}")
    assert (place / "model.safetensors.index.json").read_bytes() == index.content
    shards = {*index.json()["weight_map"].values()}
    assert len(shards) > 1
    for name in shards:
        answer = client.get(f"{address}/{name}?shard_bytes={SHARD_BYTES}")
        assert answer.status_code == 200
        assert (place / name).read_bytes() == answer.content
    names = {each.name for each in place.iterdir()}
    assert names == {*shards, "model.safetensors.index.json", "initserve.json", "SHA256SUMS"}
    sums = {name: digest for digest, name in map(str.split, (place / "SHA256SUMS").read_text().splitlines())}
    assert sums == {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in names - {"SHA256SUMS"}}
