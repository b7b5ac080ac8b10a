"""TypeScript: the types of the JavaScript client hold, and generators make of openapi.json what can be called."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.languages.toolchains import CLIENTS, ROOT

SOURCES = Path(__file__).parent / "typescript"
FOLDER = ROOT / "artefacts" / "clients" / "typescript"
pytestmark = pytest.mark.languages


def run(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], cwd=FOLDER, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def modules() -> Path:
    """The compiler and the generators, as the lock has them, and the client beside them."""
    if shutil.which("npm") is None:
        assert not os.environ.get("REQUIRE")
        pytest.skip("TypeScript needs npm; make languages installs it")
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = (SOURCES / "package-lock.json").read_bytes()
    installed = FOLDER / "package-lock.json"
    fresh = not installed.exists() or installed.read_bytes() != lock
    for path in SOURCES.iterdir():
        shutil.copy(path, FOLDER)
    if fresh or not (FOLDER / "node_modules").exists():
        run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
    link = FOLDER / "node_modules" / "initserve"
    link.unlink(missing_ok=True)
    link.symlink_to(CLIENTS / "javascript")
    return FOLDER / "node_modules" / ".bin"


def test_the_types_of_the_client_hold(modules: Path, server: str) -> None:
    assert run(modules / "tsc", "-p", "tsconfig.json") == ""
    assert run("node", "built/program.js", server).split() == [
        *("422", "/layers/0/type", '{"type":"dense"}', "2", "8", "function")
    ]


def test_what_generators_make_of_the_document_is_called(modules: Path, server: str) -> None:
    document = ROOT / "openapi" / "openapi.json"
    said = run(modules / "openapi-typescript", document, "-o", "schema.d.ts")
    said += run(modules / "openapi-ts", "-i", document, "-o", "generated", "-c", "@hey-api/client-fetch")
    assert "warn" not in said.lower()
    assert run(modules / "tsc", "-p", "tsconfig.generated.json") == ""
    (FOLDER / "built-generated" / "package.json").write_text(json.dumps({"type": "commonjs"}))
    assert run("node", "built-generated/generated.js", server).split() == ["8", "8"]
