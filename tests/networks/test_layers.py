"""Layers beyond the plain ones: fans of the census, gates, experts, padding, given arrays, portable functions."""

import base64
import io
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from service.errors import InvalidSpec
from service.networks.plan import Plan
from service.specs.spec import Spec
from service.stream.elementary import exp, log, sine_and_cosine
from service.stream.householder import spectral_radius


def plan(layer: dict[str, Any], **more: Any) -> Plan:
    return Spec.model_validate({"seed": 42, **more, "layers": [layer]}).plan()


def arrays(layer: dict[str, Any], **more: Any) -> dict[str, NDArray[Any]]:
    return {p.name: np.concatenate(list(p.blocks())).reshape(p.shape) for p in plan(layer, **more).parameters}


# The census's table of true connectivity (2.2), and what each framework's own initialiser takes.
FANS: list[tuple[dict[str, Any], str, dict[str, tuple[int, int]]]] = [
    ({"type": "conv2d", "shape": [3, 3, 16, 32], "groups": 4}, "kernel",
     {"true": (36, 72), "keras": (36, 288), "pytorch": (36, 288), "flax": (36, 288)}),
    ({"type": "depthwise_conv2d", "shape": [3, 3, 32, 1]}, "kernel",
     {"true": (9, 9), "keras": (288, 9), "pytorch": (9, 288), "flax": (9, 288)}),
    ({"type": "conv2d_transpose", "shape": [3, 3, 16, 64]}, "kernel",
     {"true": (144, 576), "keras": (576, 144), "pytorch": (576, 144), "flax": (144, 576)}),
    ({"type": "conv2d_transpose", "shape": [4, 4, 64, 16], "strides": 2}, "kernel",
     {"true": (256, 256), "keras": (256, 1024), "pytorch": (256, 1024), "flax": (1024, 256)}),
    ({"type": "multi_head_attention", "shape": [32, 4, 8]}, "query/kernel",
     {"true": (32, 32), "keras": (32, 32), "pytorch": (32, 96), "flax": (32, 32)}),
    ({"type": "einsum_dense", "equation": "bsd,ndh->bsnh", "shape": [4, 32, 8]}, "kernel",
     {"true": (32, 32), "keras": (32, 32), "flax": (128, 32)}),
    ({"type": "einsum_dense", "equation": "abc,bcd->abd", "shape": [32, 128, 64]}, "kernel",
     {"true": (128, 64), "pytorch": (8192, 2048)}),  # as torch counts an array of these three axes
    ({"type": "moe_dense", "shape": [32, 128, 64]}, "kernel",
     {"true": (128, 64), "keras": (4096, 2048), "pytorch": (8192, 2048)}),
    ({"type": "lstm", "shape": [8, 16]}, "lstm_cell/kernel", {"true": (8, 16), "keras": (8, 64), "flax": (8, 16)}),
    ({"type": "bilinear", "shape": [8, 9, 16]}, "kernel", {"true": (72, 16)}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "name", "rule", "fans"),
    [(layer, name, rule, fans) for layer, name, rules in FANS for rule, fans in rules.items()],
)
def test_fans_are_true_or_as_a_framework_counts_them(
    layer: dict[str, Any], name: str, rule: str, fans: tuple[int, int]
) -> None:
    found = {p.name: p for p in plan({**layer, "scheme": "he_normal"}, fans=rule).parameters}[name].source.fans
    assert (found.fan_in, found.fan_out) == fans


def orthonormal(array: NDArray[Any]) -> bool:
    gram = array.T @ array if array.shape[0] >= array.shape[1] else array @ array.T
    return bool(np.abs(gram - np.eye(gram.shape[0])).max() < 1e-5)


def test_orthogonal_takes_gates_experts_and_heads_for_what_they_are() -> None:
    lstm = arrays({"type": "lstm", "shape": [9, 6], "recurrent_scheme": "orthogonal", "scheme": "orthogonal"})
    for name in ("lstm_cell/kernel", "lstm_cell/recurrent_kernel"):
        assert all(orthonormal(gate) for gate in np.split(lstm[name], 4, axis=1))
    assert all(
        orthonormal(expert)
        for expert in arrays({"type": "moe_dense", "shape": [3, 5, 4], "scheme": "orthogonal"})["kernel"]
    )
    heads = arrays(
        {"type": "multi_head_attention", "shape": [12, 3, 4], "scheme": "orthogonal", "output_scheme": "orthogonal"}
    )
    assert orthonormal(heads["query/kernel"].reshape(12, 12))
    assert orthonormal(heads["attention_output/kernel"].reshape(12, 12))


def test_no_two_projections_gates_or_directions_are_alike() -> None:
    found = arrays({"type": "multi_head_attention", "shape": [12, 3, 4]})
    assert not np.array_equal(found["query/kernel"], found["key/kernel"])
    both = arrays({"type": "gru", "shape": [5, 4], "bidirectional": True})
    assert not np.array_equal(both["forward_gru/gru_cell/kernel"], both["backward_gru/gru_cell/kernel"])
    kernel = both["forward_gru/gru_cell/kernel"]
    assert not np.array_equal(kernel[:, :4], kernel[:, 4:8])


def test_torchs_second_bias_is_part_of_the_sum_elsewhere() -> None:
    layer = {"type": "lstm", "shape": [5, 4]}
    torch = arrays(layer, layout="pytorch", defaults="pytorch")
    keras = arrays(layer, layout="keras", defaults="pytorch")
    assert np.array_equal(keras["lstm_cell/bias"], torch["bias_ih_l0"] + torch["bias_hh_l0"])
    assert arrays(layer, layout="pytorch")["bias_hh_l0"].tolist() == [0.0] * 16
    assert arrays({**layer, "bias": "zeros"}, layout="pytorch", defaults="pytorch")["bias_hh_l0"].tolist() == [0.0] * 16


def test_the_paddings_row_is_zero_and_the_rest_unchanged() -> None:
    layer = {"name": "table", "type": "embedding", "shape": [9, 4]}
    plain, padded = arrays(layer)["embeddings"], arrays({**layer, "padding_index": 3})["embeddings"]
    assert padded[3].tolist() == [0.0] * 4
    assert np.array_equal(np.delete(padded, 3, 0), np.delete(plain, 3, 0))
    with pytest.raises(ValidationError, match="padding_index must be less than rows, 9"):
        plan({**layer, "padding_index": 9})


def in_base64(array: NDArray[Any]) -> str:
    file = io.BytesIO()
    np.save(file, array)
    return base64.b64encode(file.getvalue()).decode()


@pytest.mark.parametrize("dtype", ["<f4", "<f8", "<f2", ">f4", "<i4", "|u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_array_comes_back_as_given(dtype: str, order: Any) -> None:
    given = np.asarray(np.arange(6).reshape(2, 3), dtype=dtype, order=order)
    scheme = {"name": "array", "npy": in_base64(given)}
    found = arrays({"type": "dense", "shape": [2, 3], "scheme": scheme, "bias": None})
    assert np.array_equal(found["kernel"], given)
    turned = arrays({"type": "dense", "shape": [2, 3], "scheme": scheme, "bias": None}, layout="pytorch")
    assert np.array_equal(turned["weight"], given.T)


@pytest.mark.parametrize(
    "npy",
    [
        "",
        "k05V",
        "!!!!",
        in_base64(np.array([1.0, np.nan])),
        in_base64(np.array([1.0, 1e300])),
        in_base64(np.array([True, False])),
        in_base64(np.array(["a", "b"])),
        in_base64(np.array([1.0, 2.0]))[:-8],
        in_base64(np.zeros((0, 3))),
        base64.b64encode(b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f4',").decode(),
        base64.b64encode(b"\x93NUMPY\x01\x00\x76\x00" + b"(" * 118).decode(),
        base64.b64encode(b"\x93NUMPY\x09\x00\x76\x00" + b" " * 118).decode(),
    ],
)
def test_what_is_no_array_is_refused(npy: str) -> None:
    with pytest.raises(ValidationError, match=r"npy file of real numbers|every number of the array|string_too_short"):
        plan({"type": "tensor", "shape": [2], "scheme": {"name": "array", "npy": npy}})


def test_an_array_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="shape"):
        plan({"type": "tensor", "shape": [3], "scheme": {"name": "array", "npy": in_base64(np.ones(2))}})


def test_a_reservoir_has_its_spectral_radius() -> None:
    found = arrays(
        {"type": "tensor", "shape": [80, 80], "scheme": {"name": "reservoir", "radius": 1.25}}, dtype="float64"
    )
    assert np.abs(np.linalg.eigvals(found["value"])).max() == pytest.approx(1.25, rel=1e-6)
    assert spectral_radius(np.zeros((3, 3))) == 0.0
    rotation = np.array([[0.0, -2.0], [2.0, 0.0]])
    assert spectral_radius(rotation) == pytest.approx(2.0, rel=1e-6)


def test_icnr_begins_without_a_chequerboard() -> None:
    kernel = arrays({"type": "conv2d", "shape": [3, 3, 4, 12], "scheme": "icnr", "bias": None})["kernel"]
    groups = kernel.reshape(3, 3, 4, 3, 4)
    assert (groups == groups[..., :1]).all()
    assert len(np.unique(kernel)) == kernel.size // 4


def test_bilinear_enlarges_linearly() -> None:
    layer = {"type": "conv2d_transpose", "shape": [4, 4, 2, 2], "strides": 2, "scheme": "bilinear", "bias": None}
    kernel = arrays(layer)["kernel"]
    one = np.array([0.25, 0.75, 0.75, 0.25])
    assert np.array_equal(kernel[:, :, 0, 0], np.outer(one, one))
    assert not kernel[:, :, 0, 1].any()


def test_tables_of_positions_are_the_formulas() -> None:
    rope = arrays({"type": "tensor", "shape": [50, 8], "scheme": {"name": "rope", "part": "sin"}}, dtype="float64")
    angles = np.arange(50)[:, None] * 10000.0 ** (-np.arange(4) / 4)[None, :]
    assert np.abs(rope["value"] - np.tile(np.sin(angles), 2)).max() < 1e-13
    sinusoidal = arrays({"type": "tensor", "shape": [50, 8], "scheme": "sinusoidal"}, dtype="float64")["value"]
    assert np.abs(sinusoidal[:, 0::2] - np.sin(angles)).max() < 1e-13
    assert np.abs(sinusoidal[:, 1::2] - np.cos(angles)).max() < 1e-13
    scheme = {"name": "sinusoidal", "order": "halves"}
    halves = arrays({"type": "tensor", "shape": [50, 8], "scheme": scheme}, dtype="float64")["value"]
    angles = np.arange(50)[:, None] * 10000.0 ** (-np.arange(4) / 3)[None, :]
    assert np.abs(halves - np.concatenate([np.sin(angles), np.cos(angles)], axis=1)).max() < 1e-13


def test_state_space_tables_are_the_formulas() -> None:
    matrix = arrays({"type": "tensor", "shape": [5, 5], "scheme": "hippo"}, dtype="float64")["value"]
    assert matrix[3, 1] == pytest.approx(-np.sqrt(7 * 3))
    assert (matrix[2, 2], matrix[1, 3]) == (-3.0, 0.0)
    logs = arrays({"type": "tensor", "shape": [3, 16], "scheme": "s4d_real"}, dtype="float64")["value"]
    assert np.abs(logs - np.log(np.arange(1, 17))).max() < 1e-15
    steps = arrays({"type": "tensor", "shape": [4000], "scheme": "step_bias"}, dtype="float64")["value"]
    softplus = np.log1p(np.exp(steps))
    assert 0.000999 < softplus.min() < 0.00102
    assert 0.098 < softplus.max() < 0.1001
    floored = {"name": "step_bias", "floor": 0.01}
    held = arrays({"type": "tensor", "shape": [4000], "scheme": floored}, dtype="float64")["value"]
    assert np.log1p(np.exp(held)).min() == pytest.approx(0.01)
    assert np.array_equal(held[softplus > 0.01], steps[softplus > 0.01])


def test_gates_of_memory_begin_as_long_as_asked() -> None:
    bias = arrays({"type": "lstm", "shape": [3, 500], "bias": {"name": "chrono", "longest": 50}})["lstm_cell/bias"]
    entry, forget, cell, output = np.split(bias, 4)
    assert np.array_equal(entry, -forget)
    assert not cell.any()
    assert not output.any()
    assert forget.min() >= 0.0
    assert forget.max() <= np.log(49)
    with pytest.raises(InvalidSpec, match="lstm"):
        plan({"type": "dense", "shape": [3, 4], "bias": "chrono"})


def test_elementary_functions_are_numpys_to_the_last_places() -> None:
    x = np.linspace(-600.0, 600.0, 10_001)
    assert np.abs(exp(x) / np.exp(x) - 1.0).max() < 5e-16
    y = np.geomspace(1e-300, 1e300, 10_001)
    assert np.abs(log(y) - np.log(y)).max() < 5e-13
    z = np.linspace(-1e6, 1e6, 10_001)
    sines, cosines = sine_and_cosine(z)
    assert np.abs(sines - np.sin(z)).max() < 5e-16
    assert np.abs(cosines - np.cos(z)).max() < 5e-16


@pytest.mark.parametrize(
    ("layer", "code"),
    [
        (
            {"type": "dense", "shape": [64, 64], "activation": "relu", "scheme": "glorot_uniform"},
            "scheme-activation-mismatch",
        ),
        (
            {"type": "dense", "shape": [64, 64], "activation": "tanh", "scheme": "he_normal"},
            "scheme-activation-mismatch",
        ),
        ({"type": "dense", "shape": [64, 64], "activation": "relu", "scheme": "small_normal"}, "unstable-scale"),
        ({"type": "dense", "shape": [64, 64], "scheme": {"name": "random_normal", "stddev": 1.0}}, "unstable-scale"),
        ({"type": "dense", "shape": [64, 64], "scheme": "zeros"}, "symmetric-weights"),
    ],
)
def test_what_will_bite_is_warned_of_and_the_remedy_is_not(layer: dict[str, Any], code: str) -> None:
    layer = {"type": "dense", "shape": [64, 64], **layer}
    warnings = plan(layer).warnings
    assert [warning.code for warning in warnings] == [code]
    assert not plan({**layer, **warnings[0].remedy}).warnings


def test_the_same_array_twice_is_warned_of() -> None:
    twins = {"layers": [{"type": "dense", "shape": [4, 4], "scheme": "identity"}] * 2}
    assert [w.code for w in Spec.model_validate(twins).plan().warnings] == ["identical-parameters"]


@pytest.mark.parametrize(("dtype", "unit"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_orthogonal_in_half_precision_is_orthogonal_to_its_rounding(dtype: str, unit: float) -> None:
    layer = {"type": "dense", "shape": [32, 32], "scheme": "orthogonal"}
    stored = arrays(layer, dtype=dtype)["kernel"]
    half = (stored.astype(np.uint32) << 16).view(np.float32) if dtype == "bfloat16" else stored
    exact, half = arrays(layer)["kernel"].astype(float), half.astype(float)
    assert (np.abs(half - exact) <= unit * np.abs(exact) + 2.0**-25).all()  # each value is rounded once, to nearest
    # An entry of the Gram matrix is off by a unit of each factor at most: |dq q'| + |q dq'| <= 2 unit |q| |q'|.
    assert np.abs(half.T @ half - np.eye(32)).max() < 2.1 * unit + 1e-5
