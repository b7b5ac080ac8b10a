"""Frameworks' own arguments of their initialisers, axes above all: the first values that the real ones made of them."""

import base64
import io
from typing import Any

import numpy as np
import pytest

from service.errors import InitserveError, NotExact
from service.specs.spec import Spec

SCALING = {"name": "jax:variance_scaling", "scale": 1.0, "mode": "fan_in", "distribution": "normal"}
TURNED = {**SCALING, "in_axis": 1, "out_axis": 0}
# (algorithm, seed, layer, the first three values)
EXACT: list[tuple[str, int, dict[str, Any], str]] = [
    ("jax-threefry/1", 0, {"shape": [2, 3], "scheme": SCALING}, "0x1.25bac8p+0 0x1.6e9cbp+0 -0x1.39f4b6p-2"),
    (
        "flax-linen/1", 0, {"shape": [2, 3], "scheme": SCALING, "name": "w"},
        "0x1.b9108p-5 -0x1.247b32p+0 -0x1.31284cp+0",
    ),
    ("flax-nnx/1", 0, {"shape": [2, 3], "scheme": SCALING}, "0x1.6b7df2p-1 -0x1.48210ep-1 -0x1.0ede06p-1"),
    (
        "flax-linen/1", 0, {"type": "dense", "shape": [2, 3], "bias": None, "scheme": TURNED},
        "-0x1.de760ep-1 0x1.9e61a8p-2 -0x1.849c88p-1",
    ),
    (
        "flax-nnx/1", 0, {"type": "dense", "shape": [2, 3], "bias": None, "scheme": TURNED},
        "0x1.28ca3ap-1 -0x1.0bea92p-1 -0x1.ba530cp-2",
    ),
    (
        "jax-threefry/1", 3, {"shape": [4, 5, 6], "scheme": {**SCALING, "scale": 1.5, "in_axis": 0, "out_axis": 1}},
        "-0x1.723de6p-2 0x1.8a14ep-2 0x1.87afb8p-4",
    ),
    (
        "jax-threefry/1", 3,
        {
            "shape": [4, 5, 6],
            "scheme": {
                "name": "jax:variance_scaling", "scale": 2.0, "mode": "fan_avg", "distribution": "uniform",
                "in_axis": [0, -1], "out_axis": [1], "batch_axis": [],
            },
        },
        "-0x1.1892f8p-1 0x1.209bb8p-1 0x1.8879b8p-3",
    ),
    (
        "jax-threefry/1", 3,
        {
            "shape": [7, 5, 6],
            "scheme": {
                "name": "jax:variance_scaling", "mode": "fan_out", "in_axis": 1, "out_axis": 2, "batch_axis": 0
            },
        },
        "-0x1.39a54cp-1 0x1.4b0b48p-1 0x1.5a42f4p-3",
    ),
    (
        "jax-threefry/1", 3, {"shape": [3, 2, 5, 6], "scheme": {"name": "jax:lecun_normal", "batch_axis": [0, 1]}},
        "-0x1.5794e4p-1 0x1.6aa3fcp-1 0x1.7b4f7cp-3",
    ),
    (
        "jax-threefry/1", 3, {"shape": [5], "scheme": {"name": "jax:he_normal", "in_axis": 0}},
        "-0x1.0fa008p+1 0x1.1eb14cp+1 0x1.2bdf0cp-1",
    ),
    (
        "jax-threefry/1", 3, {"shape": [4, 5], "scheme": {"name": "jax:glorot_uniform", "in_axis": 0, "out_axis": 0}},
        "-0x1.51db2p-1 0x1.5b87c8p-1 0x1.d89a64p-3",
    ),
    *(
        (
            f"keras-{backend}/1", 0,
            {
                "shape": [4, 5, 6], "seed": 5,
                "scheme": {
                    "name": "keras:variance_scaling", "scale": 2.0, "mode": "fan_in",
                    "distribution": "untruncated_normal", "input_axes": [0], "output_axes": [1, 2],
                },
            },
            values,
        )
        for backend, values in (
            ("numpy", "-0x1.225488p-1 -0x1.df781cp-1 -0x1.67aa82p-3"),
            ("torch", "0x1.4d7f50p+0 0x1.77b6e6p-2 -0x1.35e410p+0"),
            ("jax", "-0x1.d765e2p-2 -0x1.32e2ccp-2 0x1.6323a6p+0"),
            ("tensorflow", "-0x1.741030p+0 0x1.a34f0ap-1 0x1.157a9ap-3"),
        )
    ),
    (
        "keras-jax/1", 0,
        {
            "shape": [4, 5, 6], "seed": 5,
            "scheme": {
                "name": "keras:variance_scaling", "mode": "fan_avg", "distribution": "uniform",
                "input_axes": [-1, 0], "output_axes": [1],
            },
        },
        "-0x1.c3c74ep-3 -0x1.31d682p-3 0x1.ba9752p-2",
    ),
    (  # one of the two alone counts for nothing
        "keras-torch/1", 0,
        {
            "shape": [4, 5, 6], "seed": 5,
            "scheme": {
                "name": "keras:variance_scaling", "mode": "fan_avg", "distribution": "uniform", "input_axes": [0]
            },
        },
        "0x1.f3859cp-3 -0x1.1ac33cp-2 0x1.3428a6p-2",
    ),
    (  # Keras's "normal" is cut
        "keras-numpy/1", 0,
        {
            "shape": [4, 5, 6], "seed": 5,
            "scheme": {"name": "keras:variance_scaling", "mode": "fan_out", "distribution": "normal"},
        },
        "-0x1.7d1f28p-3 -0x1.3ab434p-2 -0x1.d823ep-5",
    ),
]  # fmt: skip
# JAX's orthogonal with its columns along another axis; a decomposition, so nearly. (scheme, shape, place, the values)
NEARLY: list[tuple[dict[str, Any], list[int], tuple[Any, ...], str]] = [
    ({"name": "jax:orthogonal", "scale": 2.0}, [3, 4, 5], (), "-0x1.dd1ad8p-1 0x1.4890e2p-3 0x1.98d07cp-4"),
    (
        {"name": "jax:orthogonal", "scale": 2.0, "column_axis": -3}, [3, 4, 5], (),
        "-0x1.0bddb8p-1 0x1.6d000cp-1 -0x1.cd4d86p-2",
    ),
    (
        {"name": "jax:orthogonal", "scale": 2.0, "column_axis": 1}, [3, 4, 5], (),
        "-0x1.59ba8p-1 -0x1.18f6e4p-2 -0x1.800952p-2",
    ),
    ({"name": "jax:orthogonal", "column_axis": 0}, [6, 4], (), "-0x1.8abc84p-1 0x1.b5eddep-2 0x1.ccf42p-11"),
    *(
        (
            {"name": "jax:delta_orthogonal", "scale": 2.0, "column_axis": axis}, [3, 3, 4, 6], (1, 1),
            "-0x1.8abc84p+0 -0x1.40cab6p-1 -0x1.b67980p-1",
        )
        for axis in (-1, 0)
    ),
]  # fmt: skip


def values_of(algorithm: str, seed: int, layer: dict[str, Any], **more: Any) -> Any:
    spec = {"algorithm": algorithm, "seed": seed, "layers": [{"type": "tensor", **layer}], **more}
    (parameter,) = Spec.model_validate(spec).plan().parameters
    return np.concatenate(list(parameter.blocks())).reshape(parameter.shape)


def numbers(text: str) -> list[float]:
    return [float.fromhex(word) for word in text.split()]


@pytest.mark.parametrize(("algorithm", "seed", "layer", "made"), EXACT)
def test_arguments_are_the_frameworks(algorithm: str, seed: int, layer: dict[str, Any], made: str) -> None:
    assert values_of(algorithm, seed, layer).ravel()[:3].tolist() == numbers(made)


@pytest.mark.parametrize(("scheme", "shape", "place", "made"), NEARLY)
def test_columns_along_another_axis(scheme: dict[str, Any], shape: list[int], place: Any, made: str) -> None:
    layer = {"shape": shape, "scheme": scheme}
    with pytest.raises(NotExact):
        values_of("jax-threefry/1", 3, layer)
    found = values_of("jax-threefry/1", 3, layer, exact=False)
    np.testing.assert_allclose(found[place].ravel()[:3], numbers(made), rtol=0, atol=4e-6)


@pytest.mark.parametrize(
    ("algorithm", "scheme", "says"),
    [
        ("jax-threefry/1", {**SCALING, "in_axis": 3}, "no axis 3"),
        ("jax-threefry/1", {**SCALING, "batch_axis": [0, -4]}, "no axis -4"),
        ("jax-threefry/1", {"name": "jax:orthogonal", "column_axis": 3}, "no axis 3"),
        ("jax-threefry/1", {"name": "keras:he_normal", "input_axes": [0], "output_axes": [1]}, "jax:variance_scaling"),
        ("keras-torch/1", {**SCALING, "in_axis": 0}, "keras:variance_scaling"),
        ("keras-torch/1", {"name": "keras:he_normal", "input_axes": [0], "output_axes": [5]}, "no axis 5"),
        ("keras-torch/1", {"name": "jax:orthogonal", "column_axis": 0}, "keras:orthogonal"),
        ("torch-cpu/1", {**SCALING, "in_axis": 0}, "torch:kaiming_normal"),
        ("torch-cpu/1", {"name": "jax:orthogonal", "column_axis": 1}, "torch:orthogonal"),
        ("numpy-pcg64/1", {"name": "jax:orthogonal", "column_axis": 0}, "keras:orthogonal"),
    ],
)
def test_axes_that_there_are_not(algorithm: str, scheme: dict[str, Any], says: str) -> None:
    with pytest.raises(InitserveError, match=says) as refused:
        values_of(algorithm, 0, {"shape": [3, 4, 5], "scheme": scheme}, exact=False)
    assert refused.value.pointer == "/layers/0/scheme"


@pytest.mark.parametrize(
    ("algorithm", "scheme", "instead"),
    [
        ("keras-torch/1", {"name": "keras:RandomNormal", "mean": 0.0, "stddev": 0.1, "seed": 3}, "seed"),
        ("torch-cpu/1", {"name": "normal_", "std": 0.1, "generator": 7}, "seed"),
        ("jax-threefry/1", {"name": "jax:normal", "stddev": 0.1, "dtype": "float32"}, "dtype"),
    ],
)
def test_arguments_that_have_their_place_elsewhere(algorithm: str, scheme: dict[str, Any], instead: str) -> None:
    layer = {"shape": [3, 4], "scheme": scheme}
    with pytest.raises(ValueError, match=f"own member, {instead}"):
        values_of(algorithm, 0, layer)
    left_out = {name: None if name in ("seed", "generator", "dtype") else value for name, value in scheme.items()}
    values_of(algorithm, 0, {**layer, "scheme": left_out})


@pytest.mark.parametrize(
    ("algorithm", "scheme", "instead"),
    [
        ("torch-cpu/1", {"name": "uniform_", "a": 1.0, "b": 1.0}, "constant"),
        ("keras-torch/1", {"name": "keras:RandomUniform", "minval": 0.5, "maxval": 0.5}, "constant"),
        ("jax-threefry/1", {"name": "jax:uniform", "scale": 0.0}, "constant"),
        ("torch-cpu/1", {"name": "xavier_normal_", "gain": 0.0}, "zeros"),
    ],
)
def test_what_comes_to_one_value_is_said_to_be_that(algorithm: str, scheme: dict[str, Any], instead: str) -> None:
    with pytest.raises(ValueError, match=f"; {instead} gives"):
        values_of(algorithm, 0, {"shape": [3, 4], "scheme": scheme})


@pytest.mark.parametrize(
    ("algorithm", "scheme", "prefix"),
    [
        ("jax-threefry/1", {"name": "he_normal", "in_axis": 0, "out_axis": 1}, "jax"),
        ("jax-threefry/1", {"name": "xavier_uniform", "batch_axis": [0]}, "jax"),
        ("jax-threefry/1", {"name": "variance_scaling", "distribution": "normal", "in_axis": 0}, "jax"),
        ("jax-threefry/1", {"name": "orthogonal", "scale": 2.0, "column_axis": 0}, "jax"),
        ("keras-jax/1", {"name": "VarianceScaling", "input_axes": [0], "output_axes": [1]}, "keras"),
        ("initserve/1", {"name": "he_normal", "in_axis": 0, "out_axis": 1}, "jax"),
    ],
)
def test_axes_say_whose_a_plain_name_is(algorithm: str, scheme: dict[str, Any], prefix: str) -> None:
    layer: dict[str, Any] = {"shape": [4, 5, 6], "scheme": scheme}
    prefixed = {**layer, "scheme": {**scheme, "name": f"{prefix}:{scheme['name']}"}}
    found = values_of(algorithm, 3, layer, exact=False)
    assert np.array_equal(found, values_of(algorithm, 3, prefixed, exact=False))


@pytest.mark.parametrize("algorithm", ["jax-threefry/1", "keras-torch/1"])
def test_an_array_given_twice_is_warned_of_once_and_not_of_its_key(algorithm: str) -> None:
    file = io.BytesIO()
    np.save(file, np.eye(3))
    scheme = {"name": "array", "npy": base64.b64encode(file.getvalue()).decode()}
    layer = {"type": "dense", "shape": [3, 3], "scheme": scheme}
    plan = Spec.model_validate({"algorithm": algorithm, "seed": 1, "layers": [layer, layer]}).plan()
    (warning,) = [warning for warning in plan.warnings if warning.code == "identical-parameters"]
    assert "key or seed" not in warning.detail


def test_kerass_own_configuration_is_a_scheme() -> None:
    """As get_config() of an initialiser gives it, and with the name of a distribution in any case."""
    config = {
        "scale": 2.0, "mode": "fan_in", "distribution": "Uniform", "seed": None, "input_axes": None, "output_axes": None
    }  # fmt: skip
    stated = values_of("keras-torch/1", 1, {"shape": [3, 4], "scheme": {"name": "keras:VarianceScaling", **config}})
    assert np.array_equal(stated, values_of("keras-torch/1", 1, {"shape": [3, 4], "scheme": "keras:he_uniform"}))


@pytest.mark.parametrize("algorithm", ["jax-threefry/1", "initserve/1"])
def test_fans_are_told_as_the_axes_count_them(algorithm: str) -> None:
    layer = {"type": "tensor", "shape": [4, 5, 6], "scheme": {**SCALING, "in_axis": 0, "out_axis": 1}}
    plan = Spec.model_validate({"algorithm": algorithm, "seed": 0, "layers": [layer]}).plan()
    fans = plan.parameters[0].source.fans
    assert (fans.fan_in, fans.fan_out) == (4 * 6, 5 * 6)


# A number that float32 would round up before float16 rounds it down, one beside it, zeros, and subnormal ones.
GIVEN = [1.0 + 2.0**-11 + 2.0**-30, 0.1, -0.0, 2.0**-130, -(2.0**-127), 6e-8]
ONCE, TWICE = 1.0 + 2.0**-10, 1.0
# What the real Keras makes of Constant(ndarray of float64), by backend; JAX's own constant flushes nothing.
CAST: list[tuple[str, str, float, bool]] = [
    ("keras-numpy/1", "float16", ONCE, False),
    ("keras-torch/1", "float16", TWICE, False),
    ("keras-jax/1", "float16", ONCE, False),
    ("keras-tensorflow/1", "float16", TWICE, False),
    ("jax-threefry/1", "float16", ONCE, False),
    ("keras-numpy/1", "float32", GIVEN[0], False),
    ("keras-torch/1", "float32", GIVEN[0], False),
    ("keras-jax/1", "float32", GIVEN[0], True),
    ("keras-tensorflow/1", "float32", GIVEN[0], True),
    ("jax-threefry/1", "float32", GIVEN[0], False),
    ("keras-tensorflow/1", "float64", GIVEN[0], False),
    ("keras-torch/1", "float64", GIVEN[0], False),
]


@pytest.mark.parametrize(("algorithm", "dtype", "first", "flushed"), CAST)
def test_an_array_of_ones_own_is_cast_as_the_framework_does(
    algorithm: str, dtype: str, first: float, flushed: bool
) -> None:
    file = io.BytesIO()
    np.save(file, np.array(GIVEN))
    scheme = {"name": "array", "npy": base64.b64encode(file.getvalue()).decode()}
    found = values_of(algorithm, 0, {"shape": [len(GIVEN)], "scheme": scheme}, dtype=dtype)
    expected = np.array([first, *GIVEN[1:]], dtype)
    if flushed:
        expected[3:5] = (0.0, -0.0)
    assert found.tobytes() == expected.tobytes()
