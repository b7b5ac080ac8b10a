"""What an answer says to expect: moments counted in another way, arrays of several parts, bounds at random."""

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy import integrate, linalg

from service.errors import InitserveError
from service.networks.layers import LAYERS
from service.networks.plan import PlannedParameter
from service.networks.schemes import PRESETS
from service.specs.spec import Spec
from tests.standard.specs import spec as random_spec


def planned(document: dict[str, Any]) -> tuple[PlannedParameter, ...]:
    return Spec.model_validate({"seed": 1, "dtype": "float64", **document}).plan().parameters


def values(parameter: PlannedParameter) -> NDArray[np.float64]:
    return np.concatenate(list(parameter.blocks()))


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


@pytest.mark.parametrize("longest", [3, 100, 5000])
def test_moments_of_chrono_are_the_integrals(longest: int) -> None:
    """Forget gates have ln U, U uniform on [1, longest - 1]; input gates minus the same; two gates of four are 0."""
    layer = {"type": "lstm", "shape": [2, 4], "bias": {"name": "chrono", "longest": longest}}
    (bias,) = (each for each in planned({"layers": [layer]}) if each.name.endswith("bias"))
    square, _ = integrate.quad(lambda x: math.log(x) ** 2 / (longest - 2), 1, longest - 1)
    assert bias.expectation.mean == 0.0
    assert bias.expectation.deviation == pytest.approx(math.sqrt(square / 2.0), rel=1e-9)
    assert bias.expectation.high == pytest.approx(math.log(longest - 1), rel=1e-12)
    assert bias.expectation.low == pytest.approx(-math.log(longest - 1), rel=1e-12)


@pytest.mark.parametrize(
    "shape", [[1, 2], [3, 4], [5, 8], [40, 70], [64, 100], [65, 100], [90, 100], [100, 129], [7, 513]]
)
def test_moments_of_zero_are_those_of_hadamards_matrix(shape: list[int]) -> None:
    size = 1 << (shape[1] - 1).bit_length()
    part = linalg.hadamard(size)[: shape[0], : shape[1]] / math.sqrt(size)
    (kernel,) = planned({"layers": [{"type": "dense", "shape": shape, "scheme": "zer_o", "bias": None}]})
    assert kernel.expectation.mean == pytest.approx(part.mean(), abs=1e-15)
    assert kernel.expectation.deviation == pytest.approx(part.std(), rel=1e-12)
    assert (kernel.expectation.low, kernel.expectation.high) == pytest.approx((part.min(), part.max()), rel=1e-15)
    assert np.allclose(values(kernel).reshape(shape), part, rtol=1e-15, atol=0.0)


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


SHAPES: dict[str, list[int]] = {
    "dirac": [3, 4, 4], "delta_orthogonal": [3, 4, 4], "bilinear": [3, 4, 4], "stft": [8, 1, 5], "hippo": [4, 4],
    "reservoir": [5, 5], "icnr": [3, 4],
}  # fmt: skip


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_said_to_be_no_chance_is_the_same_under_every_seed(name: str) -> None:
    shape = SHAPES.get(name.rpartition(":")[2], [4, 4])
    layer: dict[str, Any] = {"name": "a", "type": "tensor", "shape": shape, "scheme": name}
    if name in ("unit_forget_bias", "chrono"):
        layer = {"name": "a", "type": "lstm", "shape": [2, 3], "bias": name}
    one, other = (planned({"seed": seed, "layers": [layer]})[-1] for seed in (1, 2))
    same = np.array_equal(values(one), values(other))
    canonical = "value" if layer["type"] == "tensor" else "lstm_cell/bias"
    assert one.array.sources[canonical].distribution.deterministic == same


def test_one_matrix_among_parts_makes_the_whole_wait_for_it() -> None:
    layer = {"name": "a", "type": "multi_head_attention", "shape": [8, 2, 4], "scheme": "random_normal"}
    rule = {"match": "a/key/kernel", "scheme": "orthogonal"}
    for rules, whole in (([], False), ([rule], True)):
        weights = planned({"layout": "pytorch", "layers": [layer], "rules": rules})[0]
        assert any(each.whole for each in weights.draws.values()) is whole
        assert (weights.standing > 0, weights.operations > 0) == (whole, whole)
