"""jax-threefry/1 against the real JAX, at random: schemes, shapes, dtypes and seeds, compared by bytes."""

import os
from math import prod
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax.nn import initializers

from service.errors import NotExact
from service.specs.spec import Spec

CASES = int(os.environ.get("REPLAY_CASES", "60"))
SEEDS = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-9, 100), st.sampled_from([2**31, 2**32 - 1, 2**32, 2**53])
)
DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16, "float16": jnp.float16}
# Each shape is compiled anew, so that few are random.
SHAPES = st.one_of(
    *[st.sampled_from([[1, 1], [3, 5], [64, 33], [2, 3, 4], [3, 3, 7, 9], [1, 40, 3], [2, 2, 2, 5, 6], [300, 7]])] * 9,
    st.lists(st.integers(1, 12), min_size=2, max_size=5).filter(lambda shape: prod(shape) < 20_000),
)
SIZES = st.floats(1e-4, 50.0) | st.sampled_from([0.0, 0.01, 0.02, 1.0])
BOUNDS = st.floats(-8.0, 8.0) | st.integers(-6, 6).map(float)
PRESETS = [f"{name}_{kind}" for name in ("glorot", "he", "lecun") for kind in ("normal", "uniform")]
MODES, KINDS = ["fan_in", "fan_out", "fan_avg", "fan_geo_avg"], ["truncated_normal", "normal", "uniform"]
MANY = settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
Made = tuple[Any, Any]  # a scheme, and the real call: (key, shape, dtype) -> array


def plus(mean: float, init: Any) -> Any:
    return (lambda key, shape, dtype: init(key, shape, dtype) + mean) if mean else init


@st.composite
def plain(draw: st.DrawFn) -> Made:
    """Draw a scheme whose numbers are stated."""
    size, mean = draw(SIZES), draw(st.sampled_from([0.0, 0.0, 0.3, -2.7]))
    low, high = sorted(draw(st.tuples(BOUNDS, BOUNDS).filter(lambda pair: abs(pair[0] - pair[1]) > 0.1)))
    match draw(st.sampled_from(["constant", "normal", "truncated", "scale", "uniform"])):
        case "constant":
            return {"name": "constant", "value": mean or size}, initializers.constant(mean or size)
        case "normal":
            return {"name": "random_normal", "mean": mean, "stddev": size}, plus(mean, initializers.normal(size))
        case "truncated":
            cut = {"lower": low, "upper": high} if draw(st.booleans()) else {}
            scheme = {"name": "truncated_normal", "mean": mean, "stddev": size, **cut}
            return scheme, plus(mean, initializers.truncated_normal(size, **cut))
        case "scale" if size:
            return {"name": "random_uniform", "minval": 0.0, "maxval": size}, initializers.uniform(size)
    if low == 0.0:
        return {"name": "random_uniform", "minval": 0.0, "maxval": high}, initializers.uniform(high)
    return (
        {"name": "random_uniform", "minval": low, "maxval": high},
        lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, low, high),
    )


AXES = st.integers(-2, 1) | st.lists(st.integers(-2, 1), max_size=2)  # every shape has two axes


@st.composite
def scaled(draw: st.DrawFn) -> Made:
    """Draw JAX's own call under its prefix, with its own axes; or its fans, under the plain name."""
    if draw(st.booleans()):
        name = draw(st.sampled_from(PRESETS))
        return name, getattr(initializers, name)()
    names = draw(st.lists(st.sampled_from(["in_axis", "out_axis", "batch_axis"]), unique=True))
    axes = {name: draw(AXES) for name in names}
    theirs = {name: tuple(axis) if isinstance(axis, list) else axis for name, axis in axes.items()}
    if draw(st.booleans()):
        name = draw(st.sampled_from(PRESETS))
        return {"name": f"jax:{name}", **axes}, getattr(initializers, name)(**theirs)
    scale, mode, kind = draw(st.floats(0.01, 20.0)), draw(st.sampled_from(MODES)), draw(st.sampled_from(KINDS))
    scheme = {"name": "jax:variance_scaling", "scale": scale, "mode": mode, "distribution": kind, **axes}
    return scheme, initializers.variance_scaling(scale, mode, kind, **theirs)


def ours(scheme: Any, shape: Any, seed: int, dtype: str, **more: Any) -> bytes:
    layer = {"type": "tensor", "shape": list(shape), "scheme": scheme}
    spec = {"algorithm": "jax-threefry/1", "seed": str(seed), "dtype": dtype, "layers": [layer], **more}
    (parameter,) = Spec.model_validate(spec).plan().parameters
    return b"".join(block.tobytes() for block in parameter.blocks())


@MANY
@given(plain() | scaled(), SHAPES, SEEDS, st.sampled_from(list(DTYPES)))
def test_initialisers_by_their_bytes(made: Made, shape: list[int], seed: int, dtype: str) -> None:
    scheme, init = made
    real = np.asarray(init(jax.random.key(seed), tuple(shape), DTYPES[dtype]))
    assert ours(scheme, shape, seed, dtype) == real.tobytes()


@settings(MANY, max_examples=max(20, CASES // 10))
@given(
    st.sampled_from(["orthogonal", "delta_orthogonal"]),
    st.lists(st.integers(1, 6), max_size=3),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.floats(0.1, 3.0),
    st.integers(-2, 1),
    SEEDS,
)
def test_orthogonal_matrices_nearly(
    name: str, field: list[int], size: tuple[int, int], gain: float, axis: int, seed: int
) -> None:
    if name == "delta_orthogonal":
        field, size = field or [3], (min(size), max(size))
    scheme, shape = {"name": f"jax:{name}", "scale": gain, "column_axis": axis}, [*field, *size]
    with pytest.raises(NotExact):
        ours(scheme, shape, seed, "float32")
    found = np.frombuffer(ours(scheme, shape, seed, "float32", exact=False), np.float32)
    real = np.asarray(getattr(initializers, name)(gain, axis)(jax.random.key(seed), tuple(shape), jnp.float32))
    np.testing.assert_allclose(found, real.ravel(), rtol=0, atol=4e-6 * gain)


@pytest.mark.parametrize("dtype", list(DTYPES))
@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_a_million_elements(name: str, dtype: str) -> None:
    real = np.asarray(getattr(initializers, name)()(jax.random.key(9), (1000, 1001), DTYPES[dtype]))
    assert ours(f"jax:{name}", [1000, 1001], 9, dtype) == real.tobytes()


@pytest.mark.parametrize("upper", [5.29, 5.295, 5.3, 5.375, 5.41, 5.42, 6.0, 1e30])
def test_bounds_whose_error_function_is_nearly_one(upper: float) -> None:
    scheme = {"name": "truncated_normal", "stddev": 1.0, "lower": -upper, "upper": upper}
    init = initializers.truncated_normal(1.0, lower=-upper, upper=upper)
    assert ours(scheme, [1000], 1, "float32") == np.asarray(init(jax.random.key(1), (1000,), jnp.float32)).tobytes()


def test_layers_draw_each_array_with_the_seeds_own_key() -> None:
    layer = {"type": "dense", "shape": [12, 7], "seed": 5, "bias": {"name": "random_normal", "stddev": 0.1}}
    spec = {"algorithm": "jax-threefry/1", "seed": 1, "layers": [layer]}
    kernel, bias = Spec.model_validate(spec).plan().parameters
    key = jax.random.key(5)
    assert next(kernel.blocks()).tobytes() == np.asarray(initializers.lecun_normal()(key, (12, 7))).tobytes()
    assert next(bias.blocks()).tobytes() == np.asarray(initializers.normal(0.1)(key, (7,))).tobytes()
