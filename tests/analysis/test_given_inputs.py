"""Batches posted for a network's inputs, by name or alone; those that do not fit are refused at their place."""

import base64
import io
from typing import Any

import numpy as np
import pytest

from service.analysis.diagnosable import DiagnoseRequest
from service.analysis.diagnosis import Diagnosis
from service.errors import InvalidSpec

TWO: dict[str, Any] = {
    "layers": [
        {"name": "a", "type": "dense", "shape": [3, 4], "inputs": ["x"]},
        {"name": "b", "type": "dense", "shape": [3, 4], "inputs": ["y"]},
        {"name": "s", "type": "add", "inputs": ["a", "b"]},
    ],
    "input_shape": {"x": [3], "y": [3]},
}
TOKENS: dict[str, Any] = {
    "layers": [
        {"name": "wte", "type": "embedding", "shape": [9, 4], "inputs": ["input"]},
        {"name": "wpe", "type": "embedding", "shape": [6, 4], "inputs": ["positions"]},
        {"name": "s", "type": "add", "inputs": ["wte", "wpe"]},
    ],
    "input_shape": [[6], [6]],
}
RNG = np.random.default_rng(0)


def encoded(values: Any) -> str:
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(values))
    return base64.b64encode(buffer.getvalue()).decode()


def inputs(spec: dict[str, Any], given: Any) -> Any:
    return Diagnosis(DiagnoseRequest.model_validate({"seed": 1, **spec, "inputs": given}), 2**34).inputs


def test_each_input_takes_the_batch_of_its_name() -> None:
    x, y = RNG.standard_normal((2, 5, 3))
    found = inputs(TWO, {"y": encoded(y), "x": encoded(x)})
    assert np.array_equal(found["x"], x)
    assert np.array_equal(found["y"], y)


def test_a_batch_alone_is_the_first_inputs_and_others_are_drawn_as_long() -> None:
    x = RNG.standard_normal((5, 3))
    alone, named = inputs(TWO, encoded(x)), inputs(TWO, {"x": encoded(x)})
    assert np.array_equal(alone["x"], x)
    assert alone["y"].shape == (5, 3)
    assert np.array_equal(alone["y"], named["y"])


def test_positions_are_as_many_as_the_tokens_that_are_given() -> None:
    found = inputs(TOKENS, encoded([[1, 2, 3], [4, 5, 6]]))
    assert found["input"].dtype == np.int64
    assert np.array_equal(found["positions"], [[0, 1, 2], [0, 1, 2]])


def test_positions_can_be_given_as_well() -> None:
    found = inputs(TOKENS, {"positions": encoded([[3, 4, 5]]), "input": encoded([[1, 2, 3]])})
    assert np.array_equal(found["positions"], [[3, 4, 5]])


@pytest.mark.parametrize(
    ("spec", "given", "pointer", "words"),
    [
        (TWO, {"z": np.ones((2, 3))}, "/inputs/z", "its inputs are x, y"),
        (TWO, {"a/b~": np.ones((2, 3))}, "/inputs/a~1b~0", "no input"),
        (TWO, {"x": np.ones((2, 3)), "y": np.ones((3, 3))}, "/inputs", r"as many examples each, not \[2, 3\]"),
        (TWO, {"x": np.ones((2, 3)), "y": np.zeros((2, 3))}, "/inputs/y", "every input is 0"),
        (TWO, {"y": np.ones(3)}, "/inputs/y", "two axes or more"),
        (TWO, {"y": np.ones(())}, "/inputs/y", "one example at least"),
        (TOKENS, {"positions": np.full((1, 3), 6)}, "/inputs/positions", "whole numbers from 0 to 5"),
    ],
)
def test_what_does_not_fit_is_refused_at_its_place(
    spec: dict[str, Any], given: dict[str, Any], pointer: str, words: str
) -> None:
    with pytest.raises(InvalidSpec, match=words) as refused:
        inputs(spec, {name: encoded(values) for name, values in given.items()})
    assert refused.value.pointer == pointer
