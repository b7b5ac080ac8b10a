"""Whole numbers in a network: tokens, positions and relative positions are numbers of rows that there are."""

from typing import Any

import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.errors import InvalidSpec

WORDS: dict[str, Any] = {"type": "embedding", "shape": [10, 8], "name": "words"}
PLACES: dict[str, Any] = {"type": "embedding", "shape": [10, 8], "name": "places", "inputs": ["positions"]}
SUM: dict[str, Any] = {"type": "add", "inputs": ["words", "places"]}


def diagnose(layers: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return Diagnosis(DiagnoseRequest.model_validate({"seed": 1, "layers": layers, **more}), 2**33).answer()


def relative(rows: int, buckets: int) -> list[dict[str, Any]]:
    return [
        {"type": "dense", "shape": [8, 8], "name": "x"},
        {"type": "relative_positions", "name": "far", "inputs": ["x", "x"], "buckets": buckets},
        {"type": "embedding", "name": "bias", "shape": [rows, 2]},
        {"type": "dot_product_attention", "heads": 2, "inputs": ["x", "x", "x", "bias"]},
    ]


@pytest.mark.parametrize(("offset", "steps"), [(0, 10), (2, 8)])
def test_positions_go_as_far_as_their_table(offset: int, steps: int) -> None:
    layers = [WORDS, PLACES | {"offset": offset}, SUM]
    assert diagnose(layers, input_shape=[[steps], [steps]])["verdict"] == "normal"
    with pytest.raises(InvalidSpec, match=f"embedding of {steps} positions cannot count {steps + 1}") as caught:
        diagnose(layers, input_shape=[[steps + 1], [steps + 1]])
    assert caught.value.pointer == "/input_shape"


def test_relative_positions_are_told_as_numbers_and_their_table_has_a_row_for_each() -> None:
    found = diagnose(relative(32, 32), input_shape=[8, 8])
    far = next(layer for layer in found["layers"] if layer["name"] == "far")
    # Of T5's 32 numbers those below 8 are distances of so much, 16 more where the key is behind: up to 7 places here.
    numbers = [abs(query - key) + 16 * (key > query) for query in range(8) for key in range(8)]
    assert far["forward"]["mean"] == pytest.approx(sum(numbers) / 64)
    with pytest.raises(InvalidSpec, match="far counts 32 buckets, and bias has 31 rows") as caught:
        diagnose(relative(31, 32), input_shape=[8, 8])
    assert caught.value.pointer == "/layers/1/buckets"


def test_nothing_is_tied_to_a_layer_that_has_no_weights() -> None:
    with pytest.raises(InvalidSpec, match="nothing has no weights") as caught:
        diagnose([{"type": "dropout", "name": "nothing"}, {"type": "tied", "to": "nothing"}], input_shape=[8])
    assert caught.value.pointer == "/layers/1/to"
