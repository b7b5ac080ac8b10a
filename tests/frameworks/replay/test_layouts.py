"""The network that one framework's seed builds, delivered to the others: the same outputs in real layers."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.specs.spec import Spec
from tests.frameworks import flax_layers, keras_layers, torch_layers
from tests.frameworks.networks import LAYERS
from tests.frameworks.test_layers import NOT_IN_FLAX, TOLERANCE, inputs_for

NATIVE = {"torch-cpu/1": "pytorch", "keras-numpy/1": "keras", "flax-nnx/1": "flax", "jax-threefry/1": "flax"}


@pytest.mark.parametrize("algorithm", NATIVE)
@pytest.mark.parametrize("name", LAYERS)
def test_the_network_of_one_framework_is_the_same_in_the_others(algorithm: str, name: str) -> None:
    layer, shape = LAYERS[name]
    if NATIVE[algorithm] == "flax" and name in NOT_IN_FLAX:
        pytest.skip("Flax has no such layer")
    x = inputs_for(layer, shape)

    def arrays(layout: str) -> dict[str, NDArray[Any]]:
        spec = {"algorithm": algorithm, "seed": 3, "exact": False, "layout": layout, "layers": [{**layer, "name": "x"}]}
        return {
            parameter.name: np.concatenate(list(parameter.blocks())).reshape(parameter.shape)
            for parameter in Spec.model_validate(spec).plan().parameters
        }

    keras_made = keras_layers.run(layer, keras_layers.load(layer, shape, arrays("keras")), x)
    torch_made = torch_layers.run(layer, torch_layers.load(layer, arrays("pytorch")), x)
    scale = max(1.0, np.abs(keras_made).max())
    assert np.abs(keras_made - torch_made).max() < TOLERANCE * scale
    if name not in NOT_IN_FLAX:
        flax_made = flax_layers.run(layer, arrays("flax"), x)
        assert np.abs(keras_made - flax_made).max() < TOLERANCE * scale
