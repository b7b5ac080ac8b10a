"""The command itself, as a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0  # seconds, of a machine that does much else


def begun(spec: Any, place: Path | str, *more: str, **how: Any) -> "subprocess.Popen[str]":
    """Start it with a spec on standard input; what it says comes by a pipe."""
    command = [sys.executable, "-m", "service", "materialize", "-", str(place), *more]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment, **how
    )
    assert process.stdin is not None
    process.stdin.write(spec if isinstance(spec, str) else json.dumps(spec))
    process.stdin.close()
    process.stdin = None
    return process


def materialize(spec: Any, place: Path | str, *more: str, **how: Any) -> "subprocess.CompletedProcess[str]":
    """Run it to its end."""
    with begun(spec, place, *more, **how) as process:
        try:
            told, said = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, told, said)


def digests(folder: Path) -> dict[str, str]:
    """Return what sha256sum finds of every file, once it has agreed with SHA256SUMS."""
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    told = subprocess.run(["sha256sum", *names], cwd=folder, check=True, capture_output=True, text=True).stdout
    return {name: digest for digest, name in map(str.split, told.splitlines())}
