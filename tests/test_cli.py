"""The command line: the same bytes as the server's, and nothing left behind when it fails."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]
LENET = ROOT / "examples/lenet5.json"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "service", *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_init_writes_the_servers_bytes(client: httpx.Client, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"lenet5.{suffix}"
    made = run("init", LENET, "-o", file)
    assert made.returncode == 0, made.stderr
    assert "61,706 elements" in made.stdout
    answer = client.post(
        f"/init?format={suffix}", content=LENET.read_bytes(), headers={"content-type": "application/json"}
    )
    assert file.read_bytes() == answer.content
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_warnings_go_to_standard_error(tmp_path: Path) -> None:
    spec = tmp_path / "zeros.json"
    spec.write_text(json.dumps({"layers": [{"type": "dense", "shape": [3, 2], "scheme": "zeros"}]}))
    made = run("init", spec, "-o", tmp_path / "zeros.json.npz")
    assert made.returncode == 0
    assert "nothing is learnt" in made.stderr


@pytest.mark.parametrize(
    ("spec", "output", "message"),
    [
        ('{"layers": []}', "w.npz", "/layers"),
        ("{", "w.npz", "line 1"),
        ('{"layers": [{"type": "dense", "shape": [3, 2]}]}', "w.h5", ".safetensors"),
        ('{"layers": [{"type": "dense", "shape": [3, 2]}]}', "w.npy", "npz"),
        ('{"dtype": "bfloat16", "layers": [{"type": "dense", "shape": [3, 2]}]}', "w.npz", "safetensors"),
        ('{"layers": [{"type": "dense", "shape": [3, 2]}]}', "nowhere/w.npz", "nowhere"),
        (None, "w.npz", "No such file"),
    ],
)
def test_failure_says_why_and_leaves_nothing(tmp_path: Path, spec: str | None, output: str, message: str) -> None:
    asked = tmp_path / "spec.json"
    if spec is not None:
        asked.write_text(spec)
    made = run("init", asked, "-o", tmp_path / output)
    assert made.returncode == 1
    assert message in made.stderr
    assert "Traceback" not in made.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"spec.json"}


def test_check_and_version() -> None:
    assert "agree" in run("check").stdout
    assert run("--version").stdout.strip() == "0.1.0"
