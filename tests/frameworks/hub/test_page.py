"""Every line of docs/hub.md and docs/addresses.md that is Python runs, as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs"
BLOCKS = [
    block
    for page in ("hub.md", "addresses.md")
    for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
]


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {index}" for index in range(1, len(BLOCKS) + 1)])
def test_a_block_runs(block: str, server: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_ENDPOINT": server, "HF_HOME": str(tmp_path), "USE_TF": "0"}
    done = subprocess.run(
        [sys.executable, "-c", block.replace("http://localhost:8000", server)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr[-3000:]
