"""The service holds to its committed OpenAPI document, whatever Schemathesis makes of that: all checks, three seeds."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT, Server, serving

TOOL = ROOT / ".venv-contract" / "bin" / "schemathesis"
DOCUMENT = ROOT / "openapi" / "openapi.json"
SEEDS = [1, 2, 3]
# These take a spec, of whose schema a request takes a second to make.
OF_SPECS = "^/(init|plan|diagnose|train|specs)$"
# Its body may be a form, in which all is text: what Schemathesis takes for the wrong type is none.
FORM = "hub_paths"
MOST = 900.0  # seconds
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not TOOL.exists(), reason="no Schemathesis; make test-contract installs it"),
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(INITSERVE_SPECS=str(tmp_path_factory.mktemp("specs"))) as server:
        yield server


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("chosen", "phases", "examples"),
    [
        (["--exclude-path-regex", OF_SPECS, "--exclude-operation-id", FORM], "examples,coverage,fuzzing,stateful", 20),
        (["--include-path-regex", OF_SPECS], "examples,fuzzing", 10),
    ],
    ids=["what is asked for by address", "what takes a spec"],
)
def test_what_the_document_says_is_so(
    seed: int, chosen: list[str], phases: str, examples: int, kept: Server, tmp_path: Path
) -> None:
    command = [str(TOOL), "--config-file", str(Path(__file__).with_name("schemathesis.toml")), "run", str(DOCUMENT)]
    command += ["--url", kept.url, "--seed", str(seed), "--max-examples", str(examples), "--phases", phases, *chosen]
    command += ["--checks", "all", "--continue-on-failure", "--request-timeout", "60"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=MOST, check=False)
    assert found.returncode == 0, found.stdout[-8000:]
    assert " 500 " not in kept.logged()
