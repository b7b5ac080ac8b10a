"""The Job that --print-job prints, as containers: read-only, without privilege, within the memory that it asks for."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.cli import main
from tests.containers.fleet import Fleet, docker
from tests.materialize.pods import SHARD_BYTES, SPEC, digests

PODS = 6
PATIENCE = 300.0  # seconds: a busy machine
IMAGE = "initserve"


@pytest.fixture
def job(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the Job's pods are, and their spec in a folder of its own."""
    folder = tmp_path / "spec"
    folder.mkdir()
    (tmp_path / "spec.json").write_text(SPEC)
    asked = ["--print-job", "--workers", str(PODS), "--shard-bytes", str(SHARD_BYTES), "--claim", "checkpoints"]
    main(["materialize", str(tmp_path / "spec.json"), "/checkpoints", *asked])
    config, found = json.loads(capsys.readouterr().out)["items"]
    for name, content in config["data"].items():
        (folder / name).write_text(content)
    return dict(found["spec"]["template"]["spec"])


def started(pod: dict[str, Any], folder: Path, index: int) -> "subprocess.Popen[str]":
    """Start a pod's container, confined as the pod is."""
    (container,) = pod["containers"]
    limits = container["resources"]["limits"]
    user = f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
    confined = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]
    limited = [f"--cpus={limits['cpu']}", f"--memory={limits['memory'].removesuffix('i').lower()}", f"--user={user}"]
    volumes = [f"--volume={folder / 'spec'}:/spec:ro", f"--volume={folder / 'checkpoints'}:/checkpoints"]
    line = ["docker", "run", "--rm", f"--env=JOB_COMPLETION_INDEX={index}", *confined, *limited, *volumes, IMAGE]
    pipe = subprocess.PIPE
    return subprocess.Popen([*line, *container["args"]], stdout=pipe, stderr=subprocess.STDOUT, text=True)


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A volume that the pods' user may write, as fsGroup makes one."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    folder.chmod(0o777)
    yield folder
    docker("run", "--rm", "--user=0", f"--volume={folder}:/checkpoints", "--entrypoint=rm", IMAGE, "-rf",
           *(f"/checkpoints/{each.name}" for each in folder.iterdir()))  # fmt: skip


def test_six_containers_over_one_volume_write_one_whole_checkpoint(
    fleet: Fleet, job: dict[str, Any], volume: Path, tmp_path: Path
) -> None:
    running = [started(job, tmp_path, index) for index in range(PODS)]
    said = [each.communicate(timeout=PATIENCE)[0] for each in running]
    assert [each.returncode for each in running] == [0] * PODS, said
    assert any("complete: 12 shards" in each for each in said)
    assert {path.name for path in volume.iterdir() if path.suffix == ".safetensors"} == digests().keys()
    sums = dict(line.split("  ")[::-1] for line in (volume / "SHA256SUMS").read_text().splitlines())
    assert {name: sums[name] for name in digests()} == digests()
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=volume, check=True, timeout=60)
    assert not (volume / ".initserve").exists()
