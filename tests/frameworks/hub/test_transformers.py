"""transformers loads models that exist only as specs: version 5 as it is installed, and 4 from the folder beside it."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from safetensors import safe_open

from tests.conftest import ROOT, Server, serving
from tests.replicas import balanced

SCRIPT = Path(__file__).parent / "from_pretrained.py"
VERSION_4 = Path(sys.prefix) / "transformers-4"  # make frameworks fills it
RECIPES = {"gpt2": "small", "bert": "base", "t5": "small", "vit": "base"}
TIED = ("encoder.embed_tokens.weight", "decoder.embed_tokens.weight")  # with shared.weight, which stands in the file


def load(address: str, cases: Sequence[tuple[str, ...]], home: Path, *before: Path) -> dict[tuple[str, ...], Any]:
    """Load each (repository, revision), by a class that it may name, in a process that looks in `before` first."""
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(home), "USE_TF": "0"}
    environment["PYTHONPATH"] = ":".join(map(str, before))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(cases)], env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(zip(cases, map(json.loads, done.stdout.splitlines()), strict=True))


def posted(server: Server, folder: Path, **spec: Any) -> dict[str, str]:
    """Return the SHA-256 of every array that POST /init answers for a spec."""
    file = folder / "posted.safetensors"
    with file.open("wb") as out, httpx.stream("POST", f"{server.url}/init?format=safetensors", json=spec) as answer:
        assert answer.status_code == 200
        for chunk in answer.iter_bytes():
            out.write(chunk)
    with safe_open(file, framework="numpy") as arrays:
        names = list(arrays.keys())
        return {name: hashlib.sha256(arrays.get_tensor(name).tobytes()).hexdigest() for name in names}


def loaded_whole(found: dict[str, Any], version: str) -> bool:
    """Whether a model was loaded by this version, with nothing missing, too much or converted, and no word of it."""
    told = (found["version"].split(".")[0], found["dtype"], found["info"], found["warnings"])
    return told == (version, "torch.float32", {}, [])


def test_version_5_loads_what_init_answers_and_what_it_would_make_itself(running: Server, tmp_path: Path) -> None:
    answered = ["gpt2", "vit"]  # under initserve's own stream, to spare time
    cases = [(f"init/{recipe}-{RECIPES[recipe]}", "seed-42") for recipe in answered]
    cases += [(f"init/{recipe}", "torch-seed-42") for recipe in RECIPES]
    found = load(running.url, cases, tmp_path / "home")
    assert all(loaded_whole(found[case], "5") for case in cases)
    for recipe, case in zip(answered, cases, strict=False):
        assert found[case]["arrays"] == posted(running, tmp_path, recipe=recipe, layout="pytorch", seed=42)
    for case in cases[len(answered) :]:
        assert found[case]["arrays"] == found[case]["own"], case


@pytest.mark.skipif(not VERSION_4.exists(), reason="make frameworks installs transformers 4 beside version 5")
def test_version_4_loads_the_same_and_would_make_the_same_itself(running: Server, tmp_path: Path) -> None:
    cases = {recipe: (f"init/{recipe}", "torch-seed-42") for recipe in RECIPES}
    found = load(running.url, list(cases.values()), tmp_path / "home", VERSION_4)
    assert all(loaded_whole(found[case], "4") for case in cases.values())
    for recipe in ("gpt2", "bert", "vit"):
        assert found[cases[recipe]]["arrays"] == found[cases[recipe]]["own"], recipe
    # T5's arrays come in another order of construction in version 4: what is loaded is what version 5 makes.
    answered = posted(running, tmp_path, recipe="t5", algorithm="torch-cpu/1", seed=42)
    loaded = found[cases["t5"]]["arrays"]
    assert {name: digest for name, digest in loaded.items() if name not in TIED} == answered


def test_a_model_comes_from_two_replicas_that_remember_nothing(running: Server, tmp_path: Path) -> None:
    """Version 5 asks which commit a revision is, and then for the files of that commit alone."""
    case = ("init/t5", f"seed-{2**64 - 1}")
    with serving() as other, balanced(running.port, other.port) as replicas:
        found = load(replicas.url, [case], tmp_path / "home")
        assert loaded_whole(found[case], "5")
        assert set(replicas.connections) == {running.port, other.port}


@pytest.mark.skipif(not VERSION_4.exists(), reason="make frameworks installs transformers 4 beside version 5")
def test_both_load_a_model_that_comes_in_shards(running: Server, tmp_path: Path) -> None:
    """With shards of 100 MB: none of the smaller models has 5 GB."""
    case = ("init/vit", "seed-7")
    (tmp_path / "sitecustomize.py").write_text("import service.api.snapshots as s; s.SHARD_BYTES = 10**8")
    with serving(PYTHONPATH=f"{tmp_path}:{ROOT}") as server:
        names = [each["rfilename"] for each in httpx.get(f"{server.url}/api/models/init/vit").json()["siblings"]]
        assert len([name for name in names if name.startswith("model-0000")]) == 4
        answered = posted(running, tmp_path, recipe="vit", layout="pytorch", seed=7)
        new = load(server.url, [case], tmp_path / "home")[case]
        old = load(server.url, [case], tmp_path / "other", VERSION_4)[case]
    assert loaded_whole(new, "5")
    assert loaded_whole(old, "4")
    assert new["arrays"] == answered
    assert sorted(old["arrays"].values()) == sorted(answered.values())  # of other names
