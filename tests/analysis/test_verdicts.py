"""Each limit of a verdict, on both its sides."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service.analysis import tape
from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.analysis.first_step import HIGH, LOW
from service.analysis.looks import slope_in_proportion
from service.analysis.network import Network
from service.analysis.propagation import Forward
from service.analysis.tape import Node
from service.analysis.verdicts import Judgement, Prospects, judge_all, sizes_of

FORWARD = Forward(0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 64, 64)
PROSPECT = Prospects(1.0, 1.0, True, True, 64, 64)
LAST = replace(PROSPECT, answers=1.0)


def judged(
    prospect: dict[str, Any], forward: dict[str, Any] | None = None, size: float = 1.0, last: bool = False
) -> Judgement:
    """Judge a layer before (or as) the last of a stack in which nothing else is unusual, and nothing else moves."""
    one = replace(replace(PROSPECT, answers=size) if last else PROSPECT, **prospect)
    other = replace(LAST, slope=0.0, later=0.0)
    prospects = [one] if last else [one, other]
    count = len(prospects)
    forwards = [replace(FORWARD, **(forward or {})), FORWARD][:count]
    return judge_all(forwards, prospects, ["tanh"] * count, [False] * count)[0]


def test_the_zone_is_from_a_512th_to_32() -> None:
    assert (LOW, HIGH) == (1 / 512, 32)
    for slope, verdict in ((LOW, "normal"), (0.99 * LOW, "low-gradient"), (32.0, "normal"), (32.1, "steep")):
        assert judged({"slope": slope, "later": slope}).verdict == verdict
    assert judged({"slope": 0.0, "later": LOW}).verdict == "normal"  # once a step has been taken


def test_symmetric_is_when_at_most_half_of_the_units_stay_different() -> None:
    assert judged({"alike": 32}).verdict == "symmetric"
    assert judged({"alike": 33}).verdict == "normal"
    assert judged({"alike": 1}, last=True).verdict == "normal"  # the loss tells the last layer's units apart
    assert judged({"alike": 1, "units": 1}).verdict == "normal"


def test_dead_is_when_nothing_of_a_layer_moves() -> None:
    still = {"moves": False, "moves_first": False, "slope": 0.0, "later": 0.0}
    assert judged(still).verdict == "dead"
    assert judged(still | {"moves": True}).verdict == "low-gradient"
    assert judged({"alike": 1} | still).also == ("dead",)
    assert judged({"alike": 1} | still, {"rms": 0.0}).also == ("symmetric",)


def test_what_all_examples_share_is_no_matter_of_waiting() -> None:
    """A table of positions: added to what examples give, it changes every answer alike from the first step on."""
    shared = judged({"slope": 0.0, "later": LOW})
    assert (shared.verdict, shared.code) == ("normal", "same-for-all")


def test_outputs_are_too_large_from_64_on() -> None:
    assert judged({}, size=64.0, last=True).verdict == "normal"
    assert judged({}, size=64.1, last=True).code == "large-outputs"
    assert judged({"slope": 2.0}, size=64.1, last=True).verdict == "normal"  # a step changes them by as much more
    assert judged({}, {"distinct": 1}, size=100.0, last=True).verdict == "normal"  # a softmax of equal outputs


def test_nine_in_ten_are_most() -> None:
    for share, code in ((0.9, "in-zone"), (0.91, "mostly-flat")):
        assert judged({}, {"saturated": share}).code == code
    assert judged({}, {"saturated": 0.91}).verdict == "normal"
    assert judged({}, {"saturated": 0.91}, last=True).verdict == "low-gradient"
    for share, code in ((0.9, "in-zone"), (0.91, "mostly-dead")):
        assert judged({}, {"dead": share}).code == code


def test_sizes_count_where_no_norm_follows() -> None:
    assert sizes_of([2.0, 3.0, 5.0], [True, True, True], 2.0) == [1.0, 1.5, 2.5]
    assert sizes_of([2.0, 3.0, 5.0], [False, True, True], 1.0) == [None, 3.0, 5.0]


@pytest.mark.parametrize("centred", [True, False])
def test_a_norm_adds_a_hundred_thousandth_to_the_variance(centred: bool) -> None:
    # As torch.nn.functional.layer_norm: of deviation 1e-5 ** 0.5, half of what it divides by is epsilon.
    x = Node(1e-5**0.5 * np.array([[-1.0, 1.0]]))
    assert tape.standardise(x, (-1,), centred).value == pytest.approx(np.array([[-(0.5**0.5), 0.5**0.5]]))


def test_a_slope_before_a_norm_is_each_units_own() -> None:
    # One unit varies by 1 and has a gradient of 1/100, the other the other way round: neither is steep.
    columns = np.array([[1.0, 0.01], [-1.0, -0.01]])
    assert slope_in_proportion(columns, columns[:, ::-1]) == pytest.approx(0.01)
    assert slope_in_proportion(columns, columns) == pytest.approx(((1.0 + 1e-8) / 2.0) ** 0.5)
    assert slope_in_proportion(np.ones((2, 2)) / 3.0, columns) == 0.0  # what does not vary has none


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1.0])
def test_a_constant_scale_of_the_last_branch_parts_through_the_norm_behind_it(scale: float) -> None:
    # ConvNeXt's and DINOv2's LayerScale, with the norm at the end and no head: said to stay alike for ever.
    layers: list[dict[str, Any]] = [
        {"type": "dense", "shape": [16, 16], "name": "stem"},
        {"type": "dense", "shape": [16, 16], "activation": "gelu", "name": "branch"},
        {"type": "tensor", "shape": [16], "name": "scale", "scheme": {"name": "constant", "value": scale}},
        {"type": "multiply", "name": "scaled", "inputs": ["branch", "scale"]},
        {"type": "add", "inputs": ["stem", "scaled"]},
        {"type": "layer_norm", "shape": [16]},
    ]
    request = DiagnoseRequest.model_validate({"seed": 1, "input_shape": [16], "layers": layers})
    diagnosis = Diagnosis(request, 2**33)
    stages = Network(diagnosis.spec, 2**33).run(diagnosis.inputs)
    tape.backward(stages[-1].out, np.random.default_rng(0).standard_normal(stages[-1].out.value.shape))
    (values,) = stages[2].weights.values()
    assert values.gradient is not None
    assert len(set(values.gradient.tolist())) == 16  # each is asked to move by as much as no other one
    assert diagnosis.answer()["verdict"] == "normal"
