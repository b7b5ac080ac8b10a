"""deploy/systemd: a unit that systemd reads without a word, and that leaves the service little to do harm with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.doctor.limits import BESIDE, of_memory
from service.settings import Settings

UNIT = Path(__file__).parents[2] / "deploy/systemd/initserve.service"
EXPOSURE = 15  # tenths, as --threshold counts them: 1.4 here, 9.6 for a unit that says nothing
NEEDS_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")


def analyse(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def stated(name: str) -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    return str(value)


@NEEDS_SYSTEMD
def test_systemd_has_nothing_to_say_about_it(tmp_path: Path) -> None:
    there = tmp_path / UNIT.name
    program = stated("ExecStart").split()[0]
    there.write_text(UNIT.read_text().replace(program, sys.executable))
    verified = analyse("verify", there)
    assert (verified.returncode, verified.stderr) == (0, "")
    there.write_text(there.read_text().replace("ProtectClock=", "ProtectClok="))
    assert "ProtectClok" in analyse("verify", there).stderr


@NEEDS_SYSTEMD
def test_its_sandbox_leaves_little_exposed(tmp_path: Path) -> None:
    def exposed(unit: Path) -> bool:
        rated = analyse("security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit)
        assert "exposure level" in rated.stdout, rated.stderr
        return rated.returncode != 0

    assert not exposed(UNIT)
    laxer = tmp_path / UNIT.name
    laxer.write_text(re.sub(r"^SystemCallFilter=.*$", "", UNIT.read_text(), flags=re.MULTILINE))
    assert exposed(laxer)


def test_it_gives_the_service_what_its_settings_take() -> None:
    (memory,) = of_memory(Settings(), int(stated("MemoryMax").removesuffix("G")) * 2**30)
    assert memory.level == "fine", memory.text
    assert int(stated("TasksMax")) > BESIDE + 64
    assert int(stated("LimitNOFILE")) > Settings().max_connections
    assert int(stated("TimeoutStopSec")) > Settings().shutdown_seconds + 10
