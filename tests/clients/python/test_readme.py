"""The client's README says what happens, and its package is what is said."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "clients" / "python"
PAGE = (ROOT / "README.md").read_text()


def test_its_lines_run_as_they_stand(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    program = "".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    exec(program.replace("http://127.0.0.1:8000", server), names)
    names["client"].close()  # type: ignore[attr-defined]
    (shown,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    assert capsys.readouterr().out == shown
    assert names["rows"].shape == (128, 256)  # type: ignore[attr-defined]
    assert len(names["starts"]) == 8  # type: ignore[arg-type]


def test_the_wheel_is_built_without_a_network_and_needs_httpx_and_numpy_alone(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    build = "import sys; from setuptools import build_meta; print(build_meta.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("initserve_client-*.whl")
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
        (metadata,) = (file.read(name).decode() for name in names if name.endswith("METADATA"))
    modules = {each.relative_to(ROOT).as_posix() for each in (ROOT / "initserve").rglob("*.py")}
    assert modules | {"initserve/py.typed"} == {name for name in names if ".dist-info/" not in name}
    assert re.findall(r"^Requires-Dist: (\w+)", metadata, re.MULTILINE) == ["httpx", "numpy"]


def test_it_is_imported_without_the_service() -> None:
    program = (
        "import sys; sys.modules['service'] = None; import initserve; initserve.Client().close(); initserve.Local()"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stderr.splitlines()[-1].startswith("ImportError: Local makes weights with initserve itself")
