"""Whole diagnoses over HTTP, against PyTorch's pass forward and back alone, of networks that people have."""

import time
from typing import Any

import httpx

from benchmarks.curl import WrongAnswer
from benchmarks.measuring import Comparison, Section, Side, Target, alternate, reading, seeds
from benchmarks.processes import module
from benchmarks.servers import initserve
from benchmarks.workers import Missing, worker

PATIENCE = 120.0  # seconds
NETWORKS: dict[str, dict[str, Any]] = {
    "gpt2": {"recipe": "gpt2", "size": "small", "batch": 8},
    "resnet50": {"recipe": "resnet50", "input_shape": [64, 64, 3], "batch": 8},
    "dense": {"layers": [{"type": "dense", "shape": [512, 512], "activation": "relu"}] * 20, "batch": 128},
}
# Beside the pass a diagnosis draws the weights, measures every layer, and works out what theory expects.
RATIOS = {"gpt2": Target(2.0), "resnet50": Target(4.0)}
SECONDS = {"gpt2": Target(5.0), "resnet50": Target(5.0)}


def measure(rounds: int) -> Section:
    section = Section("A whole diagnosis over HTTP, against PyTorch's pass forward and back alone")
    new = seeds()
    with initserve() as server:
        for name, document in NETWORKS.items():
            try:
                with worker(module("benchmarks.passes", name)) as torch:
                    measured = alternate(diagnosing(server.url, document, new), torch.side(name), rounds)
            except Missing as error:
                section.left_out.append(f"{name}: {error}")
                continue
            section.comparisons.append(Comparison(name, "torch, forward and back", measured, RATIOS.get(name)))
            section.readings.append(
                reading(f"POST /diagnose, {name}", [ours for ours, _ in measured], SECONDS.get(name))
            )
    return section


def diagnosing(url: str, document: dict[str, Any], new: Any) -> Side:
    def run() -> float:
        start = time.perf_counter()
        answer = httpx.post(f"{url}/diagnose", json={"seed": next(new), **document}, timeout=PATIENCE, trust_env=False)
        seconds = time.perf_counter() - start
        if answer.status_code != 200 or answer.json()["verdict"] != "normal":
            raise WrongAnswer(f"{answer.status_code}: {answer.text[:200]}")
        return seconds

    return run
