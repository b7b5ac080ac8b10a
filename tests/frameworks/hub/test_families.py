"""Published families of one's own sizes come from the Hub as stored specs, heads too, whatever names files have."""

import hashlib
from pathlib import Path
from typing import Any

import httpx

from tests.conftest import serving
from tests.frameworks.families.oracle import real
from tests.frameworks.families.texts import TEXTS
from tests.frameworks.hub.test_transformers import load

CAUSAL = "AutoModelForCausalLM"
# Those whose checkpoints have other names or an array for each expert, and others.
CASES = {
    **dict.fromkeys(("mixtral", "qwen3_moe", "deepseek_v3", "gpt_neox", "gpt_oss", "llama"), ("causal_lm", CAUSAL)),
    "t5": ("seq2seq_lm", "AutoModelForSeq2SeqLM"),
    "bert": ("masked_lm", "AutoModelForMaskedLM"),
}


def digests(model: Any) -> dict[str, str]:
    return {name: hashlib.sha256(value.numpy().tobytes()).hexdigest() for name, value in model.state_dict().items()}


def test_models_of_ones_own_sizes_are_loaded_as_torch_would_have_made_them(tmp_path: Path) -> None:
    with serving(INITSERVE_SPECS=str(tmp_path / "specs")) as server:
        cases: dict[str, tuple[str, ...]] = {}
        for family, (head, auto) in CASES.items():
            spec = {"recipe": family, "config": TEXTS[family].config, "head": head, "seed": 3}
            kept = httpx.post(f"{server.url}/specs", json={**spec, "algorithm": "torch-cpu/1"}, timeout=90.0)
            assert kept.status_code == 201, kept.text
            cases[family] = (f"spec/{kept.json()['digest']}", "main", auto)
        found = load(server.url, list(cases.values()), tmp_path / "home")
    for family, (head, _) in CASES.items():
        told = found[cases[family]]
        assert (told["info"], told["warnings"]) == ({}, []), family
        assert told["arrays"] == digests(real(family, TEXTS[family].config, head)), family
