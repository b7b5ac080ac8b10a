"""transformers loads what `initserve materialize` writes: in shards, tied, in bfloat16, under names of its own."""

import hashlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from safetensors import safe_open

from service.specs.spec import Spec
from tests.conftest import ROOT
from tests.frameworks.checkpoints.writing import materialize, write
from tests.frameworks.families.oracle import COUNT, builder, drawn, planned, state, with_tied
from tests.frameworks.families.test_families import KNOWN, model_type
from tests.frameworks.hub.test_transformers import VERSION_4, load

SHARD_BYTES = 5_000
FAMILIES = [(family, case.heads[-1]) for family, case in KNOWN.items()]


def shards_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("model-*.safetensors"))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize(("family", "head"), FAMILIES)
def test_every_family_is_loaded_whole_from_its_shards(
    family: str, head: str | None, dtype: str, tmp_path: Path
) -> None:
    plan = planned(family, KNOWN[family].config, head, dtype=dtype)
    folder = write(plan, tmp_path / "checkpoint", SHARD_BYTES)
    assert len(shards_in(folder)) > 1
    auto = builder(model_type(family), head)
    model, info = auto.from_pretrained(folder, dtype="auto", output_loading_info=True)
    assert {name: found for name, found in info.items() if found} == {}
    loaded, ours = state(model), with_tied(drawn(plan), plan.tied)
    assert loaded.keys() == ours.keys()
    assert [name for name, value in ours.items() if not torch.equal(value, loaded[name])] == []


# What a checkpoint can be: tied, in names of its own, an expert at a time, with counters, in another dtype.
NAMED: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "tied": ("gpt2", "causal_lm", "AutoModelForCausalLM", {}),
    "tied to three": ("t5", "seq2seq_lm", "AutoModelForSeq2SeqLM", {}),
    "other names": ("vit", "image_classification", "AutoModelForImageClassification", {}),
    "experts": ("mixtral", "causal_lm", "AutoModelForCausalLM", {}),
    "counters": ("resnet", "image_classification", "AutoModelForImageClassification", {}),
    "tied, in bfloat16": ("gpt2", "causal_lm", "AutoModelForCausalLM", {"dtype": "bfloat16"}),
    "experts in bfloat16": ("qwen3_moe", "causal_lm", "AutoModelForCausalLM", {"dtype": "bfloat16"}),
}


def spec_of(family: str, head: str, more: dict[str, Any]) -> dict[str, Any]:
    return {"recipe": family, "config": KNOWN[family].config, "head": head, "seed": 7, **more}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint for each of them; the command wrote the first."""
    folder = tmp_path_factory.mktemp("written")
    found: dict[str, Path] = {}
    for word, (family, head, _, more) in NAMED.items():
        spec, place = spec_of(family, head, more), folder / str(len(found))
        plan = Spec.model_validate(spec).plan()
        found[word] = write(plan, place, SHARD_BYTES) if found else materialize(spec, place, SHARD_BYTES)
    return found


def loaded_by(before: list[Path], written: dict[str, Path], home: Path) -> dict[str, Any]:
    """Return what a version of transformers loads, by the word for it; no Hub is asked."""
    cases = {word: (str(folder), "main", NAMED[word][2]) for word, folder in written.items()}
    found = load("http://127.0.0.1:9", list(cases.values()), home, *before)
    return {word: found[case] for word, case in cases.items()}


def test_version_5_loads_what_the_service_answers(
    written: dict[str, Path], client: httpx.Client, tmp_path: Path
) -> None:
    """The arrays of POST /init are named as the model names its own; what is tied is another one of them."""
    for word, told in loaded_by([], written, tmp_path).items():
        family, head, _, more = NAMED[word]
        assert (told["version"][0], told["info"], told["warnings"]) == ("5", {}, []), word
        assert told["dtype"] == f"torch.{more.get('dtype', 'float32')}"
        spec = spec_of(family, head, more)
        file = tmp_path / "answered.safetensors"
        file.write_bytes(client.post("/init?format=safetensors", json=spec).content)
        answered = digests_in([file])
        tied = client.post("/plan", json=spec).json().get("tied", {})
        wanted = answered | {name: answered[source] for name, source in tied.items()}
        assert {name: each for name, each in told["arrays"].items() if not name.endswith(COUNT)} == wanted, word


@pytest.mark.skipif(not VERSION_4.exists(), reason="make frameworks installs transformers 4 beside version 5")
def test_version_4_loads_every_array_of_the_files(written: dict[str, Path], tmp_path: Path) -> None:
    """Its models have the names that stand in files."""
    for word, told in loaded_by([VERSION_4], written, tmp_path).items():
        assert (told["version"][0], told["info"], told["warnings"]) == ("4", {}, []), word
        assert told["dtype"] == f"torch.{NAMED[word][3].get('dtype', 'float32')}"
        stored = digests_in(shards_in(written[word]))
        arrays = told["arrays"]
        assert {name: arrays.get(name) for name in stored} == stored, word
        assert {arrays[name] for name in arrays.keys() - stored.keys()} <= set(stored.values()), word


def test_the_lines_of_the_page_load_what_its_command_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "materialize.md").read_text()
    (spec,) = re.findall(r"^cat > spec.json <<'END'\n(.*?)^END$", page, re.DOTALL | re.MULTILINE)
    (lines,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    write(Spec.model_validate_json(spec).plan(), tmp_path / "checkpoint", 2_000_000)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(lines, names)
    assert names["model"].dtype is torch.bfloat16


def digests_in(files: list[Path]) -> dict[str, str]:
    """Return the SHA-256 of every array of these files."""
    found: dict[str, str] = {}
    for file in files:
        with safe_open(file, framework="pt") as arrays:
            found |= {name: digest(arrays.get_tensor(name)) for name in arrays.keys()}  # noqa: SIM118
    return found


def digest(array: torch.Tensor) -> str:
    return hashlib.sha256(array.reshape(-1).view(torch.uint8).numpy().tobytes()).hexdigest()
