"""huggingface.js lists, downloads and reads models that exist only as specs, in Node."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

CLIENT = Path(__file__).parent / "client.cjs"
MODULES = Path(sys.prefix) / "javascript"  # make frameworks fills it where there is npm
NODE = shutil.which("node")
WITHOUT = "huggingface.js is there after make node and make frameworks"


@pytest.mark.skipif(NODE is None or not (MODULES / "node_modules").exists(), reason=WITHOUT)
def test_huggingface_js_lists_downloads_and_reads_a_spec(client: httpx.Client, server: str, tmp_path: Path) -> None:
    command = [str(NODE), str(CLIENT), server, str(MODULES), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    spec = {"recipe": "fixup", "seed": 42, "layout": "pytorch"}
    weights = client.post("/init?format=safetensors", json=spec).content
    commit = client.head("/init/fixup-small/resolve/seed-42/README.md").headers["x-repo-commit"]

    assert [file["path"] for file in found["files"]] == ["README.md", "model.safetensors"]
    assert found["files"][1]["size"] == found["info"]["size"] == len(weights)
    assert found["files"][1]["lastCommit"]["id"] == commit
    assert found["digest"] == hashlib.sha256(weights).hexdigest()
    assert found["part"] == hashlib.sha256(weights[1000:2000]).hexdigest()
    assert "xet" not in found["info"]
    assert found["parameters"] == {"F32": 268346}
    assert "classifier.weight" in found["names"]
    assert found["model"]["name"] == "init/gpt2-small"
    assert found["model"]["sha"] == client.get("/api/models/init/gpt2-small/revision/seed-7").json()["sha"]
    assert found["main"]["sha"] == client.get("/api/models/init/gpt2-small").json()["sha"]
    (path,) = found["paths"]
    assert path["path"] == "README.md"
    assert found["exists"] == [True, False, True, False]
    assert found["missing"] is None
    assert [refusal["status"] for refusal in found["refused"]] == [404, 404]

    snapshot = Path(found["snapshot"])
    assert snapshot.name == commit
    assert (snapshot / "model.safetensors").read_bytes() == weights
    assert found["sharded"]["sharded"]
    assert found["sharded"]["parameters"] == {"F32": 1557611200}
    assert len(found["sharded"]["files"]) == 3  # the index and its shards
