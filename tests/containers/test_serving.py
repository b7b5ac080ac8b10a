"""What is served from containers: the same bytes by any replica, and only what strangers are to have."""

import hashlib
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.containers.fleet import ROOT, Fleet, inside

LENET = (ROOT / "examples/lenet5.json").read_bytes()
JSON = {"content-type": "application/json"}
# Asks a replica itself, from within its container: the digest of an answer.
ASKS = """
import hashlib, sys, urllib.request
body = sys.argv[2].encode()
request = urllib.request.Request("http://127.0.0.1:8000" + sys.argv[1], body, {"content-type": "application/json"})
print(hashlib.sha256(urllib.request.urlopen(request, timeout=60).read()).hexdigest())
"""


def made_here(folder: Path, suffix: str, spec: bytes = LENET) -> bytes:
    """Return the file that the command line makes of a spec on this machine."""
    (folder / "spec.json").write_bytes(spec)
    file = folder / f"weights.{suffix}"
    command = [sys.executable, "-m", "service", "init", str(folder / "spec.json"), "-o", str(file)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    return file.read_bytes()


@pytest.mark.parametrize("format", ["safetensors", "npz"])
def test_each_replica_gives_the_command_lines_bytes(fleet: Fleet, tmp_path: Path, format: str) -> None:
    expected = hashlib.sha256(made_here(tmp_path, format)).hexdigest()
    assert len(fleet.replicas) == 2
    for replica in fleet.replicas:
        said = inside(replica, "python", "-c", ASKS, f"/init?format={format}", LENET.decode())
        assert said.strip() == expected


def test_whichever_answers_the_bytes_are_the_same(outside: httpx.Client, tmp_path: Path) -> None:
    expected = made_here(tmp_path, "safetensors")
    for _ in range(8):
        answer = outside.post("/init?format=safetensors", content=LENET, headers=JSON)
        assert (answer.status_code, answer.content) == (200, expected)


@pytest.mark.parametrize("path", ["/", "/livez", "/docs/", "/openapi.json", "/layers"])
def test_strangers_have_the_playground_and_the_docs(outside: httpx.Client, path: str) -> None:
    assert outside.get(path).status_code == 200


def test_strangers_have_no_metrics(outside: httpx.Client) -> None:
    for path in ("/metrics", "/metrics?x=1", "//metrics", "/./metrics", "/%6detrics", "/METRICS"):
        assert outside.get(path).status_code == 404, path


def test_within_metrics_are_for_who_has_a_key(fleet: Fleet) -> None:
    asks = "import urllib.request as u, urllib.error\ntry: u.urlopen('http://127.0.0.1:8000/metrics')\n" \
        "except urllib.error.HTTPError as error: print(error.code)"  # fmt: skip
    assert inside(fleet.replicas[0], "python", "-c", asks).strip() == "401"


def test_a_body_beyond_the_limit_is_refused_by_the_service_in_its_own_words(outside: httpx.Client) -> None:
    answer = outside.post("/init", content=b" " * (17 * 2**20), headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("headers", "status"), [({"x-long": "y" * 10_000}, 431), ({}, 414)])
def test_a_head_beyond_the_limit_is_refused_by_the_service_in_its_own_words(
    outside: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = outside.get("/livez" if headers else f"/weights/{'a' * 10_000}.npz", headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
