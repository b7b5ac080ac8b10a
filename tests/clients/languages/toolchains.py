"""How the client of each language is built and run; all that is made is put where the tests say."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
CLIENTS = ROOT / "clients"
PROGRAMS = Path(__file__).parent / "programs"
LONGEST = 300.0  # seconds: a first build of Go compiles its library too


@dataclass(frozen=True)
class Language:
    """What has to be there, whether the client draws, and how its program is built: into a folder, to a command."""

    tools: tuple[str, ...]
    draws: bool
    build: Callable[[Path], list[str]]


def made(*command: str | Path, folder: Path = ROOT, **environment: str) -> None:
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", done.stderr  # a warning


def javascript(_: Path) -> list[str]:
    return ["node", str(PROGRAMS / "javascript.mjs"), str(CLIENTS / "javascript" / "initserve.js")]


def c(folder: Path) -> list[str]:
    program = folder / "program"
    options: list[str | Path] = ["-std=c99", "-Wall", "-Wextra", "-O2", "-ffp-contract=off", "-I", CLIENTS / "c"]
    made("cc", *options, "-o", program, PROGRAMS / "c.c", "-lm")
    return [str(program)]


def go(folder: Path) -> list[str]:
    """Go compiles its own library at a first build; that is kept."""
    cache = str(ROOT / "artefacts" / "clients" / "go")
    program = folder / "program"
    made("go", "build", "-o", program, ".", GOCACHE=cache, GOFLAGS="-mod=mod", folder=PROGRAMS / "go")
    return [str(program)]


def rust(folder: Path) -> list[str]:
    program = folder / "program"
    made("rustc", "--edition", "2021", "-O", "-o", program, PROGRAMS / "rust.rs")
    return [str(program)]


def java(folder: Path) -> list[str]:
    sources = CLIENTS / "java" / "Initserve.java", PROGRAMS / "Program.java"
    made("javac", "-Xlint:all", "-Werror", "-encoding", "UTF-8", "-d", folder, *sources)
    small = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dfile.encoding=UTF-8"]  # starts sooner
    return ["java", *small, "-Dsun.stdout.encoding=UTF-8", "-cp", str(folder), "Program"]


def ruby(_: Path) -> list[str]:
    return ["ruby", "-W2", "-Eutf-8", str(PROGRAMS / "ruby.rb")]


def r(_: Path) -> list[str]:
    return ["Rscript", "--vanilla", str(PROGRAMS / "r.R"), str(CLIENTS / "r" / "initserve.R")]


LANGUAGES = {
    "javascript": Language(("node",), True, javascript),
    "c": Language(("cc",), True, c),
    "rust": Language(("rustc",), True, rust),
    "go": Language(("go",), False, go),
    "java": Language(("javac",), False, java),
    "r": Language(("Rscript",), False, r),
    "ruby": Language(("ruby",), False, ruby),
}


def missing(language: str) -> list[str]:
    """Return what of a language's toolchain is not there."""
    return [tool for tool in LANGUAGES[language].tools if shutil.which(tool) is None]
