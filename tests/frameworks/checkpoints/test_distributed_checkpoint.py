"""torch's distributed checkpoint reader puts what materialize writes into the shards of two ranks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.specs.spec import Spec
from tests.conftest import ROOT
from tests.frameworks.checkpoints.test_from_pretrained import digests_in
from tests.frameworks.checkpoints.writing import write
from tests.frameworks.families.texts import TEXTS

PATIENCE = 240.0  # seconds
SHARD_BYTES = 20_000
SPECS: list[dict[str, Any]] = [
    {"recipe": "llama", "config": TEXTS["llama"].config, "head": "causal_lm", "seed": 8, "dtype": "float32"},
    {"recipe": "gpt2", "config": TEXTS["gpt2"].config, "head": "causal_lm", "seed": 8, "dtype": "bfloat16"},
]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Return what two ranks hold together of each checkpoint: sizes that they do not divide evenly, tied arrays too."""
    folder = tmp_path_factory.mktemp("written")
    asked: list[str] = []
    for number, spec in enumerate(SPECS):
        place = write(Spec.model_validate(spec).plan(), folder / str(number), SHARD_BYTES)
        assert len(list(place.glob("*.safetensors"))) > 2
        asked += [json.dumps(spec), str(place)]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*torchrun, str(Path(__file__).parent / "reading.py"), *asked],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("number", range(len(SPECS)))
def test_two_ranks_hold_what_the_service_answers(
    number: int, read: list[dict[str, str]], client: httpx.Client, tmp_path: Path
) -> None:
    file = tmp_path / "answered.safetensors"
    file.write_bytes(client.post("/init?format=safetensors", json=SPECS[number]).content)
    assert read[number] == digests_in([file])
