"""`defaults` of a framework: every parameter is distributed as the real layer's own.

Two-sample Kolmogorov-Smirnov tests at 1e-7 each; some 150 of them, so that a right service fails once in 60,000 runs.
"""

from typing import Any

import jax
import keras
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from tests.frameworks import flax_layers, keras_layers, torch_layers
from tests.frameworks.networks import Arrays, draw

ALPHA = 1e-7
SEEDS = 6

LARGE: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "dense": ({"type": "dense", "shape": [120, 70], "activation": "relu"}, (120,)),
    "conv1d": ({"type": "conv1d", "shape": [3, 40, 60]}, (11, 40)),
    "conv2d": ({"type": "conv2d", "shape": [3, 3, 24, 32]}, (9, 8, 24)),
    "conv2d in groups": ({"type": "conv2d", "shape": [3, 3, 48, 64], "groups": 4}, (9, 8, 48)),
    "conv3d": ({"type": "conv3d", "shape": [2, 3, 2, 14, 15]}, (6, 5, 7, 14)),
    "conv2d_transpose": ({"type": "conv2d_transpose", "shape": [3, 3, 36, 15]}, (7, 6, 36)),
    "depthwise_conv2d": ({"type": "depthwise_conv2d", "shape": [3, 3, 256, 2]}, (9, 8, 256)),
    "separable_conv2d": ({"type": "separable_conv2d", "shape": [3, 3, 128, 40]}, (9, 8, 128)),
    "embedding": ({"type": "embedding", "shape": [150, 40]}, (4,)),
    "simple_rnn": ({"type": "simple_rnn", "shape": [60, 50]}, (7, 60)),
    "lstm": ({"type": "lstm", "shape": [60, 50]}, (7, 60)),
    "gru": ({"type": "gru", "shape": [60, 50]}, (7, 60)),
    "multi_head_attention": ({"type": "multi_head_attention", "shape": [48, 4, 12]}, (7, 48)),
    "layer_norm": ({"type": "layer_norm", "shape": [12]}, (7, 12)),
    "batch_norm": ({"type": "batch_norm", "shape": [12]}, (12,)),
    "group_norm": ({"type": "group_norm", "shape": [12]}, (5, 12)),
    "rms_norm": ({"type": "rms_norm", "shape": [12]}, (7, 12)),
    "prelu": ({"type": "prelu", "shape": [12]}, (12,)),
}


def of_keras(layer: dict[str, Any], inputs: tuple[int, ...], seed: int) -> Arrays:
    keras.utils.set_random_seed(seed)
    made = keras_layers.variables(keras_layers.build(layer, inputs))
    return {name: np.asarray(keras.ops.convert_to_numpy(variable)) for name, variable in made.items()}


def of_torch(layer: dict[str, Any], inputs: tuple[int, ...], seed: int) -> Arrays:
    torch.manual_seed(seed)
    state = torch_layers.build(layer).state_dict()
    return {name: value.numpy() for name, value in state.items() if name != "num_batches_tracked"}


def of_flax(layer: dict[str, Any], inputs: tuple[int, ...], seed: int) -> Arrays:
    return {name: np.asarray(value) for name, value in flax_layers.parameters(layer, inputs, seed).items()}


def orthonormal(array: NDArray[Any]) -> bool:
    """Whether the whole matrix has orthonormal rows or columns."""
    if array.ndim != 2:
        return False
    gram = array @ array.T if array.shape[0] <= array.shape[1] else array.T @ array
    return bool(np.abs(gram - np.eye(gram.shape[0])).max() < 1e-4)


FRAMEWORKS = {"keras": of_keras, "pytorch": of_torch, "flax": of_flax}
CASES = [
    (framework, name)
    for framework in FRAMEWORKS
    for name in LARGE
    if not (framework == "flax" and name in ("separable_conv2d", "prelu"))
    # torch has no separable layer: its two convolutions are a choice of ours
    if not (framework == "pytorch" and name == "separable_conv2d")
]


@pytest.mark.parametrize(("framework", "name"), CASES)
def test_every_parameter_is_distributed_as_the_real_one(framework: str, name: str) -> None:
    layer, inputs = LARGE[name]
    real = [FRAMEWORKS[framework](layer, inputs, seed) for seed in range(SEEDS)]
    ours = [draw(layer, defaults=framework, layout=framework, seed=seed) for seed in range(SEEDS)]
    for parameter in real[0]:
        theirs = [np.asarray(arrays[parameter], np.float64) for arrays in real]
        mine = [np.asarray(arrays[parameter], np.float64) for arrays in ours]
        if theirs[0].std() == 0.0 or set(np.unique(theirs[0])) <= {0.0, 1.0}:
            assert np.array_equal(mine[0], theirs[0]), parameter
        elif orthonormal(theirs[0]):
            assert all(orthonormal(array) for array in mine), parameter
        else:
            flat = [np.concatenate([array.ravel() for array in arrays]) for arrays in (mine, theirs)]
            assert stats.ks_2samp(*flat).pvalue > ALPHA, parameter
            bounds = [np.abs(array).max() for array in flat]
            if stats.kurtosis(flat[1]) < -0.3:  # bounded: uniform, truncated
                assert bounds[0] == pytest.approx(bounds[1], rel=0.02), parameter


def test_torchs_fused_projection_and_bilinear_follow_their_own_fans() -> None:
    layer = {"type": "bilinear", "shape": [16, 8, 90]}
    ours, theirs = draw(layer, defaults="pytorch", layout="pytorch"), of_torch(layer, (), 0)
    for name in ("weight", "bias"):
        assert np.abs(ours[name]).max() <= 1 / 4
        assert stats.ks_2samp(ours[name].ravel(), theirs[name].ravel()).pvalue > ALPHA


# What frameworks get wrong (deviation of a layer's outputs under standard normal inputs), and what it is here.
def response(kernel: NDArray[Any]) -> float:
    """Return the deviation of a depthwise 'valid' convolution's outputs."""
    x = np.random.default_rng(0).standard_normal((4, 24, 24, kernel.shape[2])).astype(np.float32)
    made = jax.lax.conv_general_dilated(
        x,
        kernel.reshape(*kernel.shape[:2], 1, -1),
        (1, 1),
        "VALID",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=kernel.shape[2],
    )
    return float(np.asarray(made).std())


def test_a_depthwise_he_layer_keeps_its_variance_here_and_not_in_keras() -> None:
    layer = {"type": "depthwise_conv2d", "shape": [3, 3, 64, 1], "scheme": "he_normal", "bias": None}
    assert response(draw(layer)["kernel"]) == pytest.approx(2**0.5, rel=0.08)
    assert response(draw(layer, fans="keras")["kernel"]) == pytest.approx(2**0.5 / 8, rel=0.08)
    real = keras.layers.DepthwiseConv2D(3, depthwise_initializer=keras.initializers.HeNormal(0))
    real.build((None, 24, 24, 64))
    assert response(keras.ops.convert_to_numpy(real.kernel)) == pytest.approx(2**0.5 / 8, rel=0.08)


def test_each_gate_of_a_recurrent_kernel_is_orthogonal_here_and_not_in_keras() -> None:
    def gates_orthonormal(kernel: NDArray[Any]) -> bool:
        return all(orthonormal(gate) for gate in np.split(kernel, 4, axis=1))

    layer = {"type": "lstm", "shape": [8, 16]}
    assert gates_orthonormal(draw(layer)["lstm_cell/recurrent_kernel"])
    assert not gates_orthonormal(draw(layer, defaults="keras")["lstm_cell/recurrent_kernel"])


def test_queries_keys_and_values_differ_here_and_not_in_keras_with_a_seeded_initialiser() -> None:
    ours = draw({"type": "multi_head_attention", "shape": [32, 4, 8], "scheme": "glorot_uniform"})
    assert not np.array_equal(ours["query/kernel"], ours["key/kernel"])
    real = keras.layers.MultiHeadAttention(4, 8, kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    real.build((None, 5, 32), (None, 5, 32))
    made = {name: keras.ops.convert_to_numpy(v) for name, v in keras_layers.variables(real).items()}
    assert np.array_equal(made["query/kernel"], made["key/kernel"])


def test_attention_heads_together_are_orthogonal_here() -> None:
    ours = draw({"type": "multi_head_attention", "shape": [32, 4, 8], "scheme": "orthogonal"})
    assert orthonormal(ours["query/kernel"].reshape(32, 32))
