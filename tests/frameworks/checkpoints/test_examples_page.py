"""The commands of examples/README.md, run as they stand, print what the page shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

PAGE = (ROOT / "examples" / "README.md").read_text()
COMMANDS = re.findall(r"```sh\n(.*?)```(?:\n\n```text\n(.*?)```)?", PAGE, re.DOTALL)
PATIENCE = 400.0  # seconds
END = "\0"


def test_every_command_prints_what_the_page_shows(server: str, tmp_path: Path) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    script = "".join(f"{command}\nprintf '\\0'\n" for command, _ in COMMANDS)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{ROOT}:{ROOT}/clients/python",
        "OMP_NUM_THREADS": "1",
        "JAX_PLATFORMS": "cpu",
    }
    done = subprocess.run(
        ["bash", "-euc", script.replace("http://localhost:8000", server)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split(END)[:-1] == [shown for _, shown in COMMANDS]
    assert len(COMMANDS) == 4
    written = {each.name for each in tmp_path.iterdir()}
    assert written == {"examples", "checkpoint", "network.json", "arrays"}
