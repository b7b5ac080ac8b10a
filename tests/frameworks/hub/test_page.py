"""Every line of docs/hub.md that is Python runs, as a reader would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[3] / "docs" / "hub.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[f"block {index}" for index in range(1, len(BLOCKS) + 1)])
def test_a_block_runs(block: str, server: str, tmp_path: Path) -> None:
    environment = {**os.environ, "HF_ENDPOINT": server, "HF_HOME": str(tmp_path), "USE_TF": "0"}
    done = subprocess.run(
        [sys.executable, "-c", block], env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr[-3000:]
