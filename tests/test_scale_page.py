"""docs/scale.md: its tables are what the dry run's own code gives for the rates that the page states."""

import re
from functools import cache
from typing import Any

import pytest

from service.materialize.checkpoint import Checkpoint
from service.materialize.forecast import Cluster, Shard, in_words, time_of
from service.specs.spec import Spec
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "scale.md").read_text()
LARGE = {
    "hidden_size": 24576,
    "intermediate_size": 98304,
    "num_hidden_layers": 116,
    "num_attention_heads": 192,
    "num_key_value_heads": 8,
}
MODELS: dict[str, dict[str, Any]] = {
    "GPT-2 XL": {"recipe": "gpt2", "size": "xl", "dtype": "float32"},
    "Llama 8 B": {"recipe": "llama", "size": "8b", "dtype": "bfloat16"},
    "Llama 70 B": {"recipe": "llama", "size": "70b", "dtype": "bfloat16"},
    "dense, 10¹²": {"recipe": "llama", "config": {"model_type": "llama", **LARGE}, "dtype": "bfloat16"},
}
WORKERS = (1, 10, 100, 1000)


def stated(what: str) -> float:
    """Return a number that the page states before these words."""
    (found,) = re.findall(rf"([\d,.]+) {re.escape(what)}", PAGE)
    return float(found.replace(",", ""))


@cache
def sizes(model: str) -> tuple[int, tuple[int, ...]]:
    """Return a model's elements, and the bytes of its shards."""
    checkpoint = Checkpoint(
        Spec.model_validate({"layout": "pytorch", "seed": 1, "head": "causal_lm"} | MODELS[model]).plan(), 5 * 10**9
    )
    return checkpoint.plan.elements, tuple(shard.bytes for shard in checkpoint.shards)


def shards(model: str) -> list[Shard]:
    rate = 1e6 * stated(f"MB/s of {MODELS[model]['dtype']}")
    return [Shard(size, size / rate) for size in sizes(model)[1]]


def cluster(gbits: float) -> Cluster:
    return Cluster(link=gbits / 8e-9, requests=stated("writes a second"), start=stated("seconds until a worker draws"))


def row(model: str) -> list[str]:
    """Return a row of the first table: what a model comes to."""
    elements, _ = sizes(model)
    parts = shards(model)
    seconds = sum(part.seconds for part in parts)
    total = sum(part.bytes for part in parts)
    return [model, f"{elements:,}", f"{total / 1e9:,.1f} GB", f"{len(parts):,}", f"{seconds:,.0f}"]


def times(model: str, gbits: float) -> list[str]:
    """Return a row of the second: its time by workers."""
    found = [time_of(shards(model), workers, cluster(gbits)) for workers in WORKERS]
    return [f"{model}, {gbits:g} Gbit/s", *(f"{in_words(time.seconds)}, {time.binds}" for time in found)]


def rows() -> list[list[str]]:
    lines = (line for line in PAGE.splitlines() if line.startswith("| "))
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("model", MODELS)
def test_what_a_model_comes_to_is_what_its_plan_says(model: str) -> None:
    assert row(model) in rows()


@pytest.mark.parametrize("gbits", [1.0, 10.0])
@pytest.mark.parametrize("model", MODELS)
def test_a_time_is_what_the_dry_run_gives_for_what_the_page_states(model: str, gbits: float) -> None:
    assert times(model, gbits) in rows()


def test_what_is_told_of_a_cluster_follows_from_the_table() -> None:
    total = sum(sizes("dense, 10¹²")[1])
    links = total / (20 * 10 / 8e-9)
    assert f"10 Gbit/s each, in {links:.0f} s, and {cores('dense, 10¹²') / links:.0f} processors" in PAGE
    minutes = total / 1e9 / 60
    assert (
        f"1 GB/s has them in {minutes:.0f} minutes, and {cores('dense, 10¹²') / minutes / 60:.0f}\nprocessors" in PAGE
    )


def cores(model: str) -> float:
    return sum(part.seconds for part in shards(model))


def test_the_formula_is_the_modules_own() -> None:
    from service.materialize import forecast

    (formula,) = re.findall(r"^    (time = .*)$", PAGE, re.MULTILINE)
    assert formula in str(forecast.__doc__)
