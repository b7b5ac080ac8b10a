"""The lesson path claims nothing that /diagnose and /train do not find, whatever the seed.

What the lessons say stands beside them as data (lessons.json): a question, and what is to come of it. A quick run asks
each with a few seeds, a long one with twenty: that a claim holds on all of twenty seeds and yet fails for one reader in
ten or more has a chance of 12 % at most (0.9^20), for one in seven of 5 %.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

LESSONS = Path(__file__).parents[1] / "service" / "pages" / "playground" / "lessons" / "lessons.json"
STEPS: list[dict[str, Any]] = json.loads(LESSONS.read_text())["steps"]
ORDER = ["convex", "valleys", "zones", "symmetry", "scale", "glorot", "he", "keras"]
CLAIMS = [(step, claim) for step in STEPS for claim in step["claims"]]
NAMES = [f"{step['id']}-{claim['ask']}-{place}" for step in STEPS for place, claim in enumerate(step["claims"])]
FEW, MANY = (1, 2), range(3, 21)


def spec(network: dict[str, Any]) -> dict[str, Any]:
    """Return the chain of dense layers that a network in lessons.json stands for."""
    shape = [network["width"]] * (network["depth"] + 1)
    shape[0], shape[-1] = network.get("in", shape[0]), network.get("out", shape[-1])
    scheme = {"scheme": network["scheme"]} if "scheme" in network else {}
    about = {"type": "dense", "activation": network["activation"], **scheme}
    layers = [{"name": f"fc{place + 1}", **about, "shape": pair} for place, pair in enumerate(pairwise(shape))]
    if "out" in network:
        layers[-1] |= {"name": "out", "activation": "linear"}
    return {"layers": layers} | ({"defaults": network["defaults"]} if "defaults" in network else {})


def trained(client: httpx.Client, training: dict[str, Any], seed: int) -> list[dict[str, Any]]:
    # Restarts take the seeds after the first: those of one seed are not those of another.
    question = training | spec(training["network"]) | {"seed": seed * training["restarts"]}
    del question["network"], question["starts"]
    answer = client.post("/train", json=question)
    assert answer.status_code == 200, answer.text
    runs: list[dict[str, Any]] = answer.json()["runs"]
    return runs


def check_training(runs: list[dict[str, Any]], expect: dict[str, Any]) -> None:
    ends = [run["final_loss"] for run in runs]
    if "learnt" in expect:
        assert [run["learnt"] for run in runs] == expect["learnt"]
    if "same_end" in expect:
        assert max(ends) <= (1 + expect["same_end"]) * min(ends)
    if "ends_apart" in expect:
        assert max(ends) >= expect["ends_apart"] * min(ends)
    for run, reason in zip(runs, expect.get("reasons", []), strict=False):
        assert reason is None or reason in run["reason"]


def check_diagnosis(found: dict[str, Any], expect: dict[str, Any]) -> None:
    assert found["verdict"] == expect["verdict"]
    if "also" in expect:
        assert expect["also"] in found["layers"][0]["also"]
    first, last = found["layers"][0], found["layers"][-1]
    if "forward" in expect:  # the size at the end; what goes in has a size of 1
        low, high = expect["forward"]
        assert low <= last["forward"]["rms"] <= high
    if "backward" in expect:  # what is left of the gradient in the first layer
        low, high = expect["backward"]
        assert low <= first["backward"]["rms"] / last["backward"]["rms"] <= high


def check(client: httpx.Client, step: dict[str, Any], claim: dict[str, Any], seed: int) -> None:
    if claim["ask"] == "train":
        check_training(trained(client, step["trainings"][claim["training"]], seed), claim["expect"])
        return
    answer = client.post("/diagnose", json=spec(claim["network"]) | {"seed": seed})
    assert answer.status_code == 200, answer.text
    check_diagnosis(answer.json(), claim["expect"])


def test_the_path_has_the_notes_order() -> None:
    assert [step["id"] for step in STEPS] == ORDER
    for step in STEPS:
        assert 0 <= step["right"] < step["options"]
        assert any(claim["ask"] == "train" for claim in step["claims"])


@pytest.mark.parametrize(("step", "claim"), CLAIMS, ids=NAMES)
def test_a_lesson_claims_what_the_service_finds(
    client: httpx.Client, step: dict[str, Any], claim: dict[str, Any]
) -> None:
    for seed in FEW:
        check(client, step, claim, seed)


@pytest.mark.long
@pytest.mark.parametrize(("step", "claim"), CLAIMS, ids=NAMES)
def test_a_lesson_claims_what_the_service_finds_for_many_seeds(
    client: httpx.Client, step: dict[str, Any], claim: dict[str, Any]
) -> None:
    for seed in MANY:
        check(client, step, claim, seed)
