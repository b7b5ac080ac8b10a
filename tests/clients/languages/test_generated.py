"""openapi-python-client makes a client of the service's document, without a warning, and that client is called."""

import base64
import io
import json
import shutil
import subprocess
import venv
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from tests.clients.languages.toolchains import ROOT

LOCK = ROOT / "requirements" / "generators.txt"
FOLDER = ROOT / "artefacts" / "clients" / "openapi-python-client"
DOCUMENT = ROOT / "openapi" / "openapi-3.1.json"
PROGRAM = Path(__file__).parent / "programs" / "generated.py"
pytestmark = pytest.mark.languages


def run(*command: str | Path) -> str:
    path = {"PATH": f"{FOLDER / 'bin'}:/usr/bin:/bin"}
    arguments = [str(part) for part in command]
    done = subprocess.run(arguments, cwd=FOLDER, env=path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def generator() -> Path:
    """The generator as the lock has it, in an environment of its own."""
    installed = FOLDER / "lock.txt"
    if not installed.exists() or installed.read_bytes() != LOCK.read_bytes():
        venv.create(FOLDER, clear=True, with_pip=True)
        pip = [str(FOLDER / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(LOCK)]
        subprocess.run(pip, check=True, timeout=300)
        shutil.copy(LOCK, installed)
    return FOLDER / "bin" / "openapi-python-client"


def test_what_the_generator_makes_of_the_document_is_called(generator: Path, server: str) -> None:
    made = FOLDER / "generated"
    said = run(generator, "generate", "--path", DOCUMENT, "--output-path", made, "--meta", "none", "--overwrite")
    assert said.splitlines() == [f"Generating {made}"]
    shutil.copy(PROGRAM, FOLDER / "program.py")
    told = json.loads(run(FOLDER / "bin" / "python", "program.py", server))
    kernel = np.load(io.BytesIO(base64.b64decode(told.pop("npy"))))
    assert np.array_equal(load(base64.b64decode(told.pop("file")))["fc1/kernel"], kernel)
    assert told == {
        "told": ["7", "kernel", "float64", [3, 2]],
        "elements": 124_439_808,
        "refused": [422, "/layers/0/shape"],
        "equal": True,
        "scheme": "glorot_uniform",
    }
