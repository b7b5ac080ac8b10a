"""Writes checkpoints in shards: by the command, or in this process, where a test makes many."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from service.materialize import run
from service.materialize.checkpoint import Checkpoint
from service.materialize.claim import claim
from service.materialize.job import Job
from service.materialize.places import place_at
from service.networks.plan import Plan
from tests.conftest import ROOT
from tests.materialize.here import Here, unseen

PATIENCE = 120.0  # seconds


def materialize(spec: dict[str, Any], folder: Path, shard_bytes: int) -> Path:
    """Write a spec's checkpoint into a folder by `initserve materialize`, and return the folder."""
    command = [sys.executable, "-m", "service", "materialize", "-", str(folder), "--shard-bytes", str(shard_bytes)]
    done = subprocess.run(
        command, input=json.dumps(spec), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def write(plan: Plan, folder: Path, shard_bytes: int) -> Path:
    """Do the same in this process, one shard after the other."""
    checkpoint = claim(place_at(str(folder), {}), lambda _: Checkpoint(plan, shard_bytes))
    report = run.write(Job(plan.canonical_json(), shard_bytes, str(folder)), checkpoint, Here(), unseen())
    assert not report.missing, report.missing
    return folder
