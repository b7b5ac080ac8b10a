"""What an answer says to expect is what comes: of every scheme, in every layout, in every dtype.

Tolerances are six standard errors of what is measured, from the sample itself: a false alarm in 500 million tests.
"""

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.api.entries import layer_example
from service.networks.layers import LAYERS
from service.networks.layouts import LAYOUTS
from service.networks.plan import PlannedParameter
from service.networks.schemes import PRESETS
from service.specs.spec import Spec
from service.stream.dtypes import DTYPES

Doubles = NDArray[np.float64]
ERRORS = 6.0
# Where a scheme needs other axes than a matrix's; sizes that make a sample.
SHAPES: dict[str, dict[str, Any]] = {
    "identity": {"shape": [60, 60]},
    "eye": {"shape": [60, 50]},
    "dirac": {"type": "conv2d", "shape": [3, 3, 16, 24], "groups": 4},
    "delta_orthogonal": {"type": "conv2d", "shape": [3, 3, 24, 40]},
    "bilinear": {"type": "conv2d_transpose", "shape": [4, 4, 6, 6], "strides": 2, "groups": 3},
    "icnr": {"type": "conv2d", "shape": [3, 3, 32, 64]},
    "reservoir": {"shape": [120, 120]},
    "stft": {"type": "tensor", "shape": [256, 1, 129]},
    "hippo": {"type": "tensor", "shape": [40, 40]},
    "rope": {"type": "tensor", "shape": [400, 16]},
    "sinusoidal": {"type": "tensor", "shape": [400, 16]},
    "s4d_real": {"type": "tensor", "shape": [16, 32]},
    "zer_o": {"type": "dense", "shape": [40, 70]},
    "step_bias": {"type": "tensor", "shape": [4000]},
}
# By the circular law of large matrices.
NEAR = {"reservoir": 0.05}
PARAMETRISED: list[dict[str, Any]] = [
    {"name": "stft", "scaling": None},
    {"name": "stft", "window": None, "side": "imag"},
    {"name": "chrono", "longest": 2000},
    {"name": "reservoir", "radius": 3.0, "sparsity": 0.5},
    {"name": "siren", "omega": 3.0},
    {"name": "siren", "first": True},
    {"name": "mup_normal", "base": 64, "output": True},
    {"name": "mup_normal", "base": 1024},
    {"name": "residual_normal", "layers": 12},
    {"name": "truncated_normal", "lower": -0.5, "upper": 2.5, "stddev": 1.0, "mean": 3.0},
    {"name": "truncated_normal", "preserve_std": True, "lower": -1.0, "upper": 0.5, "stddev": 1.0},
    {"name": "bounded_normal", "minval": -0.1, "maxval": 4.0},
    {"name": "sparse", "sparsity": 0.3, "columns": "inputs"},
    {"name": "bilinear", "pairs": "all"},
    {"name": "unit_forget_bias", "value": 3.0},
    {"name": "step_bias", "shortest": 0.5, "longest": 3.0},
    {"name": "sinusoidal", "order": "halves"},
    {"name": "zer_o"},
]  # fmt: skip


def planned(layer: dict[str, Any], **more: Any) -> tuple[PlannedParameter, ...]:
    return Spec.model_validate({"seed": 3, **more, "layers": [layer]}).plan().parameters


def values(parameter: PlannedParameter) -> Doubles:
    kind = DTYPES[parameter.dtype]
    return np.concatenate([np.array(kind.read(block), np.float64) for block in parameter.blocks()])


def layer_of(scheme: Any) -> dict[str, Any]:
    name = scheme if isinstance(scheme, str) else scheme["name"]
    bare = name.rpartition(":")[2]
    if bare in ("unit_forget_bias", "chrono"):
        return {"type": "lstm", "shape": [2, 600], "bias": scheme}
    layer = {"type": "dense", "shape": [120, 80], **SHAPES.get(bare, {}), "scheme": scheme}
    return layer if layer["type"] == "tensor" else {**layer, "bias": None}


@pytest.mark.parametrize("scheme", [*PRESETS, *PARAMETRISED], ids=str)
def test_every_scheme_is_expected_as_it_comes(scheme: Any) -> None:
    layer = layer_of(scheme)
    name = scheme if isinstance(scheme, str) else scheme["name"]
    ending = "bias" if layer["type"] == "lstm" else ("kernel", "value")
    (parameter,) = [each for each in planned(layer, dtype="float64") if each.name.endswith(ending)][-1:]
    drawn, expected = values(parameter), parameter.expectation
    away = drawn - expected.mean
    spread, size = drawn.std(), drawn.size / (4 if name == "icnr" else 1)
    near = NEAR.get(name.rpartition(":")[2], 1e-9 if parameter.source.distribution.deterministic else 0.0)
    noise = 0.0 if parameter.source.distribution.deterministic else ERRORS / np.sqrt(size)
    fourth = (away**4).mean() / max(spread**4, 1e-300)
    assert abs(away.mean()) <= noise * spread + near * max(spread, abs(expected.mean))
    assert spread == pytest.approx(
        expected.deviation, rel=near + noise * np.sqrt(max(fourth - 1.0, 0.02)) / 2, abs=1e-12
    )
    assert expected.low is None or expected.low <= drawn.min()
    assert expected.high is None or expected.high >= drawn.max()


def distinct(layer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a rule for each canonical parameter, with a mean and a deviation of its own."""
    (spec,) = Spec.model_validate({"layers": [layer]}).weighted
    return [
        {
            "match": f"it/{each.name}",
            "scheme": {"name": "random_normal", "mean": 0.5 * place, "stddev": 0.1 * (place + 1)},
        }
        for place, each in enumerate(spec.parameters())
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", LAYERS)
def test_every_array_of_every_layout_is_expected_as_it_comes(kind: str, layout: str) -> None:
    (layer,) = layer_example(kind)["layers"]
    if kind == "embedding":
        layer = {**layer, "padding_index": 3}
    layer = {**layer, "name": "it"}
    for parameter in planned(layer, layout=layout, dtype="float64", rules=distinct(layer)[:64]):
        drawn, expected = values(parameter), parameter.expectation
        error = ERRORS * expected.deviation / np.sqrt(drawn.size)
        assert drawn.mean() == pytest.approx(expected.mean, abs=error), parameter.name
        if drawn.size > 60:
            spread = ERRORS / np.sqrt(drawn.size)
            assert drawn.std() == pytest.approx(expected.deviation, rel=spread), parameter.name


RECURRENT: list[dict[str, Any]] = [
    {"type": "lstm", "shape": [6, 5]},
    {"type": "gru", "shape": [6, 5]},
    {"type": "gru", "shape": [6, 5], "bidirectional": True, "num_layers": 2},
    {"type": "multi_head_attention", "shape": [12, 3, 4]},
    {"type": "dense", "shape": [5, 7]},
    {"type": "moe_dense", "shape": [3, 5, 4]},
]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("scheme", ["identity", "torch:eye", "keras:identity"])
@pytest.mark.parametrize("layer", RECURRENT, ids=lambda layer: str(layer["type"]))
def test_parts_of_an_identity_are_expected_one_by_one(layer: dict[str, Any], scheme: str, layout: str) -> None:
    if (layer["type"], scheme) in {
        ("multi_head_attention", "keras:identity"),
        ("moe_dense", "torch:eye"),
        ("moe_dense", "keras:identity"),
    }:
        return  # three axes there: the framework refuses
    schemes = {"scheme": scheme, "output_scheme": scheme} if "attention" in layer["type"] else {"scheme": scheme}
    schemes |= {"recurrent_scheme": scheme} if layer["type"] in ("lstm", "gru") else {}
    for parameter in planned({**layer, **schemes}, layout=layout):
        drawn, expected = values(parameter), parameter.expectation
        assert drawn.mean() == pytest.approx(expected.mean, abs=1e-12), parameter.name
        assert drawn.std() == pytest.approx(expected.deviation, abs=1e-12), parameter.name
        assert (drawn.min(), drawn.max()) == (expected.low, expected.high)


BOUNDED: list[Any] = [
    {"name": "truncated_normal", "stddev": 1.0, "lower": -0.3, "upper": 0.3},
    {"name": "random_uniform", "minval": -0.3, "maxval": 0.1},
    "torch:uniform",
    {"name": "bounded_normal", "minval": -0.7, "maxval": 0.3},
    "he_normal",
    "glorot_uniform",
    "siren",
    {"name": "constant", "value": 0.3},
    {"name": "orthogonal", "gain": 0.3},
    "step_bias",
    {"name": "prior_bias", "prior": 0.3},
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scheme", BOUNDED, ids=str)
def test_bounds_are_told_as_the_dtype_has_them(scheme: Any, dtype: str) -> None:
    (parameter,) = planned({"type": "tensor", "shape": [200, 100], "scheme": scheme}, dtype=dtype)
    drawn, expected = values(parameter), parameter.expectation
    assert expected.low is not None
    assert expected.high is not None
    assert expected.low <= drawn.min()
    assert drawn.max() <= expected.high
    if dtype != "float64":
        for bound in (expected.low, expected.high):
            exact = parameter.source.distribution
            assert bound in (exact.low, exact.high, DTYPES[parameter.dtype].nearest(bound))
    numbers = re.search(r"U\[(\S*), (\S*)\]$|between (.*) and (.*)", parameter.source.formula(parameter.dtype))
    if numbers is not None:
        low, high = (float(number) for number in numbers.groups() if number is not None)
        assert low - abs(low) * 1e-8 <= drawn.min()
        assert drawn.max() <= high + abs(high) * 1e-8


def test_a_bound_that_rounding_passes_is_told_as_rounded() -> None:
    scheme = {"name": "truncated_normal", "stddev": 1.0, "lower": -0.3, "upper": 0.3}
    (parameter,) = planned({"type": "tensor", "shape": [10000], "scheme": scheme}, dtype="bfloat16")
    assert parameter.expectation.high == values(parameter).max() == 0.30078125
    assert parameter.source.formula("bfloat16") == "N(0, 1²) between -0.30078125 and 0.30078125"
    (constant,) = planned(
        {"type": "tensor", "shape": [4], "scheme": {"name": "constant", "value": 0.3}}, dtype="bfloat16"
    )
    assert (constant.expectation.mean, constant.source.formula("bfloat16")) == (0.30078125, "0.30078125")
