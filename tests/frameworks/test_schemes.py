"""Every scheme that a framework has: values distributed as the real function's, with its bounds and properties."""

from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from tests.frameworks.networks import draw

ALPHA = 1e-7
SHAPE = (160, 240)  # Keras's order: in, out
init = torch.nn.init
JI, KI = jax.nn.initializers, keras.initializers


def of_torch(function: Callable[..., Any], **arguments: Any) -> Callable[[], NDArray[Any]]:
    def make() -> NDArray[Any]:
        torch.manual_seed(0)
        made: NDArray[Any] = function(torch.empty(SHAPE[1], SHAPE[0]), **arguments).numpy().T
        return made

    return make


def of_jax(initializer: Any) -> Callable[[], NDArray[Any]]:
    return lambda: np.asarray(initializer(jax.random.key(0), SHAPE))


def of_keras(initializer: Any) -> Callable[[], NDArray[Any]]:
    return lambda: np.asarray(keras.ops.convert_to_numpy(initializer(SHAPE)))


CASES: dict[str, tuple[Any, Callable[[], NDArray[Any]]]] = {
    "torch normal_": ("torch:normal", of_torch(init.normal_)),
    "torch uniform_": ("torch:uniform", of_torch(init.uniform_)),
    "torch trunc_normal_": ("torch:trunc_normal", of_torch(init.trunc_normal_)),
    "torch trunc_normal_, narrow": (
        {"name": "torch:trunc_normal", "stddev": 0.02}, of_torch(init.trunc_normal_, std=0.02)
    ),
    "torch trunc_normal_, askew": (
        {"name": "torch:trunc_normal", "mean": 0.5, "stddev": 2.0, "minval": -1.0, "maxval": 4.0},
        of_torch(init.trunc_normal_, mean=0.5, std=2.0, a=-1.0, b=4.0),
    ),
    "torch xavier_normal_": ("torch:xavier_normal", of_torch(init.xavier_normal_)),
    "torch xavier_uniform_": ("torch:xavier_uniform", of_torch(init.xavier_uniform_)),
    "torch kaiming_normal_": ("torch:kaiming_normal", of_torch(init.kaiming_normal_)),
    "torch kaiming_uniform_": ("torch:kaiming_uniform", of_torch(init.kaiming_uniform_)),
    "torch kaiming_normal_, fan_out, tanh": (
        {"name": "torch:kaiming_normal", "scale": 25 / 9, "mode": "fan_out"},
        of_torch(init.kaiming_normal_, mode="fan_out", nonlinearity="tanh"),
    ),
    "jax normal": ("jax:normal", of_jax(JI.normal())),
    "jax uniform": ("jax:uniform", of_jax(JI.uniform())),
    "jax truncated_normal": ("jax:truncated_normal", of_jax(JI.truncated_normal())),
    "jax truncated_normal, wide": (
        {"name": "jax:truncated_normal", "stddev": 0.5, "lower": -1.0, "upper": 3.0},
        of_jax(JI.truncated_normal(0.5, lower=-1.0, upper=3.0)),
    ),
    "jax variance_scaling, fan_geo_avg": (
        {"name": "variance_scaling", "scale": 3.0, "mode": "fan_geo_avg", "distribution": "uniform"},
        of_jax(JI.variance_scaling(3.0, "fan_geo_avg", "uniform")),
    ),
    **{
        f"jax {name}": (f"jax:{name}", of_jax(getattr(JI, name)()))
        for name in ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal", "lecun_uniform")
    },
    "keras RandomNormal": ("RandomNormal", of_keras(KI.RandomNormal(seed=0))),
    "keras RandomUniform": ("RandomUniform", of_keras(KI.RandomUniform(seed=0))),
    "keras VarianceScaling": (
        {"name": "VarianceScaling", "scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"},
        of_keras(KI.VarianceScaling(2.0, "fan_out", "untruncated_normal", seed=0)),
    ),
    **{
        f"keras {name}": (name, of_keras(getattr(KI, name)(seed=0)))
        for name in ("GlorotUniform", "HeUniform", "LecunUniform")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_values_are_distributed_as_the_real_ones(name: str) -> None:
    scheme, make = CASES[name]
    ours = draw({"type": "dense", "shape": list(SHAPE), "scheme": scheme, "bias": None})["kernel"].ravel()
    theirs = make().ravel().astype(np.float64)
    assert stats.ks_2samp(ours, theirs).pvalue > ALPHA
    spread = 5.4 * np.sqrt(0.5 + stats.kurtosis(theirs) / 4 + 0.5) * np.sqrt(2 / theirs.size)
    assert ours.std() == pytest.approx(theirs.std(), rel=float(spread))


# Keras's torch backend lets some values slip beyond its bounds (census 1.1), so bounds come from its formula.
@pytest.mark.parametrize("name", ["TruncatedNormal", "GlorotNormal", "HeNormal", "LecunNormal"])
def test_keras_normals_are_distributed_as_the_real_ones(name: str) -> None:
    ours = draw({"type": "dense", "shape": list(SHAPE), "scheme": name, "bias": None})["kernel"].ravel()
    theirs = of_keras(getattr(KI, name)(seed=0))().ravel().astype(np.float64)
    assert stats.ks_2samp(ours, theirs).pvalue > ALPHA


def kernel(scheme: object, shape: tuple[int, ...], **more: Any) -> NDArray[Any]:
    return draw({"type": "tensor", "shape": list(shape), "scheme": scheme, **more})["value"]


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("shape", [(3, 3, 4, 8), (2, 4, 6, 8), (3, 3, 8, 4)])
def test_dirac_is_torchs(shape: tuple[int, ...], groups: int) -> None:
    height, width, inputs, outputs = shape
    layer = {"type": "conv2d", "shape": list(shape), "groups": groups, "scheme": "dirac", "bias": None}
    ours = draw(layer, layout="pytorch")["weight"]
    theirs = init.dirac_(torch.empty(outputs, inputs // groups, height, width), groups).numpy()
    assert np.array_equal(ours, theirs)


def test_eye_is_torchs_and_keras() -> None:
    assert np.array_equal(kernel("eye_", (5, 8)), init.eye_(torch.empty(5, 8)).numpy())
    assert np.array_equal(kernel({"name": "identity", "gain": 2.0}, (8, 5)), np.asarray(KI.Identity(2.0)((8, 5)).cpu()))


def test_delta_orthogonal_has_jaxs_form() -> None:
    ours = kernel("delta_orthogonal", (3, 4, 6, 9))
    theirs = np.asarray(JI.delta_orthogonal()(jax.random.key(0), (3, 4, 6, 9)))
    assert np.array_equal(ours != 0, theirs != 0)
    centre = ours[1, 1]
    assert np.abs(centre @ centre.T - np.eye(6)).max() < 1e-5


def test_sparse_has_torchs_zeros() -> None:
    ours = draw({"type": "dense", "shape": [50, 30], "scheme": "sparse_", "bias": None}, layout="pytorch")["weight"]
    theirs = init.sparse_(torch.empty(30, 50), 0.9).numpy()
    assert ((ours == 0).sum(0) == (theirs == 0).sum(0)).all()
    units = kernel({"name": "sparse", "sparsity": 0.75}, (40, 30))
    assert ((units == 0).sum(0) == 30).all()


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("window", ["hann", "hamming", None])
@pytest.mark.parametrize("scaling", ["density", "spectrum", None])
@pytest.mark.parametrize("periodic", [False, True])
def test_stft_is_keras(side: str, window: str | None, scaling: str | None, periodic: bool) -> None:
    parameters = {"side": side, "window": window, "scaling": scaling, "periodic": periodic}
    theirs = np.asarray(KI.STFT(**parameters)((16, 1, 9)).cpu())
    assert (
        np.abs(kernel({"name": "stft", **parameters}, (16, 1, 9)) - theirs).max() < 5e-6
    )  # theirs is float32 throughout


def test_orthogonal_flattens_as_the_framework_that_is_named() -> None:
    keras_made = kernel("keras:orthogonal", (3, 4, 5)).reshape(12, 5)
    assert np.abs(keras_made.T @ keras_made - np.eye(5)).max() < 1e-5
    torch_made = kernel("torch:orthogonal", (3, 4, 5)).reshape(3, 20)
    assert np.abs(torch_made @ torch_made.T - np.eye(3)).max() < 1e-5
