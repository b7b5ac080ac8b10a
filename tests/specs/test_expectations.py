"""What an answer says to expect of its values, held against the values: bounds always, moments within their error.

Six standard errors: one comparison in 5 × 10⁸ would fail by chance, and seeds are fixed.
"""

from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from service.errors import InitserveError
from service.networks.layers import LAYERS
from service.networks.plan import PlannedParameter
from service.networks.schemes import PRESETS
from service.specs.spec import Spec
from tests.standard.specs import spec as random_spec

ERRORS = 6.0


def planned(document: dict[str, Any]) -> tuple[PlannedParameter, ...]:
    return Spec.model_validate({"seed": 1, "dtype": "float64", **document}).plan().parameters


def values(parameter: PlannedParameter) -> NDArray[np.float64]:
    return np.concatenate(list(parameter.blocks()))


def assert_expected(parameter: PlannedParameter, alike: int = 1, slack: float = 0.0) -> None:
    """Compare mean and deviation; `alike` values at a time are the same, `slack` is what is known to be rough."""
    drawn, expected = values(parameter), parameter.expectation
    count, spread = drawn.size / alike, drawn.std()
    tail = float(np.mean((drawn - drawn.mean()) ** 4)) / spread**4 if spread else 1.0
    assert drawn.mean() == pytest.approx(expected.mean, abs=ERRORS * spread / count**0.5 + 1e-12, rel=slack)
    error = ERRORS * spread * ((tail - 1.0) / (4.0 * count)) ** 0.5
    assert spread == pytest.approx(expected.deviation, abs=error + 1e-12, rel=slack)


def assert_within(parameter: PlannedParameter) -> None:
    drawn, expected = values(parameter), parameter.expectation
    assert expected.low is None or drawn.min() >= expected.low
    assert expected.high is None or drawn.max() <= expected.high


def test_no_value_leaves_its_bounds() -> None:
    draw, seen = Random(5), 0
    while seen < 6 * len(LAYERS):
        document = random_spec(draw, list(LAYERS)[seen % len(LAYERS)])
        try:
            parameters = planned({**document, "dtype": "float64"})
        except (ValidationError, InitserveError):
            continue
        seen += 1
        for parameter in parameters:
            assert_within(parameter)


SHAPES: dict[str, list[int]] = {
    "dirac": [3, 5, 40, 30], "delta_orthogonal": [3, 3, 30, 40], "reservoir": [150, 150], "bilinear": [5, 4, 20, 30],
    "icnr": [3, 3, 40, 64], "hippo": [150, 150], "s4d_real": [100, 40], "zer_o": [64, 200],
}  # fmt: skip
# Tables of waves have the moments of many whole turns; gates are below.
NOT_HERE = {"stft", "rope", "sinusoidal", "unit_forget_bias", "chrono"}


@pytest.mark.parametrize("name", [name for name in PRESETS if name not in NOT_HERE])
def test_moments_of_a_scheme_are_those_of_its_values(name: str) -> None:
    plain = name.rpartition(":")[2]
    shape = [150, 150] if name == "tfjs:identity" else SHAPES.get(plain, [200, 150])
    (parameter,) = planned({"layers": [{"type": "tensor", "shape": shape, "scheme": name}]})
    # A reservoir's moments are those of the circular law, for many elements.
    assert_expected(parameter, alike=4 if plain == "icnr" else 1, slack=0.2 if plain == "reservoir" else 0.0)


@pytest.mark.parametrize(
    "scheme",
    [
        {"name": "variance_scaling", "scale": 3.0, "mode": "fan_out", "distribution": "uniform"},
        {"name": "variance_scaling", "scale": 0.5, "mode": "fan_geo_avg", "distribution": "untruncated_normal"},
        {"name": "truncated_normal", "mean": 0.3, "stddev": 2.0, "lower": -0.5, "upper": 3.0},
        {"name": "truncated_normal", "mean": 0.3, "stddev": 2.0, "lower": -0.5, "upper": 3.0, "preserve_std": True},
        {"name": "bounded_normal", "mean": -1.0, "stddev": 1.0, "minval": -1.5, "maxval": 4.0},
        {"name": "siren", "omega": 10.0},
        {"name": "siren", "first": True},
        {"name": "residual_normal", "stddev": 0.3, "layers": 6},
        {"name": "mup_normal", "stddev": 0.3, "base": 50},
        {"name": "mup_normal", "stddev": 0.3, "base": 50, "output": True},
        {"name": "sparse", "sparsity": 0.25, "stddev": 2.0},
        {"name": "orthogonal", "gain": -3.0},
        {"name": "identity", "gain": 5.0},
        {"name": "step_bias", "shortest": 0.01, "longest": 2.0},
    ],
    ids=lambda scheme: " ".join(map(str, scheme.values())),
)
def test_moments_follow_the_arguments(scheme: dict[str, Any]) -> None:
    (parameter,) = planned({"layers": [{"type": "tensor", "shape": [200, 150], "scheme": scheme}]})
    assert_expected(parameter)


@pytest.mark.parametrize("bias", ["unit_forget_bias", {"name": "chrono", "longest": 700}, "random_normal"])
@pytest.mark.parametrize("layout", ["keras", "pytorch", "flax"])
def test_moments_of_gates_are_those_of_their_values(layout: str, bias: object) -> None:
    layer = {"type": "lstm", "shape": [3, 5000], "scheme": "zeros", "recurrent_scheme": "zeros", "bias": bias}
    for parameter in planned({"layout": layout, "layers": [layer]}):
        if "bias" in parameter.name and not (isinstance(bias, dict) and layout == "flax"):
            assert_expected(parameter)


def test_moments_of_a_sum_are_the_sums_of_means_and_of_variances() -> None:
    rules: list[dict[str, Any]] = [
        {"match": "*/bias", "scheme": {"name": "random_normal", "mean": 1.0, "stddev": 3.0}},
        {"match": "*/recurrent_bias", "scheme": {"name": "random_uniform", "minval": 0.0, "maxval": 12.0**0.5 * 4.0}},
    ]
    layer = {"type": "simple_rnn", "shape": [3, 20_000], "scheme": "zeros", "recurrent_scheme": "zeros"}
    (bias,) = (each for each in planned({"layers": [layer], "rules": rules}) if each.name.endswith("bias"))
    assert bias.expectation.mean == pytest.approx(1.0 + 12.0**0.5 * 2.0)
    assert bias.expectation.deviation == pytest.approx(5.0)
    assert (bias.expectation.low, bias.expectation.high) == (None, None)
    assert_expected(bias)
    rules[0]["scheme"] = {"name": "random_uniform", "minval": -2.0, "maxval": 1.0}
    (bias,) = (each for each in planned({"layers": [layer], "rules": rules}) if each.name.endswith("bias"))
    assert bias.expectation.low == -2.0
    assert bias.expectation.high == pytest.approx(1.0 + 12.0**0.5 * 4.0)


def test_moments_of_joined_parts_are_weighed_by_their_sizes() -> None:
    rules: list[dict[str, Any]] = [
        {"match": "*/query/kernel", "scheme": {"name": "random_uniform", "minval": 2.0, "maxval": 3.0}},
        {"match": "*/key/kernel", "scheme": {"name": "random_normal", "mean": -4.0, "stddev": 0.5}},
        {"match": "*/value/kernel", "scheme": "zeros"},
    ]
    layer = {"type": "multi_head_attention", "shape": [120, 4, 30]}
    weights = planned({"layout": "pytorch", "layers": [layer], "rules": rules})[0]
    assert weights.name == "in_proj_weight"
    assert_expected(weights)
    assert weights.expectation.mean == pytest.approx((2.5 - 4.0) / 3.0)
    assert (weights.expectation.low, weights.expectation.high) == (None, None)
    rules[1]["scheme"] = {"name": "random_uniform", "minval": -9.0, "maxval": -8.0}
    weights = planned({"layout": "pytorch", "layers": [layer], "rules": rules})[0]
    assert (weights.expectation.low, weights.expectation.high) == (-9.0, 3.0)


def test_parts_of_several_sizes_count_by_their_elements() -> None:
    layer = {"type": "multi_head_attention", "shape": [60, 4, 15], "key_width": 60, "value_width": 20}
    rules: list[dict[str, Any]] = [
        {"match": "*/query/bias", "scheme": {"name": "constant", "value": 4.0}},
        {"match": "*/key/bias", "scheme": {"name": "constant", "value": 1.0}},
        {"match": "*/value/bias", "scheme": {"name": "constant", "value": 1.0}},
    ]
    bias = next(
        each
        for each in planned({"layout": "pytorch", "layers": [layer], "rules": rules})
        if each.name == "in_proj_bias"
    )
    assert bias.expectation.mean == pytest.approx(2.0)
    assert bias.expectation.deviation == pytest.approx(2.0**0.5)
