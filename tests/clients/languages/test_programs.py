"""The programs that the page offers in R and JavaScript: run, they hold the values that the service answers."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.clients.languages.toolchains import ROOT

WRITE = ROOT / "tests" / "frameworks" / "written_programs.mjs"
LINES = ROOT / "tests" / "frameworks" / "shown_lines.mjs"
LAYERS = [
    {"name": "fc1", "type": "dense", "shape": [9, 6], "activation": "relu", "bias": "random_normal"},
    {"name": "u", "type": "tensor", "shape": [2, 3, 4]},
    {"name": "out", "type": "dense", "shape": [6, 3]},
]
# What a program says of its arrays in the end, each value with all its digits.
TOLD = {
    "r": 'for (key in names(weights)) cat(key, paste(dim(weights[[key]]), collapse = "x"), '
    'sprintf("%.17g", as.vector(if (is.null(dim(weights[[key]]))) weights[[key]] else aperm(weights[[key]]))), "\\n")',
    "javascript": "for (const [key, { shape, values }] of Object.entries(weights)) "
    'console.log(key, shape.join("x"), ...values);',
}
FILES = {"r": "program.R", "javascript": "program.mjs"}
COMMANDS = {"r": ["Rscript", "--vanilla"], "javascript": ["node"]}


def present(language: str) -> None:
    for tool in ("node", COMMANDS[language][0]):
        if shutil.which(tool) is None:
            assert not os.environ.get("REQUIRE"), f"{language} needs {tool}"
            pytest.skip(f"{language} needs {tool}; make languages installs it")


def node(script: Path, question: dict[str, Any]) -> dict[str, Any]:
    command = ["node", str(script)]
    done = subprocess.run(command, input=json.dumps([question]), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    return dict(answer)


def run(language: str, lines: str, folder: Path) -> list[str]:
    (folder / FILES[language]).write_text(lines, encoding="utf-8")
    command = [*COMMANDS[language], FILES[language]]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, lines + done.stderr
    return done.stdout.splitlines()


LANGUAGES = [pytest.param("r", marks=pytest.mark.languages), "javascript"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("address", [True, False])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_program_holds_the_services_values(
    language: str, address: bool, dtype: str, server: str, tmp_path: Path
) -> None:
    present(language)
    spec = {"seed": "42", "dtype": dtype, "layers": LAYERS}
    plan = httpx.post(f"{server}/plan", json=spec).json()
    if not address:
        del plan["links"]
    written = node(WRITE, {"name": language, "spec": spec, "plan": plan, "address": server})["lines"]
    assert ("/weights/" in written) is address
    said = run(language, f"{written}\n{TOLD[language]}\n", tmp_path)
    wanted = httpx.post(f"{server}/init?format=npz", json=spec).content
    (tmp_path / "wanted.npz").write_bytes(wanted)
    arrays = dict(np.load(tmp_path / "wanted.npz"))
    found = {line.split()[0]: line.split()[1:] for line in said[-len(arrays) :]}
    for key, array in arrays.items():
        shape, *values = found[key] if array.ndim > 1 or language == "javascript" else ["", *found[key]]
        assert shape in ("x".join(map(str, array.shape)), "")
        assert np.array_equal(np.array(values, dtype=np.float64), array.flatten().astype(np.float64)), key


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_lines_print_what_the_page_shows(language: str, dtype: str, server: str, tmp_path: Path) -> None:
    present(language)
    spec = {"seed": "42", "dtype": dtype, "layers": LAYERS}
    plan = httpx.post(f"{server}/plan", json=spec).json()
    for layer in range(2):
        parameter = plan["layers"][layer]["parameters"][0]
        raw = httpx.get(server + parameter["links"]["raw"]).content
        values = [float(value) for value in np.frombuffer(raw, "<f4" if dtype == "float32" else "<f8")[:5]]
        asked = {"spec": spec, "plan": plan, "at": {"layer": layer, "parameter": 0}, "client": language,
                 "values": values, "address": server}  # fmt: skip
        written = node(LINES, asked)
        assert run(language, written["lines"] + "\n", tmp_path) == [written["printed"]]
