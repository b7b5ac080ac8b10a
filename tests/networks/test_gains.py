"""Gains by nonlinearity, as torch.nn.init.calculate_gain has them: its documentation's table."""

import math
from typing import Any

import pytest

from service.specs.spec import Spec

ONE = ["linear", "sigmoid", *(f"conv{axes}d" for axes in "123"), *(f"conv_transpose{axes}d" for axes in "123")]
TABLE: list[tuple[dict[str, Any], float]] = [
    *(({"nonlinearity": name}, 1.0) for name in ONE),
    ({"nonlinearity": "tanh"}, 5.0 / 3.0),
    ({"nonlinearity": "relu"}, math.sqrt(2.0)),
    ({"nonlinearity": "selu"}, 3.0 / 4.0),
    ({"nonlinearity": "leaky_relu", "a": 0.25}, math.sqrt(2.0 / (1.0 + 0.25**2))),
    ({"a": 3.0}, math.sqrt(2.0 / 10.0)),
    ({}, math.sqrt(2.0)),
]


@pytest.mark.parametrize(("arguments", "gain"), TABLE, ids=lambda each: str(each))
def test_gains_are_those_of_torchs_table(arguments: dict[str, Any], gain: float) -> None:
    layer = {"type": "dense", "shape": [50, 20], "scheme": {"name": "torch:kaiming_normal", **arguments}}
    (kernel, _) = Spec.model_validate({"seed": 1, "layers": [layer]}).plan().parameters
    assert kernel.expectation.deviation == pytest.approx(gain / math.sqrt(50.0), rel=1e-12)


@pytest.mark.parametrize("gain", [1e-150, 0.5, 3.0])
def test_a_gain_is_squared_and_its_root_is_that_very_gain(gain: float) -> None:
    layer = {"type": "dense", "shape": [50, 20], "scheme": {"name": "torch:xavier_normal", "gain": gain}}
    (kernel, _) = Spec.model_validate({"seed": 1, "layers": [layer]}).plan().parameters
    assert kernel.expectation.deviation == pytest.approx(gain * math.sqrt(2.0 / 70.0), rel=1e-12)
