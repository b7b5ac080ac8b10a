"""What docs/materialize.md says of loading is so: transformers reads the checkpoint that its first command writes."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "materialize.md").read_text()


def test_the_pages_python_loads_the_pages_checkpoint(tmp_path: Path) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    command = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "USE_TF": "0", "HF_HUB_OFFLINE": "1"}
    for line in (["bash", "-euc", command], [sys.executable, "-c", block]):
        done = subprocess.run(
            line, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
