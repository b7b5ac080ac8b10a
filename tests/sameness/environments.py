"""Interpreters of other versions, with packages of other versions, each beside its own copy of the service."""

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.sameness.debian import root_with

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".sameness"  # environments are kept between runs, with the kernels that were compiled in them
# Suites of Debian that have a Python which others may not: the one after the newest release has the newest.
SUITES = {"3.13": "trixie", "3.14": "sid"}
Packages = Literal["locked", "lowest", "newest"]
UNREACHABLE = (OSError, LookupError, subprocess.SubprocessError)


@dataclass(frozen=True)
class Interpreter:
    """A command that runs Python `version`, and what it was found as."""

    version: str
    command: list[str]
    found_as: str
    environment: dict[str, str] = field(default_factory=dict)


def interpreter(version: str) -> Interpreter | None:
    """Return an interpreter of a version of Python: one that is installed, or else one of Debian's packages."""
    for candidate in candidates(version):
        if runs(candidate, version):
            return Interpreter(version, [str(candidate)], "installed here")
    if version not in SUITES:
        return None
    try:
        root = root_with(KEPT / f"debian-{version}", SUITES[version], debian_name(), f"python{version}")
    except UNREACHABLE:
        return None
    loader = next((root / "lib64").glob("ld-linux-*.so.*"), None) or next((root / "lib").glob("ld-linux-*.so.*"))
    libraries = next((root / "usr/lib").glob("*-linux-gnu"))
    command = [str(loader), "--library-path", str(libraries), str(root / f"usr/bin/python{version}")]
    return Interpreter(version, command, f"of Debian {SUITES[version]}", {"PYTHONHOME": str(root / "usr")})


def debian_name() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def candidates(version: str) -> list[Path]:
    """Return where an interpreter may be: this one, on the path, where pyenv keeps its own."""
    found = [Path(sys.executable)]
    if on_path := shutil.which(f"python{version}"):
        found.append(Path(on_path))
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    return found + sorted(kept.glob(f"{version}.*/bin/python{version}"), reverse=True)


def runs(candidate: Path, version: str) -> bool:
    """Whether an interpreter is there, and is of that version: pyenv puts others' names on the path."""
    asked = [str(candidate), "-c", "import sys; print('.'.join(map(str, sys.version_info[:2])))"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return False
    return told.returncode == 0 and told.stdout.strip() == version


def uv() -> str:
    """Return the command uv, which make test-sameness installs."""
    found = KEPT / "tools/bin/uv"
    return str(found) if found.exists() else shutil.which("uv") or "uv"


def requirements(version: str, packages: Packages, folder: Path) -> Path:
    """Return a list of packages: those that are locked, or the lowest or newest that pyproject.toml allows."""
    if packages == "locked":
        return ROOT / "requirements/run.txt"
    file = folder / "requirements.txt"
    resolution = "lowest-direct" if packages == "lowest" else "highest"
    compile_them = [uv(), "pip", "compile", "-q", "--no-header", "--no-annotate", f"--resolution={resolution}"]
    more = [f"--python-version={version}", "--group=build", str(ROOT / "pyproject.toml"), "-o", str(file)]
    subprocess.run([*compile_them, *more], check=True, cwd=ROOT, timeout=300)
    return file


def install(folder: Path, version: str, packages: Packages, machine: str) -> None:
    """Put packages for a version of Python and a machine into a folder, where they are not there yet."""
    wanted = requirements(version, packages, folder)
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text() == wanted.read_text():
        return
    shutil.rmtree(folder / "packages", ignore_errors=True)
    into = ["--target", str(folder / "packages"), f"--python-version={version}"]
    of = [f"--python-platform={machine}-manylinux_2_28", "--only-binary=:all:", "--no-deps", "-r", str(wanted)]
    subprocess.run([uv(), "pip", "install", "-q", *into, *of], check=True, timeout=600)
    stamp.write_text(wanted.read_text())


def copied(folder: Path) -> None:
    """Put the service and the golden digests beside the packages; kernels that were compiled there before stay."""
    for name in ("service", "tests"):
        shutil.copytree(
            ROOT / name, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "frameworks")
        )


def digests(python: Interpreter, packages: Packages, machine: str = "", seconds: float = 900.0) -> dict[str, Any]:
    """Return what `tests.sameness.digests` says under an interpreter with such packages."""
    machine = machine or platform.machine()
    folder = KEPT / f"{python.version}-{packages}-{machine}"
    folder.mkdir(parents=True, exist_ok=True)
    install(folder, python.version, packages, machine)
    copied(folder)
    path = os.pathsep.join([str(folder), str(folder / "packages")])
    ran = subprocess.run(
        [*python.command, "-m", "tests.sameness.digests"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": path, **python.environment},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    return dict(json.loads(ran.stdout))
